package vsae

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
)

// A penalty is what one latent adds: the divergence ½(μ² + σ² - 1 - log σ²)
// of N(μ,σ²) from N(0,1), with μ and log σ² clamped, or μ².
type penalty struct {
	bounds
	half  float64 // ½, or 1 where it is μ²
	most  float64 // largest |μ|
	fixed float64 // of a σ that is the same for all
}

func (v *VSAE) penalty() penalty {
	p := penalty{bounds: v.clamp(), half: 0.5, most: v.MuClamp}
	switch {
	case v.Penalty == "squares":
		return penalty{half: 1, most: math.Inf(1)}
	case v.Variance == "fixed" && v.Sigma > 0:
		s := v.Sigma * v.Sigma
		p.fixed = 0.5 * (s - 1 - math.Log(s))
	}
	return p
}

// ofMean is the part of μ, and its derivative, which is 0 beyond the clamp.
func (p *penalty) ofMean(mu float64) (value, slope float64) {
	c := min(max(mu, -p.most), p.most)
	if c != mu {
		return p.half * c * c, 0
	}
	return p.half * mu * mu, 2 * p.half * mu
}

// ofLogVar is the part of l = log σ², and its derivative.
func (p *penalty) ofLogVar(l float64) (value, slope float64) {
	c := min(max(l, p.lo), p.hi)
	s := math.Exp(c)
	if c != l {
		return 0.5 * (s - 1 - c), 0
	}
	return 0.5 * (s - 1 - c), 0.5 * (s - 1)
}

// penalty adds the mean over rows of the sum over latents: all, or those kept.
func (m *model) penalty(kept latents) *gorgonia.Node {
	p := m.v.penalty()
	learned := m.logVar != nil && m.v.Penalty == "kl"
	if m.v.KLScope == "all" {
		return m.dense(p, learned)
	}
	if !learned {
		kept.logVar = nil
	}
	return p.ofKept(m.b.G, kept, 1/float64(m.b.B))
}

// ofKept adds c times the sum over the latents kept.
func (p *penalty) ofKept(g *sparseop.Graph, l latents, c float64) *gorgonia.Node {
	in, wrt := []*gorgonia.Node{l.mean, l.Support.Node}, []bool{true, false}
	if l.logVar != nil {
		in, wrt = append(in, l.logVar), append(wrt, true)
	}
	sum := sparseop.Func{F32: keptSum[float32](p, l.Support, c), F64: keptSum[float64](p, l.Support, c)}
	return g.CustomWRT("penalty", nil, sum, wrt, func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		back := gorgonia.Nodes{slopes(g, p.ofMean, in[0], grad, c), nil}
		if len(in) == 3 {
			back = append(back, slopes(g, p.ofLogVar, in[2], grad, c))
		}
		return back
	}, in...)
}

// keptSum reads only the entries in use: log σ² = 0 would be one as well.
func keptSum[T float](p *penalty, s *sparseop.Support, c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		sum := p.fixed * float64(s.Count())
		for e := range s.Count() {
			v, _ := p.ofMean(float64(in[0][e]))
			if len(in) == 3 {
				l, _ := p.ofLogVar(float64(in[2][e]))
				v += l
			}
			sum += v
		}
		dst[0] = T(c * sum)
	}
}

// slopes adds c·grad times the derivative of of at each x, for a scalar grad.
// Either derivative is 0 at 0, where the tail is.
func slopes(g *sparseop.Graph, of func(float64) (value, slope float64), x, grad *gorgonia.Node, c float64) *gorgonia.Node {
	return g.Custom("penaltyBack", x.Shape(), sparseop.Func{F32: slopesOf[float32](of, c), F64: slopesOf[float64](of, c)}, nil, x, grad)
}

func slopesOf[T float](of func(float64) (value, slope float64), c float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		k := c * float64(in[1][0])
		for i, x := range in[0] {
			_, slope := of(float64(x))
			dst[i] = T(k * slope)
		}
	}
}
