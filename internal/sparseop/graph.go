package sparseop

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// A Graph adds the ops of this package to a Gorgonia graph. Its methods panic
// on a mistake in the graph, such as shapes that do not fit; whoever compiles
// the graph turns that into an error.
type Graph struct {
	Expr  *gorgonia.ExprGraph
	Pool  *kernel.Pool
	Dtype tensor.Dtype // tensor.Float32, or tensor.Float64 to check gradients
	count int
}

// NewGraph returns an empty graph whose ops share pool.
func NewGraph(dtype tensor.Dtype, pool *kernel.Pool) *Graph {
	return &Graph{Expr: gorgonia.NewGraph(), Pool: pool, Dtype: dtype}
}

// Input adds an input of the given shape; none means a scalar. Its value is
// set by whoever runs the graph.
func (g *Graph) Input(name string, shape ...int) *gorgonia.Node {
	if len(shape) == 0 {
		return gorgonia.NewScalar(g.Expr, g.Dtype, gorgonia.WithName(name))
	}
	return gorgonia.NewTensor(g.Expr, g.Dtype, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
}

// Input names must be unique in a Gorgonia graph: equal names are one node.
func (g *Graph) uniqueName(name string) string {
	g.count++
	return fmt.Sprintf("%s~%d", name, g.count)
}

// Alias adds another input for the tensor that n stands for. Differentiating
// with respect to each alias keeps the parts of a gradient apart.
func (g *Graph) Alias(name string, shape ...int) *gorgonia.Node {
	return g.Input(g.uniqueName(name), shape...)
}

// spec is what the constructors of this package say about an op.
type spec struct {
	name  string
	shape tensor.Shape // of the result; nil for a scalar
	wrt   []bool
	f32   Runner
	f64   Runner
	diff  diff
	some  func(in []gorgonia.Value) bool // false where the value is zeros; nil for always
}

func (g *Graph) apply(s spec, in ...*gorgonia.Node) *gorgonia.Node {
	g.count++
	o := &op{
		name: s.name, id: g.count, shape: s.shape, wrt: s.wrt, diff: s.diff, some: s.some,
		dtype: g.Dtype, out: g.typeOf(s.shape), run: s.f32,
	}
	if g.Dtype == tensor.Float64 {
		o.run = s.f64
	}
	for _, n := range in {
		o.in = append(o.in, n.Type())
	}
	return gorgonia.Must(gorgonia.ApplyOp(o, in...))
}

func (g *Graph) typeOf(shape tensor.Shape) hm.Type {
	if len(shape) == 0 {
		return g.Dtype
	}
	return gorgonia.TensorType{Dims: len(shape), Of: g.Dtype}
}

// want panics unless n has the given shape.
func want(what string, n *gorgonia.Node, shape ...int) {
	if !n.Shape().Eq(tensor.Shape(shape)) {
		panic(fmt.Sprintf("sparseop: %s has shape %v, wants %v", what, n.Shape(), shape))
	}
}
