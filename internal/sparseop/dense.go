package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// AddRow adds x + c·b for x [B,D] and b [D].
func (g *Graph) AddRow(x, b *gorgonia.Node, c float64) *gorgonia.Node {
	return g.apply(spec{
		name: "addRow", shape: x.Shape(), wrt: []bool{true, true},
		f32: &inBlocks[float32]{g: g, f: addRow[float32](c)}, f64: &inBlocks[float64]{g: g, f: addRow[float64](c)},
		diff: func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{grad, g.Scale(g.SumRows(grad), c)}
		},
	}, x, b)
}

func addRow[T float](c float64) blockFunc[T] {
	return func(dst, x, b []T, at int) {
		for i := 0; i < len(x); {
			j := (at + i) % len(b) // blocks start anywhere in a row
			n := min(len(b)-j, len(x)-i)
			plusScaled(dst[i:i+n], x[i:i+n], T(c), b[j:j+n])
			i += n
		}
	}
}

// plusScaled sets dst to x + c·b.
func plusScaled[T float](dst, x []T, c T, b []T) {
	copy(dst, x)
	axpy(dst, c, b)
}

// SumRows adds y[j] = Σ x[b,j], [D], for x [B,D]. Where x is an SpMM the sum
// is taken over latents before the product, F·D operations in place of n·D,
// and where it is a sum of two, over each.
func (g *Graph) SumRows(x *gorgonia.Node) *gorgonia.Node {
	if a, b, ok := addends(x); ok {
		return g.Add(g.SumRows(a), g.SumRows(b))
	}
	if o, ok := x.Op().(*op); ok {
		in := children(x)
		switch r := o.run.(type) {
		case *spmm[float32]:
			return g.VecMat(g.SumByLatent(in[0], r.s), in[1])
		case *spmm[float64]:
			return g.VecMat(g.SumByLatent(in[0], r.s), in[1])
		}
	}
	d := x.Shape()[1]
	return g.Custom("sumRows", []int{d}, Func{sumColumns[float32], sumColumns[float64]},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.repeat(grad, in[0].Shape()[0])}
		}, x)
}

// addends are the terms of a sum of two tensors, made by Add, or by Gorgonia
// where gradients meet.
func addends(x *gorgonia.Node) (a, b *gorgonia.Node, ok bool) {
	if x.Op() == nil {
		return nil, nil, false
	}
	o, ours := x.Op().(*op)
	if ours && o.name != "add" || !ours && x.Op().String() != "+ false" {
		return nil, nil, false
	}
	in := children(x)
	return in[0], in[1], in[0].Shape().Eq(x.Shape()) && in[1].Shape().Eq(x.Shape())
}

func sumColumns[T float](dst []T, in [][]T) {
	clear(dst)
	for i := 0; i < len(in[0]); i += len(dst) {
		accumulate(dst, in[0][i:i+len(dst)])
	}
}

// accumulate adds x to dst.
func accumulate[T float](dst, x []T) {
	if d, ok := any(dst).([]float32); ok {
		kernel.Add(d, any(x).([]float32))
		return
	}
	for j, v := range x {
		dst[j] += v
	}
}

// repeat adds b [D] as each of rows rows.
func (g *Graph) repeat(b *gorgonia.Node, rows int) *gorgonia.Node {
	return g.Custom("repeat", []int{rows, b.Shape()[0]}, Func{repeat[float32], repeat[float64]},
		func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.SumRows(grad)}
		}, b)
}

func repeat[T float](dst []T, in [][]T) {
	for i := 0; i < len(dst); i += len(in[0]) {
		copy(dst[i:], in[0])
	}
}

// Add adds a + b elementwise.
func (g *Graph) Add(a, b *gorgonia.Node) *gorgonia.Node {
	want("Add's second term", b, a.Shape()...)
	return g.apply(spec{
		name: "add", shape: a.Shape(), wrt: []bool{true, true},
		f32: &inBlocks[float32]{g: g, f: add[float32]}, f64: &inBlocks[float64]{g: g, f: add[float64]},
		diff: func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{grad, grad}
		},
	}, a, b)
}

func add[T float](dst, a, b []T, at int) {
	copy(dst, a)
	accumulate(dst, b[at:at+len(dst)])
}

// Number adds the scalar c, a constant.
func (g *Graph) Number(c float64) *gorgonia.Node {
	if g.Dtype == tensor.Float64 {
		return g.Expr.AddNode(gorgonia.NewConstant(c))
	}
	return g.Expr.AddNode(gorgonia.NewConstant(float32(c)))
}

// Sub adds a - b elementwise.
func (g *Graph) Sub(a, b *gorgonia.Node) *gorgonia.Node {
	want("Sub's second term", b, a.Shape()...)
	return g.apply(spec{
		name: "sub", shape: a.Shape(), wrt: []bool{true, true},
		f32: &inBlocks[float32]{g: g, f: sub[float32]}, f64: &inBlocks[float64]{g: g, f: sub[float64]},
		diff: func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{grad, g.Scale(grad, -1)}
		},
	}, a, b)
}

func sub[T float](dst, a, b []T, at int) {
	b = b[at : at+len(dst)]
	if d, ok := any(dst).([]float32); ok {
		kernel.Sub(d, any(a).([]float32), any(b).([]float32))
		return
	}
	for i, v := range a {
		dst[i] = v - b[i]
	}
}

// Scale adds c·x.
func (g *Graph) Scale(x *gorgonia.Node, c float64) *gorgonia.Node {
	if c == 1 {
		return x
	}
	return g.Custom("scale", x.Shape(), Func{scale[float32](c), scale[float64](c)},
		func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.Scale(grad, c)}
		}, x)
}

func scale[T float](c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		for i, v := range in[0] {
			dst[i] = T(c) * v
		}
	}
}

// Mul adds a·b elementwise.
func (g *Graph) Mul(a, b *gorgonia.Node) *gorgonia.Node {
	want("Mul's second factor", b, a.Shape()...)
	return g.Custom("mul", a.Shape(), Func{mul[float32], mul[float64]},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.Mul(grad, in[1]), g.Mul(grad, in[0])}
		}, a, b)
}

func mul[T float](dst []T, in [][]T) {
	for i, v := range in[0] {
		dst[i] = v * in[1][i]
	}
}

// Sum adds the scalar c·Σ x over all entries of x, summed in float64. The
// tail of a values node is zero, so it may be summed too.
func (g *Graph) Sum(x *gorgonia.Node, c float64) *gorgonia.Node {
	return g.Custom("sum", nil, Func{sum[float32](c), sum[float64](c)},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.fill(grad, in[0].Shape(), c)}
		}, x)
}

func sum[T float](c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		s := 0.0
		for _, v := range in[0] {
			s += float64(v)
		}
		dst[0] = T(c * s)
	}
}

// fill adds a tensor of the given shape with c·k everywhere, for a scalar k.
func (g *Graph) fill(k *gorgonia.Node, shape []int, c float64) *gorgonia.Node {
	return g.Custom("fill", shape, Func{fill[float32](c), fill[float64](c)},
		func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.Sum(grad, c)}
		}, k)
}

func fill[T float](c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		for i := range dst {
			dst[i] = T(c) * in[0][0]
		}
	}
}
