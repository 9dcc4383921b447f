package sparseop

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
)

// RowNorms adds the norms [F] of the rows of w [F,D]. A zero row has no
// gradient, and there is no second derivative.
func (g *Graph) RowNorms(w *gorgonia.Node) *gorgonia.Node {
	shape := w.Shape()
	return g.Custom("rowNorms", []int{shape[0]}, Func{F32: norms[float32], F64: norms[float64]},
		func(in gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes {
			back := Func{F32: normsBack[float32], F64: normsBack[float64]}
			return gorgonia.Nodes{g.Custom("rowNormsBack", shape, back, nil, in[0], out, grad)}
		}, w)
}

func norms[T float](dst []T, in [][]T) {
	d := len(in[0]) / len(dst)
	for f := range dst {
		dst[f] = T(math.Sqrt(sumSquares(in[0][f*d : (f+1)*d])))
	}
}

func sumSquares[T float](x []T) (sum float64) {
	if x, ok := any(x).([]float32); ok {
		return kernel.SumSquares(x)
	}
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

// normsBack is grad·w/|w|.
func normsBack[T float](dst []T, in [][]T) {
	d := len(in[0]) / len(in[1])
	for f, norm := range in[1] {
		row, k := dst[f*d:(f+1)*d], in[2][f]/norm
		if norm == 0 || in[2][f] == 0 {
			clear(row)
			continue
		}
		for j, v := range in[0][f*d : (f+1)*d] {
			row[j] = k * v
		}
	}
}
