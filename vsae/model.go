package vsae

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// model is the graph under construction.
type model struct {
	sae.Coder
	v          *VSAE
	b          *sae.Builder
	logVar     *sae.Param // [F,D] the head for log σ², nil unless it is learned
	logVarBias *sae.Param // [F]
	noise      *noise     // nil where z = μ
}

// latents are those that a choice kept, as nodes: their values z and the
// posteriors that these were drawn from.
type latents struct {
	sae.Codes
	mean   *gorgonia.Node // [C] μ
	logVar *gorgonia.Node // [C] log σ² before its clamp, nil unless it is learned
}

// keep chooses in each row the k latents of largest |z|, of all or, with
// dead, of those that are dead, and gives their values.
func (m *model) keep(k int, dead *sae.Dead) latents {
	capacity, after := m.b.B*min(k, m.b.F), []*gorgonia.Node(nil)
	subset := func() []int32 { return nil }
	if dead != nil {
		capacity, after, subset = 1, []*gorgonia.Node{dead.Node}, dead.Latents
	}
	if m.noise == nil {
		return m.means(m.Code(capacity, m.b.Picker(func() kernel.Rule {
			return kernel.Rule{Kind: kernel.TopK, K: k, Abs: !m.v.ReluMu, Subset: subset()}
		}), after...))
	}
	p := newSampler(m.b.G.Pool, m.noise, k, m.v)
	p.subset = subset
	return m.sample(m.CodeWith(capacity, m.head(), p.pick, append(after, m.noise.node)...))
}

// head is the parameters of the variance, as constants; none unless it is
// learned.
func (m *model) head() []*gorgonia.Node {
	if m.logVar == nil {
		return nil
	}
	return []*gorgonia.Node{m.logVar.Node(), m.logVarBias.Node()}
}

// means gives latents without noise: a mean that was kept under ReluMu is
// positive as it is.
func (m *model) means(c sae.Codes) latents {
	l := latents{Codes: c, mean: c.Values}
	if m.logVar != nil {
		l.logVar = m.logVariances(c.Support)
	}
	return l
}

// sample gives latents with it, from the values W_enc x + b_enc.
func (m *model) sample(c sae.Codes) latents {
	g, l := m.b.G, m.means(c)
	if m.v.ReluMu {
		l.mean = g.Relu(l.mean)
	}
	shift := m.noise.of(g, c.Support)
	if l.logVar == nil {
		shift = g.Scale(shift, m.v.Sigma)
	} else {
		shift = g.Mul(shift, m.v.clamp().deviations(g, l.logVar))
	}
	l.Values = g.Add(l.mean, shift)
	return l
}

// logVariances are W_var x + b_var of chosen latents, [C].
func (m *model) logVariances(s *sparseop.Support) *gorgonia.Node {
	g := m.b.G
	return g.Add(g.SDDMM(m.Input, m.logVar.Use(), s), g.Gather(m.logVarBias.Use(), s))
}

// extra is the posterior of all latents, where it was asked for.
func (m *model) extra() map[string]*gorgonia.Node {
	if m.b.Train || !m.v.posterior {
		return nil
	}
	g := m.b.G
	mean := g.AddRow(g.MatMulT(m.Input, m.Encoder.Node()), m.EncoderBias.Node(), 1)
	if m.v.ReluMu {
		mean = g.Relu(mean)
	}
	all := map[string]*gorgonia.Node{"mean": mean}
	switch {
	case m.logVar != nil:
		logVar := g.AddRow(g.MatMulT(m.Input, m.logVar.Node()), m.logVarBias.Node(), 1)
		all["variance"] = m.v.clamp().variances(g, logVar)
	case m.v.Samples():
		all["variance"] = fixed(g, mean, m.v.Sigma*m.v.Sigma)
	}
	return all
}

