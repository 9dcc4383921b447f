package gradsae

import (
	"cmp"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// completion brings rows to K latents that have fewer positive scores. Such
// rows are rare unless K is a large part of F; they are scored by themselves,
// a few at a time.
type completion struct {
	pool *kernel.Pool

	inputs
	k     int
	fill  fill
	kept  *kernel.Support
	short []int       // rows that keep too few
	added []addition  // [short]
	room  []workspace // one a worker
	whole kernel.Support
}

// addition is the further latents of a row, ascending, and their z.
type addition struct {
	index []int32
	score []float32
}

// workspace is what one worker scores rows in.
type workspace struct {
	x, g       []float32 // [groupRows,D]
	z, along   []float32 // [groupRows,F]
	candidates []candidate
}

type candidate struct {
	key    float32
	latent int32
}

// groupRows is how many rows are scored at a time.
const groupRows = 16

// complete adds to the rows of kept that have fewer than k latents.
func (c *completion) complete(kept *kernel.Support, in inputs, k int, f fill) {
	c.short = c.short[:0]
	for i := range in.rows {
		if int(kept.RowPtr[i+1]-kept.RowPtr[i]) < k {
			c.short = append(c.short, i)
		}
	}
	if len(c.short) == 0 {
		return
	}
	c.inputs, c.k, c.fill, c.kept = in, k, f, kept
	for len(c.added) < len(c.short) {
		c.added = append(c.added, addition{})
	}
	for len(c.room) < c.pool.Threads() {
		c.room = append(c.room, workspace{})
	}
	c.pool.Run((len(c.short)+groupRows-1)/groupRows, c)
	c.merge()
	c.inputs, c.kept = inputs{}, nil
}

// Do finds what the rows of one group get.
func (c *completion) Do(worker, group int) {
	lo, hi := group*groupRows, min((group+1)*groupRows, len(c.short))
	w := &c.room[worker]
	if c.fill == fillBest {
		c.score(w, c.short[lo:hi])
	}
	for i := lo; i < hi; i++ {
		row, a := c.short[i], &c.added[i]
		a.index = a.index[:0]
		if c.fill == fillBest {
			c.best(a, w, row, i-lo)
		} else {
			c.lowest(a, row)
		}
		a.score = reuse.Slice(a.score, len(a.index))
		kernel.Dots(a.score, c.x[row*c.d:(row+1)*c.d], c.w, a.index, nil)
		if c.bias != nil {
			for j, f := range a.index {
				a.score[j] += c.bias[f]
			}
		}
	}
}

// row is the latents that a row keeps already.
func (c *completion) row(i int) []int32 { return c.kept.Index[c.kept.RowPtr[i]:c.kept.RowPtr[i+1]] }

// lowest takes the lowest latents that the row does not keep: all that are
// positive it keeps.
func (c *completion) lowest(a *addition, row int) {
	kept := c.row(row)
	need := c.k - len(kept)
	for f := int32(0); need > 0; f++ {
		if len(kept) > 0 && kept[0] == f {
			kept = kept[1:]
			continue
		}
		a.index = append(a.index, f)
		need--
	}
}

// score computes all z of rows, and <g,d> where the score needs it.
func (c *completion) score(w *workspace, rows []int) {
	n := len(rows)
	w.x, w.z = reuse.Slice(w.x, groupRows*c.d), reuse.Slice(w.z, groupRows*c.f)
	gather(w.x, c.x, rows, c.d)
	kernel.DotBlock(w.z, c.f, w.x, c.w, n, c.f, c.d)
	for i := range n {
		if c.bias != nil {
			kernel.Add(w.z[i*c.f:(i+1)*c.f], c.bias)
		}
	}
	if c.boost != nil {
		w.g, w.along = reuse.Slice(w.g, groupRows*c.d), reuse.Slice(w.along, groupRows*c.f)
		gather(w.g, c.boost.X, rows, c.d)
		kernel.DotBlock(w.along, c.f, w.g, c.boost.W, n, c.f, c.d)
	}
}

// gather copies rows of x [.,d] side by side.
func gather(dst, x []float32, rows []int, d int) {
	for i, row := range rows {
		copy(dst[i*d:(i+1)*d], x[row*d:(row+1)*d])
	}
}

// best takes the latents with the largest scores that are not positive, the
// i-th row of what was scored last. A score that is not a number is no score.
func (c *completion) best(a *addition, w *workspace, row, i int) {
	w.candidates = w.candidates[:0]
	for f, z := range w.z[i*c.f : (i+1)*c.f] {
		if z <= 0 {
			w.candidates = append(w.candidates, candidate{c.key(w, z, i*c.f+f), int32(f)})
		}
	}
	slices.SortFunc(w.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.key, a.key), cmp.Compare(a.latent, b.latent))
	})
	for _, one := range w.candidates[:min(c.k-len(c.row(row)), len(w.candidates))] {
		a.index = append(a.index, one.latent)
	}
	slices.Sort(a.index)
}

// key is the score, in the steps that kernel.Rule takes. Of a zero it is zero,
// however large the gradient.
func (c *completion) key(w *workspace, z float32, at int) float32 {
	if c.boost == nil || z == 0 {
		return z
	}
	along := max(w.along[at], -w.along[at])
	return z * (1 + float32(c.boost.Beta*along))
}

// merge puts the additions into the support.
func (c *completion) merge() {
	m, kept, n := &c.whole, c.kept, 0
	m.RowPtr, m.Index, m.Score = append(m.RowPtr[:0], 0), m.Index[:0], m.Score[:0]
	for i := range c.rows {
		lo, hi := kept.RowPtr[i], kept.RowPtr[i+1]
		var a addition
		if n < len(c.short) && c.short[n] == i {
			a = c.added[n]
			n++
		}
		for e := lo; e < hi || len(a.index) > 0; {
			if len(a.index) == 0 || e < hi && kept.Index[e] < a.index[0] {
				m.Index, m.Score = append(m.Index, kept.Index[e]), append(m.Score, kept.Score[e])
				e++
				continue
			}
			m.Index, m.Score = append(m.Index, a.index[0]), append(m.Score, a.score[0])
			a.index, a.score = a.index[1:], a.score[1:]
		}
		m.RowPtr = append(m.RowPtr, int32(len(m.Index)))
	}
	*kept, *m = *m, *kept
}
