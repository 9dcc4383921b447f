package gradsae

import (
	"math"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// weight is β, which may follow a schedule and may count in multiples of
// 1/median of |<g,d>| over the latents kept.
type weight struct {
	v        *GradSAE
	b        *sae.Builder
	median   *sae.State // [1] running; 0 until a batch with a gradient was seen
	measured float64    // of the run under way
}

const (
	stateMedian = "gradient_along_median"
	medianDecay = 0.99 // of the running median, so that it follows about a hundred batches
)

// weight declares what β needs. An evaluation needs the median only where β
// counts in it; training keeps it either way, for β·median is what one dump's β
// can be compared with another's by.
func (v *GradSAE) weight(b *sae.Builder) *weight {
	w := &weight{v: v, b: b}
	if b.Train || v.BetaUnit == "median" {
		w.median = b.State(stateMedian, 1, 0)
	}
	return w
}

// beta is what |<g,d>| is multiplied by in the run under way. In units of the
// median it is 0, and the choice TopK's, until there is one.
func (w *weight) beta() float64 {
	beta := w.scheduled()
	if w.v.BetaUnit == "gradient" {
		return beta
	}
	if m := w.median.Data[0]; m >= 0x1p-126 { // below, 1/m is no float32
		return min(beta/m, math.MaxFloat32)
	}
	return 0
}

// scheduled is β at this step; after training it is the last.
func (w *weight) scheduled() float64 {
	v := w.v
	if step := w.b.Step(); w.b.Train && step < v.BetaSteps {
		return v.BetaStart + (v.Beta-v.BetaStart)*float64(step)/float64(v.BetaSteps)
	}
	return v.Beta
}

// medianRows is how many rows of a batch, evenly spread, the median is taken of.
const medianRows = 64

// measure adds the median of |<g,d>| over the latents that a sample of rows
// keeps, for the gradient [B,D] and the decoder [F,D]. Zeros, as of rows without
// a loss, do not count; it is 0 where there is nothing else.
func (w *weight) measure(g *sparseop.Graph, gradient, decoder *gorgonia.Node, s *sparseop.Support) *gorgonia.Node {
	f := sparseop.Func{F32: medianOf(w, s, dots32), F64: medianOf(w, s, dots)}
	return g.Custom("median", nil, f, nil, gradient, decoder, s.Node)
}

type float interface{ float32 | float64 }

// medianOf is the median in the precision of products, which sets dst to the
// inner products of x and rows of w.
func medianOf[T float](w *weight, s *sparseop.Support, products func(dst, x, w []T, rows []int32)) func(dst []T, in [][]T) {
	var along, sizes []T
	return func(dst []T, in [][]T) {
		sizes = sizes[:0]
		d := len(in[0]) / s.B
		for b := 0; b < s.Rows; b += max(1, s.Rows/medianRows) {
			lo, hi := s.Row(b)
			along = append(along[:0], make([]T, hi-lo)...)
			products(along, in[0][b*d:(b+1)*d], in[1], s.Index()[lo:hi])
			for _, q := range along {
				if q != 0 {
					sizes = append(sizes, max(q, -q))
				}
			}
		}
		dst[0] = 0
		if n := len(sizes); n > 0 {
			slices.Sort(sizes)
			dst[0] = sizes[(n-1)/2]/2 + sizes[n/2]/2
		}
		w.measured = float64(dst[0])
	}
}

func dots32(dst, x, w []float32, rows []int32) { kernel.Dots(dst, x, w, rows, nil) }

// dots is kernel.Dots in float64.
func dots(dst, x, w []float64, rows []int32) {
	for i, r := range rows {
		dst[i] = 0
		for j, v := range x {
			dst[i] += v * w[int(r)*len(x)+j]
		}
	}
}

// update moves the running median after a step.
func (w *weight) update(int) {
	switch m := &w.median.Data[0]; {
	case w.measured == 0:
	case *m == 0:
		*m = w.measured
	default:
		*m = medianDecay**m + (1-medianDecay)*w.measured
	}
}

// boost adds z·(1 + β·|q|), [C], for values z and projections q [C]. held says
// that no gradient flows to q; that of |q| at 0 is 0.
func boost(g *sparseop.Graph, z, q *gorgonia.Node, beta func() float64, held bool) *gorgonia.Node {
	return g.CustomWRT("boost", z.Shape(), sparseop.Func{F32: boosted[float32](beta), F64: boosted[float64](beta)}, []bool{true, !held},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			back := sparseop.Func{F32: boosted[float32](beta), F64: boosted[float64](beta)}
			byZ := g.Custom("boostBack", z.Shape(), back, nil, grad, in[1])
			if held {
				return gorgonia.Nodes{byZ, nil}
			}
			pull := sparseop.Func{F32: pulled[float32](beta), F64: pulled[float64](beta)}
			return gorgonia.Nodes{byZ, g.Custom("boostPull", z.Shape(), pull, nil, grad, in[0], in[1])}
		}, z, q)
}

func boosted[T float](beta func() float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		c, q := T(beta()), in[1]
		for e, z := range in[0] {
			dst[e] = z * (1 + c*max(q[e], -q[e]))
		}
	}
}

// pulled is grad·β·z·sign(q).
func pulled[T float](beta func() float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		c := T(beta())
		for e, grad := range in[0] {
			switch z, q := in[1][e], in[2][e]; {
			case q > 0:
				dst[e] = grad * c * z
			case q < 0:
				dst[e] = -grad * c * z
			default:
				dst[e] = 0
			}
		}
	}
}
