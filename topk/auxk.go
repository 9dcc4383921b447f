package topk

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// auxK is the loss that revives dead latents: in each row the K largest of
// them predict the residual r = target - recon (a constant), and the squared
// error is divided by Σ(r - mean r)².
type auxK struct {
	K           int
	After       int64          // dead when not fired for so long
	DecoderOnly bool           // no gradient to the encoder
	Shrink      bool           // scaled by dead/K while fewer than K are dead
	Plain       bool           // the mean over rows of the squared error, r no constant
	inverse     *gorgonia.Node // divide by the variance of the target instead; nil for that of r
}

func (a auxK) add(b *sae.Builder, m *model, out *sae.Out) *gorgonia.Node {
	g := b.G
	dead := b.Dead(out.Codes, a.After)
	kept := m.code(1, ruled(g.Pool, func() kernel.Rule {
		latents := dead.Latents()
		return kernel.Rule{Kind: kernel.TopK, K: min(a.K, len(latents)), Subset: latents}
	}), dead.Node)
	if a.DecoderOnly {
		kept.Values = g.Stop(kept.Values)
	}
	e := a.error(b, m.sum(kept), g.Sub(m.target, out.Recon), dead.Node)
	return g.Weighted([]sparseop.Coefficient{func() float64 { return a.weight(len(dead.Latents())) }}, e)
}

// error compares the sum [B,D] of the dead latents that were kept with the
// residual [B,D].
func (a auxK) error(b *sae.Builder, sum, residual, dead *gorgonia.Node) *gorgonia.Node {
	if a.Plain {
		return b.MeanSquared(sum, residual)
	}
	residual = b.G.Stop(residual)
	inverse := a.inverse
	if inverse == nil {
		inverse = b.G.InverseVariance(residual, dead)
	}
	return b.G.Times(b.G.SquaredError(sum, residual, 1), inverse)
}

// weight is 0 while no latent is dead.
func (a auxK) weight(dead int) float64 {
	switch {
	case dead == 0:
		return 0
	case a.Shrink:
		return min(1, float64(dead)/float64(a.K))
	default:
		return 1
	}
}
