package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Func computes dst from the inputs in both precisions; scalars are slices
// of length 1. It keeps no slice.
type Func struct {
	F32 func(dst []float32, in [][]float32)
	F64 func(dst []float64, in [][]float64)
}

// Custom adds an op of a variant's own. back returns the gradient of every
// input; a nil back makes the result a constant to backpropagation.
func (g *Graph) Custom(name string, shape []int, f Func,
	back func(in gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes, in ...*gorgonia.Node) *gorgonia.Node {
	wrt := make([]bool, len(in))
	for i := range wrt {
		wrt[i] = back != nil
	}
	return g.CustomWRT(name, shape, f, wrt, back, in...)
}

// CustomWRT is Custom with the inputs named that a gradient flows to; back
// returns nil for the others, and only for them.
func (g *Graph) CustomWRT(name string, shape []int, f Func, wrt []bool,
	back func(in gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes, in ...*gorgonia.Node) *gorgonia.Node {
	return g.apply(spec{
		name: name, shape: tensor.Shape(shape), wrt: wrt, diff: back,
		f32: &funcRun[float32]{f: f.F32}, f64: &funcRun[float64]{f: f.F64},
	}, in...)
}

// CustomScalar adds a scalar. Its gradient by an input is known but for a
// factor, so f makes those of the inputs in wrt together with the value, and the
// backward pass only scales them: scaled(i) sets dst to input i's times that of
// the scalar, in[1].
func (g *Graph) CustomScalar(name string, f Func, wrt []bool, scaled func(i int) Func, in ...*gorgonia.Node) *gorgonia.Node {
	return g.CustomWRT(name, nil, f, wrt, func(in gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes {
		back := make(gorgonia.Nodes, len(in))
		for i := range in {
			if wrt[i] {
				back[i] = g.Custom(name+"Back", in[i].Shape(), scaled(i), nil, out, grad)
			}
		}
		return back
	}, in...)
}

type funcRun[T float] struct {
	f   func(dst []T, in [][]T)
	in  [][]T
	one []T // room for scalar inputs
}

func (r *funcRun[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.in, r.one = r.in[:0], grow(r.one, len(in))
	for i, v := range in {
		if _, dense := v.(*tensor.Dense); dense {
			r.in = append(r.in, data[T](v))
			continue
		}
		r.one[i] = scalar[T](v)
		r.in = append(r.in, r.one[i:i+1])
	}
	if _, dense := dst.(*tensor.Dense); dense {
		r.f(data[T](dst), r.in)
		return nil
	}
	var out [1]T
	r.f(out[:], r.in)
	setScalar(dst, float64(out[0]))
	return nil
}

// Stop adds a copy of n that no gradient flows through.
func (g *Graph) Stop(n *gorgonia.Node) *gorgonia.Node {
	return g.Custom(stopName, n.Shape(), Func{stop[float32], stop[float64]}, nil, n)
}

const stopName = "stop"

// Stopped returns what n is a Stop of, nil for another node. A machine that keeps
// both values may keep one.
func Stopped(n *gorgonia.Node) *gorgonia.Node {
	if o, isOp := n.Op().(*op); isOp && o.name == stopName {
		return children(n)[0]
	}
	return nil
}

func stop[T float](dst []T, in [][]T) { copy(dst, in[0]) }

// Relu adds max(v, 0) elementwise; its derivative at 0 is 0, as PyTorch's.
func (g *Graph) Relu(v *gorgonia.Node) *gorgonia.Node {
	return g.Custom("relu", v.Shape(), Func{relu[float32], relu[float64]},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.gate(grad, in[0])}
		}, v)
}

// gate passes grad where v > 0. It is linear in grad and has no gradient in v.
func (g *Graph) gate(grad, v *gorgonia.Node) *gorgonia.Node {
	return g.CustomWRT("gate", v.Shape(), Func{gate[float32], gate[float64]}, []bool{true, false},
		func(in gorgonia.Nodes, _, up *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.gate(up, in[1]), nil}
		}, grad, v)
}

func relu[T float](dst []T, in [][]T) {
	for i, v := range in[0] {
		dst[i] = max(v, 0)
	}
}

func gate[T float](dst []T, in [][]T) {
	for i, v := range in[1] {
		dst[i] = 0
		if v > 0 {
			dst[i] = in[0][i]
		}
	}
}
