package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/saectl/saectl/data"
)

// correlation is Pearson's, about the first pair to keep digits.
type correlation struct {
	n                        int64
	x0, y0, x, y, xx, yy, xy float64
}

func (c *correlation) add(x, y float64) {
	if c.n == 0 {
		c.x0, c.y0 = x, y
	}
	c.n++
	x, y = x-c.x0, y-c.y0
	c.x, c.y = c.x+x, c.y+y
	c.xx, c.yy, c.xy = c.xx+x*x, c.yy+y*y, c.xy+x*y
}

func (c *correlation) value() float64 {
	n := float64(c.n)
	return (c.xy - c.x*c.y/n) / math.Sqrt((c.xx-c.x*c.x/n)*(c.yy-c.y*c.y/n))
}

// drawn keeps up to most of what it is given, drawn at random when there is more.
type drawn[E any] struct {
	most  int
	order []uint32
	kept  []E
	mask  uint32 // what is given is kept when order&mask == 0
}

// wants reports whether add would keep what has this random order.
func (s *drawn[E]) wants(order uint32) bool { return order&s.mask == 0 }

func (s *drawn[E]) add(order uint32, e E) {
	if !s.wants(order) {
		return
	}
	s.order, s.kept = append(s.order, order), append(s.kept, e)
	for len(s.kept) > s.most && s.mask != math.MaxUint32 {
		s.mask = s.mask<<1 | 1
		n := 0
		for i, o := range s.order {
			if s.wants(o) {
				s.order[n], s.kept[n] = o, s.kept[i]
				n++
			}
		}
		s.order, s.kept = s.order[:n], s.kept[:n]
	}
}

// first are up to n of those kept, those of lowest order.
func (s *drawn[E]) first(n int) []E {
	var out []E
	for _, i := range ascending(s.order)[:min(n, len(s.order))] {
		out = append(out, s.kept[i])
	}
	return out
}

// ascending are the places of order from its lowest number to its highest.
func ascending(order []uint32) []int {
	at := make([]int, len(order))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(order[a], order[b]) })
	return at
}

// sampled keeps values, and the sum of all.
type sampled struct {
	drawn[float64]
	sum float64
	n   int64
}

// maxSampled is how many values quantiles are taken of.
const maxSampled = 1 << 20

func newSampled(most int) *sampled { return &sampled{drawn: drawn[float64]{most: most}} }

func (s *sampled) add(order uint32, v float64) {
	s.sum += v
	s.n++
	s.drawn.add(order, v)
}

func (s *sampled) mean() float64 { return mean(s.sum, s.n) }

func (s *sampled) sorted() []float64 {
	v := slices.Clone(s.kept)
	slices.Sort(v)
	return v
}

// A ZFRow is a row of the ZF plot, in the units the encoder works in.
type ZFRow struct {
	Row   int64   // of the dump
	Z     float64 // ‖z‖
	F     float64 // ‖f̃‖
	Recon float64 // ‖ẑ‖, ẑ = f·W_dec + b_dec
	Error float64 // ‖z - ẑ‖²
	Text  string  // up to the row; filled in by a caller who has it
}

// scaler brings rows to the units the encoder works in.
type scaler struct {
	scale data.Scale
	x     []float32
}

// rows are the rows of s, scaled; they hold until the next call.
func (c *scaler) rows(s *Sample) []float32 {
	if c.scale.Kind == "" || c.scale.Kind == data.ScaleNone {
		return s.X
	}
	c.x = append(c.x[:0], s.X[:s.N*s.D]...)
	b := *s.Batch
	b.X, b.Gradient, b.Target = c.x, nil, nil
	c.scale.Apply(&b)
	return c.x
}
