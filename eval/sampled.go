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

// sampled keeps up to most values, drawn at random when there are more, and
// the sum of all.
type sampled struct {
	most  int
	order []uint32
	value []float64
	mask  uint32 // a value is kept when order&mask == 0
	sum   float64
	n     int64
}

// maxSampled is how many values quantiles are taken of.
const maxSampled = 1 << 20

func (s *sampled) add(order uint32, v float64) {
	s.sum += v
	s.n++
	if order&s.mask != 0 {
		return
	}
	s.order, s.value = append(s.order, order), append(s.value, v)
	if len(s.value) > s.most {
		s.mask = s.mask<<1 | 1
		kept := 0
		for i, o := range s.order {
			if o&s.mask == 0 {
				s.order[kept], s.value[kept] = o, s.value[i]
				kept++
			}
		}
		s.order, s.value = s.order[:kept], s.value[:kept]
	}
}

func (s *sampled) mean() float64 { return mean(s.sum, s.n) }

func (s *sampled) sorted() []float64 {
	v := slices.Clone(s.value)
	slices.Sort(v)
	return v
}

// sampledPairs is two samples of the same rows.
type sampledPairs struct{ x, y sampled }

// newSampledPairs keeps a few times points pairs.
func newSampledPairs(points int) *sampledPairs {
	return &sampledPairs{x: sampled{most: 4 * points}, y: sampled{most: 4 * points}}
}

func (s *sampledPairs) add(order uint32, x, y float64) {
	s.x.add(order, x)
	s.y.add(order, y)
}

// points are up to n of the pairs, those of lowest order.
func (s *sampledPairs) points(n int) (x, y []float64) {
	at := make([]int, len(s.x.value))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(s.x.order[a], s.x.order[b]) })
	for _, i := range at[:min(n, len(at))] {
		x, y = append(x, s.x.value[i]), append(y, s.y.value[i])
	}
	return x, y
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