// fixed is an array of x's shape with c everywhere.
func fixed(g *sparseop.Graph, x *gorgonia.Node, c float64) *gorgonia.Node {
	return g.Custom("fixed", x.Shape(), sparseop.Func{F32: fill[float32](c), F64: fill[float64](c)}, nil, x)
}

func fill[T float](c float64) func(dst []T, _ [][]T) {
	return func(dst []T, _ [][]T) {
		for i := range dst {
			dst[i] = T(c)
		}
	}
}

// revive is AuxK: in each row dead latents predict the residual x - x̂, a
// constant; the mean squared error is divided by the residual's variance and
// 1e-8 more.
func (m *model) revive(out *sae.Out) *gorgonia.Node {
	g := m.b.G
	dead := m.b.Dead(out.Codes, m.v.DeadAfter)
	kept := m.keep(m.v.AuxK, dead)
	predicted := m.Sum(kept.Codes)
	if m.v.AuxBias {
		predicted = g.AddRow(predicted, m.DecoderBias.Use(), 1)
	}
	residual := g.Stop(g.Sub(m.b.X(), out.Recon))
	e := g.Times(g.SquaredError(predicted, residual, 1), m.guard(g.InverseVariance(residual, dead.Node)))
	return g.Weighted([]sparseop.Coefficient{func() float64 { return float64(min(1, len(dead.Latents()))) }}, e)
}

// auxEpsilon keeps AuxK from growing without bound as the residual vanishes.
const auxEpsilon = 1e-8

// guard turns 1/S, S the sum over B rows, into 1/(S + B·1e-8).
func (m *model) guard(inverse *gorgonia.Node) *gorgonia.Node {
	c := auxEpsilon * float64(m.b.B)
	return m.b.G.Custom("guard", nil, sparseop.Func{
		F32: func(dst []float32, in [][]float32) { dst[0] = float32(guarded(float64(in[0][0]), c)) },
		F64: func(dst []float64, in [][]float64) { dst[0] = guarded(in[0][0], c) },
	}, nil, inverse)
}

func guarded(inverse, c float64) float64 { return inverse / (1 + c*inverse) }

type float interface{ float32 | float64 }

// bounds clamp log σ².
type bounds struct{ lo, hi float64 }

func (v *VSAE) clamp() bounds { return bounds{v.LogVarMin, v.LogVarMax} }

// deviations adds σ = exp(½ clamp(l)), elementwise. Nothing flows back from
// beyond the bounds.
func (c bounds) deviations(g *sparseop.Graph, l *gorgonia.Node) *gorgonia.Node {
	return g.Custom("deviation", l.Shape(), sparseop.Func{F32: deviations[float32](c), F64: deviations[float64](c)},
		func(in gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes {
			back := sparseop.Func{F32: deviationsBack[float32](c), F64: deviationsBack[float64](c)}
			return gorgonia.Nodes{g.Custom("deviationBack", l.Shape(), back, nil, in[0], out, grad)}
		}, l)
}

func (c bounds) deviation(l float64) float64 { return math.Exp(0.5 * min(max(l, c.lo), c.hi)) }

func deviations[T float](c bounds) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		for i, l := range in[0] {
			dst[i] = T(c.deviation(float64(l)))
		}
	}
}

func deviationsBack[T float](c bounds) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		for i, l := range in[0] {
			dst[i] = 0
			if float64(l) >= c.lo && float64(l) <= c.hi {
				dst[i] = in[2][i] * in[1][i] / 2
			}
		}
	}
}

// variances adds σ² = exp(clamp(l)), a constant to backpropagation.
func (c bounds) variances(g *sparseop.Graph, l *gorgonia.Node) *gorgonia.Node {
	return g.Custom("variance", l.Shape(), sparseop.Func{F32: variances[float32](c), F64: variances[float64](c)}, nil, l)
}

func variances[T float](c bounds) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		for i, l := range in[0] {
			dst[i] = T(math.Exp(min(max(float64(l), c.lo), c.hi)))
		}
	}
}
