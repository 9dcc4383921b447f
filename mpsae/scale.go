package mpsae

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
)

type float interface{ float32 | float64 }

// exp adds e^v elementwise.
func exp(g *sparseop.Graph, v *gorgonia.Node) *gorgonia.Node {
	return g.Custom("exp", v.Shape(), sparseop.Func{F32: expOf[float32], F64: expOf[float64]},
		func(_ gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.Mul(grad, out)}
		}, v)
}

func expOf[T float](dst []T, in [][]T) {
	for i, v := range in[0] {
		dst[i] = T(math.Exp(float64(v)))
	}
}

// scaled adds k·x for k [1].
func scaled(g *sparseop.Graph, x, k *gorgonia.Node) *gorgonia.Node {
	return g.Custom("scaled", x.Shape(), sparseop.Func{F32: scaledBy[float32], F64: scaledBy[float64]},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{scaled(g, grad, in[1]), inner(g, grad, in[0])}
		}, x, k)
}

func scaledBy[T float](dst []T, in [][]T) {
	for i, v := range in[0] {
		dst[i] = in[1][0] * v
	}
}

// inner adds Σ x·y over all entries, [1], a constant to backpropagation.
func inner(g *sparseop.Graph, x, y *gorgonia.Node) *gorgonia.Node {
	return g.Custom("inner", []int{1}, sparseop.Func{F32: innerOf[float32], F64: innerOf[float64]}, nil, x, y)
}

func innerOf[T float](dst []T, in [][]T) {
	sum := 0.0
	for i, v := range in[0] {
		sum += float64(v) * float64(in[1][i])
	}
	dst[0] = T(sum)
}
