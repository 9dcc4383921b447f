package sparseop

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
)

// SquaredError adds the scalar c·Σ (y-x)² over all entries of y and x [B,D],
// summed in float64. Gradients flow to both.
func (g *Graph) SquaredError(y, x *gorgonia.Node, c float64) *gorgonia.Node {
	want("SquaredError's target", x, y.Shape()...)
	return g.apply(spec{
		name: "squaredError", wrt: []bool{true, true},
		f32: &squaredError[float32]{g: g, c: c}, f64: &squaredError[float64]{g: g, c: c},
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.residual(grad, in[0], in[1], 2*c), g.residual(grad, in[1], in[0], 2*c)}
		},
	}, y, x)
}

// Both loops run over blocks of entries of a fixed size.
const entryBlock = 1 << 14

type squaredError[T float] struct {
	g *Graph
	c float64

	y, x []T
	part []float64 // [blocks]
}

func (r *squaredError[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.y, r.x = data[T](in[0]), data[T](in[1])
	n := blocks(len(r.y), entryBlock)
	r.part = grow(r.part, n)
	r.g.Pool.Run(n, r)
	sum := 0.0
	for _, p := range r.part {
		sum += p
	}
	setScalar(dst, r.c*sum)
	return nil
}

// Do sums one block.
func (r *squaredError[T]) Do(_, item int) {
	lo, hi := span(item, entryBlock, len(r.y))
	r.part[item] = squares(r.y[lo:hi], r.x[lo:hi])
}

// squares is Σ (y-x)² in float64.
func squares[T float](y, x []T) (sum float64) {
	if y, ok := any(y).([]float32); ok {
		return kernel.SquaredError(y, any(x).([]float32))
	}
	for i, v := range y {
		e := float64(v) - float64(x[i])
		sum += e * e
	}
	return sum
}

// residual adds c·grad·(y-x) for a scalar grad: the gradient of
// SquaredError.
func (g *Graph) residual(grad, y, x *gorgonia.Node, c float64) *gorgonia.Node {
	return g.apply(spec{
		name: "residual", shape: y.Shape(), wrt: []bool{true, true, true},
		f32: &residual[float32]{g: g, c: c}, f64: &residual[float64]{g: g, c: c},
		some: func(in []gorgonia.Value) bool { return scalar[float64](in[0]) != 0 },
		diff: func(in gorgonia.Nodes, _, up *gorgonia.Node) gorgonia.Nodes {
			along := g.Sum(g.Mul(up, g.Sub(in[1], in[2])), c)
			return gorgonia.Nodes{along, g.times(up, in[0], c), g.times(up, in[0], -c)}
		},
	}, grad, y, x)
}

type residual[T float] struct {
	g *Graph
	c float64

	k         T
	dst, y, x []T
}

func (r *residual[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.k = T(r.c) * scalar[T](in[0])
	r.dst, r.y, r.x = data[T](dst), data[T](in[1]), data[T](in[2])
	r.g.Pool.Run(blocks(len(r.y), entryBlock), r)
	return nil
}

// Do computes one block.
func (r *residual[T]) Do(_, item int) {
	lo, hi := span(item, entryBlock, len(r.y))
	scaledDifference(r.dst[lo:hi], r.k, r.y[lo:hi], r.x[lo:hi])
}

// scaledDifference sets dst to k·(y-x).
func scaledDifference[T float](dst []T, k T, y, x []T) {
	if d, ok := any(dst).([]float32); ok {
		kernel.ScaledDifference(d, float32(k), any(y).([]float32), any(x).([]float32))
		return
	}
	for i := range dst {
		dst[i] = k * (y[i] - x[i])
	}
}

// Times adds k·x for a scalar node k.
func (g *Graph) Times(x, k *gorgonia.Node) *gorgonia.Node { return g.times(x, k, 1) }

// times adds c·k·x for a scalar node k.
func (g *Graph) times(x, k *gorgonia.Node, c float64) *gorgonia.Node {
	return g.Custom("times", x.Shape(), Func{times[float32](c), times[float64](c)},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.times(grad, in[1], c), g.Sum(g.Mul(grad, in[0]), c)}
		}, x, k)
}

func times[T float](c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		k := T(c) * in[1][0]
		for i, v := range in[0] {
			dst[i] = k * v
		}
	}
}

// InverseVariance adds 1/Σ(x - column mean)² over all entries of x [B,D], a
// constant to backpropagation. It is 0 where on, a scalar node, is 0 (nil is
// always on) and where the inverse is not finite.
func (g *Graph) InverseVariance(x, on *gorgonia.Node) *gorgonia.Node {
	in := []*gorgonia.Node{x}
	if on != nil {
		in = append(in, on)
	}
	d := x.Shape()[1]
	return g.Custom("inverseVariance", nil, Func{inverseVariance[float32](d), inverseVariance[float64](d)}, nil, in...)
}

func inverseVariance[T float](d int) func(dst []T, in [][]T) {
	mean := make([]float64, d)
	return func(dst []T, in [][]T) {
		dst[0] = 0
		if len(in) > 1 && in[1][0] == 0 {
			return
		}
		if v := 1 / sumOfSquares(in[0], mean); !math.IsInf(v, 0) && !math.IsNaN(v) {
			dst[0] = T(v)
		}
	}
}

// sumOfSquares is Σ(x - column mean)², in two passes; mean [D] is overwritten.
func sumOfSquares[T float](x []T, mean []float64) float64 {
	clear(mean)
	d := len(mean)
	for i := 0; i < len(x); i += d {
		for j, v := range x[i : i+d] {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(len(x) / d)
	}
	sum := 0.0
	for i := 0; i < len(x); i += d {
		for j, v := range x[i : i+d] {
			e := float64(v) - mean[j]
			sum += e * e
		}
	}
	return sum
}

// A Coefficient is read before each run, so that a schedule can change it.
type Coefficient func() float64

// Weighted adds the scalar Σ c·term over scalar terms.
func (g *Graph) Weighted(cs []Coefficient, terms ...*gorgonia.Node) *gorgonia.Node {
	wrt := make([]bool, len(terms))
	for i := range wrt {
		wrt[i] = true
	}
	return g.apply(spec{
		name: "weighted", wrt: wrt, f32: &weighted{cs}, f64: &weighted{cs},
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) (out gorgonia.Nodes) {
			for i := range in {
				out = append(out, g.Weighted(cs[i:i+1], grad))
			}
			return out
		},
	}, terms...)
}

type weighted struct{ cs []Coefficient }

func (r *weighted) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	sum := 0.0
	for i, v := range in {
		if c := r.cs[i](); c != 0 {
			sum += c * scalar[float64](v)
		}
	}
	setScalar(dst, sum)
	return nil
}

var _ Runner = (*weighted)(nil)
