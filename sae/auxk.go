package sae

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

// AuxK is the loss that revives dead latents (Gao et al. 2024, appendix A.2):
// in each row the K largest of them predict the residual r = target - recon (a
// constant), and the squared error is divided by Σ(r - mean r)².
type AuxK struct {
	K           int
	After       int64          // dead when not fired for so long
	DecoderOnly bool           // no gradient to the encoder
	Shrink      bool           // scaled by dead/K while fewer than K are dead
	Abs         bool           // the largest in absolute value
	Plain       bool           // the mean over rows of the squared error, r no constant
	Held        bool           // likewise, but r is a constant
	Signed      bool           // latents below 0 take part, the largest first
	Rank        *gorgonia.Node // [F] factors of z by which the largest are found; nil for none
	Inverse     *gorgonia.Node // divide by the variance of the target instead; nil for that of r
}

// Add adds the loss for latents of c that out has decoded, to predict target
// [B,DOut]. It counts dead latents: a variant adds it at most once.
func (a AuxK) Add(b *Builder, c *Coder, target *gorgonia.Node, out *Out) *gorgonia.Node {
	dead := b.Dead(out.Codes, a.After)
	var rank []*gorgonia.Node
	if a.Rank != nil {
		rank = append(rank, a.Rank)
	}
	kept := c.CodeWith(1, rank, a.picker(b, dead), dead.Node)
	if a.DecoderOnly {
		kept.Values = b.G.Stop(kept.Values)
	}
	on := func() bool { return a.weight(len(dead.Latents())) > 0 }
	residual := sparseop.Zeros(b.G.Sub(target, out.Recon), on)
	e := a.error(b, c.Sum(kept), residual, dead.Node, on)
	return b.G.Weighted([]sparseop.Coefficient{func() float64 { return a.weight(len(dead.Latents())) }}, e)
}

// AddTo makes AuxK, with a coefficient, a term of out's loss beside what is
// there.
func (a AuxK) AddTo(b *Builder, c *Coder, target *gorgonia.Node, coefficient float64, out *Out) {
	aux := a.Add(b, c, target, out)
	out.Terms["auxk"] = aux
	out.Loss = b.G.Weighted([]sparseop.Coefficient{Constant(1), Constant(coefficient)}, out.Loss, aux)
}

// picker picks the K largest dead latents of a row.
func (a AuxK) picker(b *Builder, dead *Dead) sparseop.WidePicker {
	selector, signed := b.Selector(), &signedTop{pool: b.G.Pool}
	return func(dst *kernel.Support, x, w, bias []float32, more [][]float32, rows, d, f int) error {
		latents := dead.Latents()
		rule := kernel.Rule{Kind: kernel.TopK, K: min(a.K, len(latents)), Subset: latents, Abs: a.Abs}
		if len(more) > 0 {
			rule.Weight = more[0]
		}
		if a.Signed {
			signed.pick(dst, x, w, bias, rows, d, rule)
			return nil
		}
		return selector.Select(dst, x, w, bias, rows, d, f, rule)
	}
}

// error compares the sum [B,DOut] of the dead latents that were kept with the
// residual [B,DOut], while there are any.
func (a AuxK) error(b *Builder, sum, residual, dead *gorgonia.Node, on func() bool) *gorgonia.Node {
	if !a.Plain {
		residual = b.G.Stop(residual)
	}
	if a.Plain || a.Held {
		return sparseop.Zeros(b.MeanSquared(sum, residual), on)
	}
	inverse := a.Inverse
	if inverse == nil {
		inverse = b.G.InverseVariance(residual, dead)
	}
	return b.G.Times(sparseop.Zeros(b.G.SquaredError(sum, residual, 1), on), inverse)
}

// weight is 0 while no latent is dead.
func (a AuxK) weight(dead int) float64 {
	switch {
	case dead == 0:
		return 0
	case a.Shrink:
		return min(1, float64(dead)/float64(a.K))
	default:
		return 1
	}
}
