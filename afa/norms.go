package afa

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

type float interface{ float32 | float64 }

// rowNorms adds the L2 norms of the rows of x [N,D], [N], a constant to
// backpropagation.
func rowNorms(g *sparseop.Graph, x *gorgonia.Node) *gorgonia.Node {
	d := x.Shape()[1]
	task := &normTask{d: d}
	return g.Custom("rowNorms", x.Shape()[:1], sparseop.Func{
		F32: func(dst []float32, in [][]float32) { task.run(g.Pool, dst, in[0]) },
		F64: func(dst []float64, in [][]float64) {
			for i := range dst {
				dst[i] = math.Sqrt(sumSquares(in[0][i*d : (i+1)*d]))
			}
		},
	}, nil, x)
}

// normTask computes norms of rows in blocks.
type normTask struct {
	d      int
	dst, x []float32
}

const normBlock = 64 // rows

func (t *normTask) run(pool *kernel.Pool, dst, x []float32) {
	t.dst, t.x = dst, x
	pool.Run((len(dst)+normBlock-1)/normBlock, t)
	t.dst, t.x = nil, nil
}

// Do computes one block.
func (t *normTask) Do(_, block int) {
	for i := block * normBlock; i < min((block+1)*normBlock, len(t.dst)); i++ {
		t.dst[i] = float32(math.Sqrt(kernel.SumSquares(t.x[i*t.d : (i+1)*t.d])))
	}
}

func sumSquares[T float](x []T) (sum float64) {
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

// normError adds the scalar c·Σ (||v_b|| - t_b)² over the rows in use, for
// values v [C] on s and a constant t [B]. By v its gradient is
// 2c(1 - t/||v||)·v, and 0 where ||v|| is.
func normError(g *sparseop.Graph, v, t *gorgonia.Node, s *sparseop.Support, c float64) *gorgonia.Node {
	return g.CustomWRT("normError", nil, sparseop.Func{
		F32: errorOfNorms[float32](s, c), F64: errorOfNorms[float64](s, c),
	}, []bool{true, false, false}, func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		back := sparseop.Func{F32: pullNorms[float32](s, c), F64: pullNorms[float64](s, c)}
		return gorgonia.Nodes{g.Custom("normPull", v.Shape(), back, nil, in[0], in[1], grad, in[2]), nil, nil}
	}, v, t, s.Node)
}

func errorOfNorms[T float](s *sparseop.Support, c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		sum := 0.0
		for b := range s.Rows {
			lo, hi := s.Row(b)
			e := math.Sqrt(sumSquares(in[0][lo:hi])) - float64(in[1][b])
			sum += e * e
		}
		dst[0] = T(c * sum)
	}
}

func pullNorms[T float](s *sparseop.Support, c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		clear(dst)
		for b := range s.Rows {
			lo, hi := s.Row(b)
			norm := math.Sqrt(sumSquares(in[0][lo:hi]))
			if norm == 0 {
				continue
			}
			k := T(2 * c * float64(in[2][0]) * (1 - float64(in[1][b])/norm))
			for e := lo; e < hi; e++ {
				dst[e] = k * in[0][e]
			}
		}
	}
}
