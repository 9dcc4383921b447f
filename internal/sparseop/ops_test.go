package sparseop

import (
	"gorgonia.org/gorgonia"
)

// An opCase is one op with its plain twin, which computes in float64 with
// dense loops over the entries of a support.
type opCase struct {
	name   string
	shapes func(z sizes) [][]int // of the inputs
	build  func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node
	twin   func(z sizes, s rows, in [][]float64) []float64
}

func opCases() []opCase {
	cases := append(sparseCases(), entryCases()...)
	cases = append(cases, append(productCases(), rowCases()...)...)
	return append(cases, scalarCases()...)
}

func sparseCases() []opCase {
	return []opCase{
		{"sddmm", func(z sizes) [][]int { return [][]int{{z.B, z.D}, {z.F, z.D}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node { return g.SDDMM(in[0], in[1], s) },
			func(z sizes, s rows, in [][]float64) []float64 {
				v := make([]float64, z.Cap)
				s.each(func(e, b, f int) { v[e] = dot(row(in[0], b, z.D), row(in[1], f, z.D)) })
				return v
			}},
		{"spmm", func(z sizes) [][]int { return [][]int{{z.Cap}, {z.F, z.D}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node { return g.SpMM(in[0], in[1], s) },
			func(z sizes, s rows, in [][]float64) []float64 {
				y := make([]float64, z.B*z.D)
				s.each(func(e, b, f int) { addScaled(row(y, b, z.D), in[0][e], row(in[1], f, z.D)) })
				return y
			}},
		{"spmmAdd", func(z sizes) [][]int { return [][]int{{z.Cap}, {z.F, z.D}, {z.D}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node {
				return g.SpMMAdd(in[0], in[1], in[2], s)
			},
			func(z sizes, s rows, in [][]float64) []float64 {
				y := make([]float64, z.B*z.D)
				s.each(func(e, b, f int) { addScaled(row(y, b, z.D), in[0][e], row(in[1], f, z.D)) })
				for i := range y {
					y[i] += in[2][i%z.D]
				}
				return y
			}},
		{"spmmt", func(z sizes) [][]int { return [][]int{{z.Cap}, {z.B, z.D}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node { return g.SpMMT(in[0], in[1], s) },
			func(z sizes, s rows, in [][]float64) []float64 {
				y := make([]float64, z.F*z.D)
				s.each(func(e, b, f int) { addScaled(row(y, f, z.D), in[0][e], row(in[1], b, z.D)) })
				return y
			}},
	}
}

func entryCases() []opCase {
	return []opCase{
		{"gather", func(z sizes) [][]int { return [][]int{{z.F}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Gather(in[0], s) },
			func(z sizes, s rows, in [][]float64) []float64 {
				v := make([]float64, z.Cap)
				s.each(func(e, _, f int) { v[e] = in[0][f] })
				return v
			}},
		{"sumByLatent", func(z sizes) [][]int { return [][]int{{z.Cap}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node { return g.SumByLatent(in[0], s) },
			func(z sizes, s rows, in [][]float64) []float64 {
				y := make([]float64, z.F)
				s.each(func(e, _, f int) { y[f] += in[0][e] })
				return y
			}},
		{"spread", func(z sizes) [][]int { return [][]int{{z.B}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Spread(in[0], s) },
			func(z sizes, s rows, in [][]float64) []float64 {
				v := make([]float64, z.Cap)
				s.each(func(e, b, _ int) { v[e] = in[0][b] })
				return v
			}},
		{"sumByRow", func(z sizes) [][]int { return [][]int{{z.Cap}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node { return g.SumByRow(in[0], s) },
			func(z sizes, s rows, in [][]float64) []float64 {
				y := make([]float64, z.B)
				s.each(func(e, b, _ int) { y[b] += in[0][e] })
				return y
			}},
		{"take", func(z sizes) [][]int { return [][]int{{z.Cap}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node {
				return g.Take(in[0], g.Part(s, s.F/4, s.F/2))
			},
			func(z sizes, s rows, in [][]float64) []float64 {
				v, n := make([]float64, z.Cap), 0
				s.each(func(e, _, f int) {
					if f >= z.F/4 && f < z.F/2 {
						v[n] = in[0][e]
						n++
					}
				})
				return v
			}},
	}
}

// productTwin is the twin of a matrix product [m,n] over k terms, given where a
// term's factors lie.
func productTwin(m, n, k func(z sizes) int, a, b func(z sizes, i, j, l int) int) func(sizes, rows, [][]float64) []float64 {
	return func(z sizes, _ rows, in [][]float64) []float64 {
		y := make([]float64, m(z)*n(z))
		for i := range m(z) {
			for j := range n(z) {
				for l := range k(z) {
					y[i*n(z)+j] += in[0][a(z, i, j, l)] * in[1][b(z, i, j, l)]
				}
			}
		}
		return y
	}
}

func productCases() []opCase {
	B, D, F := func(z sizes) int { return z.B }, func(z sizes) int { return z.D }, func(z sizes) int { return z.F }
	one := func(sizes) int { return 1 }
	return []opCase{
		{"matmulT", func(z sizes) [][]int { return [][]int{{z.B, z.D}, {z.F, z.D}} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.MatMulT(in[0], in[1]) },
			productTwin(B, F, D, func(z sizes, i, _, l int) int { return i*z.D + l }, func(z sizes, _, j, l int) int { return j*z.D + l })},
		{"matmul", func(z sizes) [][]int { return [][]int{{z.B, z.F}, {z.F, z.D}} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.MatMul(in[0], in[1]) },
			productTwin(B, D, F, func(z sizes, i, _, l int) int { return i*z.F + l }, func(z sizes, _, j, l int) int { return l*z.D + j })},
		{"tmatmul", func(z sizes) [][]int { return [][]int{{z.B, z.F}, {z.B, z.D}} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.TMatMul(in[0], in[1]) },
			productTwin(F, D, B, func(z sizes, i, _, l int) int { return l*z.F + i }, func(z sizes, _, j, l int) int { return l*z.D + j })},
		{"vecmat", func(z sizes) [][]int { return [][]int{{z.F}, {z.F, z.D}} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.VecMat(in[0], in[1]) },
			productTwin(one, D, F, func(_ sizes, _, _, l int) int { return l }, func(z sizes, _, j, l int) int { return l*z.D + j })},
		{"matvec", func(z sizes) [][]int { return [][]int{{z.F, z.D}, {z.D}} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.MatVec(in[0], in[1]) },
			productTwin(F, one, D, func(z sizes, i, _, l int) int { return i*z.D + l }, func(_ sizes, _, _, l int) int { return l })},
	}
}

func rowCases() []opCase {
	return []opCase{
		{"addRow", func(z sizes) [][]int { return [][]int{{z.B, z.D}, {z.D}} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.AddRow(in[0], in[1], -1.5) },
			func(z sizes, _ rows, in [][]float64) []float64 {
				return mapped(z.B*z.D, func(i int) float64 { return in[0][i] - 1.5*in[1][i%z.D] })
			}},
		{"sumRows", func(z sizes) [][]int { return [][]int{{z.B, z.D}} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.SumRows(in[0]) },
			func(z sizes, _ rows, in [][]float64) []float64 { return columnSums(in[0], z.D) }},
		{"sumRows of sums", func(z sizes) [][]int { return [][]int{{z.B, z.D}, {z.B, z.D}, {z.B, z.D}} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node {
				return g.SumRows(gorgonia.Must(gorgonia.Add(g.Add(in[0], in[1]), in[2])))
			},
			func(z sizes, _ rows, in [][]float64) []float64 {
				return columnSums(mapped(len(in[0]), func(i int) float64 { return in[0][i] + in[1][i] + in[2][i] }), z.D)
			}},
		{"sumRows of spmm", func(z sizes) [][]int { return [][]int{{z.Cap}, {z.F, z.D}} },
			func(g *Graph, s *Support, in []*gorgonia.Node) *gorgonia.Node {
				return g.SumRows(g.SpMM(in[0], in[1], s))
			},
			func(z sizes, s rows, in [][]float64) []float64 {
				y := make([]float64, z.D)
				s.each(func(e, _, f int) { addScaled(y, in[0][e], row(in[1], f, z.D)) })
				return y
			}},
	}
}

func scalarCases() []opCase {
	pair := func(z sizes) [][]int { return [][]int{{z.B, z.D}, {z.B, z.D}} }
	each := func(f func(a, b float64) float64) func(sizes, rows, [][]float64) []float64 {
		return func(_ sizes, _ rows, in [][]float64) []float64 {
			return mapped(len(in[0]), func(i int) float64 { return f(in[0][i], in[1][i]) })
		}
	}
	return []opCase{
		{"add", pair, func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Add(in[0], in[1]) },
			each(func(a, b float64) float64 { return a + b })},
		{"sub", pair, func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Sub(in[0], in[1]) },
			each(func(a, b float64) float64 { return a - b })},
		{"mul", pair, func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Mul(in[0], in[1]) },
			each(func(a, b float64) float64 { return a * b })},
		{"scale", pair, func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Scale(in[0], -3) },
			each(func(a, _ float64) float64 { return -3 * a })},
		{"relu", pair, func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Relu(in[0]) },
			each(func(a, _ float64) float64 { return max(a, 0) })},
		{"sum", pair, func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Sum(in[0], 0.5) },
			func(z sizes, _ rows, in [][]float64) []float64 {
				return []float64{0.5 * dot(in[0], mapped(len(in[0]), func(int) float64 { return 1 }))}
			}},
		{"squaredError", pair, func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node {
			return g.SquaredError(in[0], in[1], 0.25)
		}, func(z sizes, _ rows, in [][]float64) []float64 {
			e := mapped(len(in[0]), func(i int) float64 { return in[0][i] - in[1][i] })
			return []float64{0.25 * dot(e, e)}
		}},
		{"times", func(z sizes) [][]int { return [][]int{{z.B, z.D}, nil} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node { return g.Times(in[0], in[1]) },
			func(_ sizes, _ rows, in [][]float64) []float64 {
				return mapped(len(in[0]), func(i int) float64 { return in[0][i] * in[1][0] })
			}},
		{"weighted", func(sizes) [][]int { return [][]int{nil, nil} },
			func(g *Graph, _ *Support, in []*gorgonia.Node) *gorgonia.Node {
				return g.Weighted([]Coefficient{func() float64 { return 2 }, func() float64 { return -0.5 }}, in...)
			},
			each(func(a, b float64) float64 { return 2*a - 0.5*b })},
	}
}

func row(x []float64, i, d int) []float64 { return x[i*d : (i+1)*d] }

func dot(a, b []float64) (s float64) {
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func addScaled(dst []float64, c float64, x []float64) {
	for j := range dst {
		dst[j] += c * x[j]
	}
}

func mapped(n int, f func(i int) float64) []float64 {
	y := make([]float64, n)
	for i := range y {
		y[i] = f(i)
	}
	return y
}

func columnSums(x []float64, d int) []float64 {
	y := make([]float64, d)
	for i, v := range x {
		y[i%d] += v
	}
	return y
}
