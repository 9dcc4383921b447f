package sae

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
)

// Dead counts, for each latent, the rows (or batches) since it last fired,
// and lists the latents for which that is at least After. Counting is an op
// between the selection and whatever asks for dead latents.
type Dead struct {
	Node    *gorgonia.Node // scalar: how many are dead; runs the counting
	After   int64
	Since   []int64 // [F] up to the last committed step
	pending []int64 // [F] with the step under way
	latents []int32
	fired   []bool    // [F]
	sum     []float64 // [F] of values, where a positive sum is what fired means
	by      TrainSettings
}

// Dead adds the counting of which latents of c fired. A variant that revives
// dead latents calls it once, and uses Latents in rules of selections that
// list its Node among those that must have run before. after is in rows, or
// in batches where the trainer's settings say so.
func (b *Builder) Dead(c Codes, after int64) *Dead {
	f := c.Support.F
	d := &Dead{
		After: after, Since: make([]int64, f), pending: make([]int64, f),
		fired: make([]bool, f), sum: make([]float64, f), by: b.settings,
		latents: []int32{}, // not nil, which a rule takes for all latents
	}
	d.Node = b.G.Custom("count", nil, sparseop.Func{
		F32: func(dst []float32, in [][]float32) { dst[0] = countDead(d, c.Support, in[0]) },
		F64: func(dst []float64, in [][]float64) { dst[0] = countDead(d, c.Support, in[0]) },
	}, nil, c.Values, c.Support.Node)
	b.dead = d
	return d
}

// Latents lists the dead latents in ascending order; valid until the next
// run.
func (d *Dead) Latents() []int32 { return d.latents }

// countDead counts with values [Cap] of s and returns how many are dead.
func countDead[T float32 | float64](d *Dead, s *sparseop.Support, values []T) T {
	clear(d.fired)
	fire(d, s.Index(), values)
	d.count(s)
	return T(len(d.latents))
}

// count makes the list of dead latents from those that fired.
func (d *Dead) count(s *sparseop.Support) {
	step := int64(s.Rows)
	if d.by.DeadUnit == "batches" {
		step = 1
	}
	d.latents = d.latents[:0]
	for f, fired := range d.fired {
		d.pending[f] = d.Since[f] + step
		if fired {
			d.pending[f] = 0
		}
		judged := d.pending[f]
		if d.by.DeadMask == "before" {
			judged = d.Since[f]
		}
		if d.After > 0 && judged >= d.After {
			d.latents = append(d.latents, int32(f))
		}
	}
}

// fire lists in fired the latents that fired, as the settings have it.
func fire[T float32 | float64](d *Dead, index []int32, values []T) {
	switch d.by.Fired {
	case "index":
		for _, f := range index {
			d.fired[f] = true
		}
	case "sum":
		clear(d.sum)
		for e, f := range index {
			d.sum[f] += float64(values[e])
			d.fired[f] = d.sum[f] > 0
		}
	default:
		for e, f := range index {
			if values[e] != 0 {
				d.fired[f] = true
			}
		}
	}
}

// commit makes the counts of the last run final. A step that is repeated
// with a larger graph counts once.
func (d *Dead) commit() { copy(d.Since, d.pending) }
