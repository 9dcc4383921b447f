package mpsae

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// losses adds the error of reconstruction and what is switched on beside it.
func (m *MPSAE) losses(n *model, out *sae.Out) {
	g, b := n.b.G, n.b
	name, scale := "mse", 1/float64(b.B)
	if m.Loss == "mean" {
		name, scale = "normalized_mse", 1/float64(b.B*b.D)
	}
	nothing := g.Input("nothing", b.B, b.D) // stays zero
	mse := g.SquaredError(n.residual, nothing, scale)
	terms, weights := []*gorgonia.Node{mse}, []sparseop.Coefficient{sae.Constant(1)}
	out.Terms = map[string]*gorgonia.Node{name: mse}
	add := func(name string, weight float64, term *gorgonia.Node) {
		terms, weights = append(terms, term), append(weights, sae.Constant(weight))
		out.Terms[name] = term
	}
	if m.L1Coefficient > 0 {
		add("l1", m.L1Coefficient, sumAbs(g, n.raw, 1/float64(b.B)))
	}
	if m.ReviveCoefficient > 0 {
		add("revive", m.ReviveCoefficient, m.revive(n, out.Codes.Support))
	}
	out.Loss = g.Weighted(weights, terms...)
}

// revive is minus the mean score of unused latents with what is left of rows,
// as the documentation of overcomplete 0.3.0 recommends (docs/saes/mp.md).
// Which are unused is a constant.
func (m *MPSAE) revive(n *model, s *sparseop.Support) *gorgonia.Node {
	g := n.b.G
	unused := g.Custom("unused", []int{n.b.F}, sparseop.Func{
		F32: func(dst []float32, in [][]float32) { shareUnused(m, dst, in[0], s) },
		F64: func(dst []float64, in [][]float64) { shareUnused(m, dst, in[0], s) },
	}, nil, n.raw, s.Node)
	pull := g.VecMat(unused, n.pull)
	return g.Sum(g.Mul(pull, g.SumRows(n.residual)), -1/float64(n.b.B))
}

// shareUnused sets share [F] to 1 over the number of unused latents for each
// of these, or to 0 when they are not many enough.
func shareUnused[T float](m *MPSAE, share, value []T, s *sparseop.Support) {
	for f := range share {
		share[f] = 1
	}
	for e, f := range s.Index() {
		if value[e] >= T(m.ReviveBelow) {
			share[f] = 0
		}
	}
	n := 0
	for _, v := range share {
		n += int(v)
	}
	for f := range share {
		if n <= m.ReviveOver {
			share[f] = 0
		} else if share[f] > 0 {
			share[f] = T(1 / float64(n))
		}
	}
}

// sumAbs adds the scalar c·Σ |v| over all entries of v.
func sumAbs(g *sparseop.Graph, v *gorgonia.Node, c float64) *gorgonia.Node {
	return g.Custom("sumAbs", nil, sparseop.Func{F32: sumAbsOf[float32](c), F64: sumAbsOf[float64](c)},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			signs := sparseop.Func{F32: signsOf[float32](c), F64: signsOf[float64](c)}
			return gorgonia.Nodes{g.Custom("signs", v.Shape(), signs, nil, in[0], grad)}
		}, v)
}

func sumAbsOf[T float](c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		sum := 0.0
		for _, v := range in[0] {
			sum += math.Abs(float64(v))
		}
		dst[0] = T(c * sum)
	}
}

func signsOf[T float](c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		k := T(c) * in[1][0]
		for i, v := range in[0] {
			switch {
			case v > 0:
				dst[i] = k
			case v < 0:
				dst[i] = -k
			default:
				dst[i] = 0
			}
		}
	}
}
