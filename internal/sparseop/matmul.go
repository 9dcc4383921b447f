package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// MatMulT adds y = x·wᵀ, [B,F], for x [B,D] and w [F,D]. It is the dense
// path: a variant whose mathematics needs every latent asks for it by name.
// The three products are each other's gradients.
func (g *Graph) MatMulT(x, w *gorgonia.Node) *gorgonia.Node {
	b, d, f := x.Shape()[0], x.Shape()[1], w.Shape()[0]
	want("MatMulT's weight", w, f, d)
	return g.product("matmulT", b, f, d, (*kernel.GEMM).NT, productNT, x, w,
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.MatMul(grad, in[1]), g.TMatMul(grad, in[0])}
		})
}

// MatMul adds y = a·w, [B,D], for a [B,F] and w [F,D].
func (g *Graph) MatMul(a, w *gorgonia.Node) *gorgonia.Node {
	b, f, d := a.Shape()[0], a.Shape()[1], w.Shape()[1]
	want("MatMul's weight", w, f, d)
	return g.product("matmul", b, d, f, (*kernel.GEMM).NN, productNN, a, w,
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.MatMulT(grad, in[1]), g.TMatMul(in[0], grad)}
		})
}

// TMatMul adds y = aᵀ·x, [F,D], for a [B,F] and x [B,D].
func (g *Graph) TMatMul(a, x *gorgonia.Node) *gorgonia.Node {
	b, f, d := a.Shape()[0], a.Shape()[1], x.Shape()[1]
	want("TMatMul's rows", x, b, d)
	return g.product("tmatmul", f, d, b, (*kernel.GEMM).TN, productTN, a, x,
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.MatMulT(in[1], grad), g.MatMul(in[0], grad)}
		})
}

// A gemm sets dst [m,n] to a product with k terms an entry.
type gemm func(g *kernel.GEMM, dst, a, b []float32, m, n, k int, add bool)

func (g *Graph) product(name string, m, n, k int, f32 gemm, f64 func(dst, a, b []float64, m, n, k int),
	a, b *gorgonia.Node, back diff) *gorgonia.Node {
	return g.apply(spec{
		name: name, shape: tensor.Shape{m, n}, wrt: []bool{true, true}, diff: back,
		f32: &product{kernel.NewGEMM(g.Pool), f32, m, n, k}, f64: &product64{f64, m, n, k},
	}, a, b)
}

type product struct {
	g       *kernel.GEMM
	f       gemm
	m, n, k int
}

func (r *product) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.f(r.g, data[float32](dst), data[float32](in[0]), data[float32](in[1]), r.m, r.n, r.k, false)
	return nil
}

// product64 is the plain product of a float64 graph, which only checks
// gradients.
type product64 struct {
	f       func(dst, a, b []float64, m, n, k int)
	m, n, k int
}

func (r *product64) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.f(data[float64](dst), data[float64](in[0]), data[float64](in[1]), r.m, r.n, r.k)
	return nil
}

func productNT(dst, a, b []float64, m, n, k int) { strided(dst, a, b, m, n, k, k, 1, 1, k) }
func productNN(dst, a, b []float64, m, n, k int) { strided(dst, a, b, m, n, k, k, 1, n, 1) }
func productTN(dst, a, b []float64, m, n, k int) { strided(dst, a, b, m, n, k, 1, m, n, 1) }

// strided has a(i,l) at a[i*ai+l*al] and b(l,j) at b[l*bl+j*bj].
func strided(dst, a, b []float64, m, n, k, ai, al, bl, bj int) {
	for i := range m {
		for j := range n {
			sum := 0.0
			for l := range k {
				sum += a[i*ai+l*al] * b[l*bl+j*bj]
			}
			dst[i*n+j] = sum
		}
	}
}
