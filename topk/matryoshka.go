package topk

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// Matryoshka is the settings of the variant "matryoshka".
type Matryoshka struct {
	K              int     `yaml:"k" range:"[1,)" doc:"latents kept in a row on average, of all groups together (K)"`
	Groups         string  `yaml:"groups" doc:"shares of the latents in each group, such as 1/16,1/8,1/4; what they leave is the last group"`
	GroupWeights   string  `yaml:"group_weights" doc:"weight of the error after each group, such as 1,1,1,1; empty for a mean over groups"`
	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents that predict the residual of a row, at most as many as are dead; 0 turns AuxK off"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight of the AuxK loss"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"a latent is dead when it has not fired for so many rows"`
	Inference      string  `yaml:"inference" oneof:"threshold|batch" doc:"after training keep all above the running threshold, or the k·B largest of each batch"`
	ThresholdBeta  float64 `yaml:"threshold_beta" range:"[0,1)" needs:"inference=threshold" doc:"decay of the threshold, a running mean of each batch's smallest kept value"`
	ThresholdStart int     `yaml:"threshold_start" range:"[0,)" needs:"inference=threshold" doc:"the threshold is updated after this step"`
	EncoderBias    bool    `yaml:"encoder_bias" doc:"the encoder has a bias"`
	EncoderInit    float64 `yaml:"encoder_init" range:"(0,)" doc:"the encoder starts at this times the decoder's rows"`

	prefix int // groups that evaluation uses; 0 for all
}

// NewMatryoshka returns Matryoshka with its defaults: the groups are those of
// Bussmann et al. 2025 but for the smallest.
func NewMatryoshka() sae.Variant {
	return &Matryoshka{
		K: 32, Groups: "1/16,1/16,1/8,1/4", AuxK: 512, AuxCoefficient: 1.0 / 32, DeadAfter: 10_000_000,
		Inference: "threshold", ThresholdBeta: 0.99, EncoderBias: true, EncoderInit: 1,
	}
}

// Prefix is a copy whose evaluation uses the first n groups only: latents of the
// others are dropped after the choice.
func (t *Matryoshka) Prefix(n int) sae.Variant {
	c := *t
	c.prefix = n
	return &c
}

// Build adds BatchTopK over all latents and a reconstruction after each group,
// x̂_g = x̂_{g-1} + Σ z·W_dec over the latents of group g, from x̂_0 = b_dec, with an
// error of its own (Bussmann et al. 2025, arXiv 2503.17547). The first groups
// thus learn to reconstruct without the later ones.
func (t *Matryoshka) Build(b *sae.Builder) sae.Out {
	m := newModel(b, shape{encoderBias: t.EncoderBias, encoderInit: t.EncoderInit})
	ends := t.ends(b.F)
	h := newThreshold(b, t.ThresholdBeta, t.ThresholdStart)
	rule := func() kernel.Rule { return kernel.Rule{Kind: kernel.BatchTopK, K: t.K} }
	if !b.Train && t.Inference == "threshold" {
		rule = h.rule
	}
	out := sae.Out{Codes: m.Code(t.K*b.B, b.Picker(rule))}
	if !b.Train {
		if t.prefix > 0 {
			out.Codes = partOf(b, out.Codes, 0, ends[t.prefix-1])
		}
		out.Recon = m.Decode(out.Codes)
		return out
	}
	t.losses(b, m, ends, &out)
	out.After = func(step int) { h.update(step, leastOf(out.Codes.Support.Score())) }
	return out
}

// Ends are the first latents beyond each group of so many latents in all.
func (t *Matryoshka) Ends(latents int) ([]int, error) { return groupEnds(t.Groups, latents) }

// ends are the first latents beyond each group.
func (t *Matryoshka) ends(latents int) []int {
	ends, err := groupEnds(t.Groups, latents)
	if err != nil {
		panic(fmt.Sprintf("matryoshka.groups: %v", err))
	}
	return ends
}

// losses adds the reconstructions and their errors, and AuxK.
func (t *Matryoshka) losses(b *sae.Builder, m *model, ends []int, out *sae.Out) {
	weights, err := groupWeights(t.GroupWeights, len(ends))
	if err != nil {
		panic(fmt.Sprintf("matryoshka.group_weights: %v", err))
	}
	out.Terms = map[string]*gorgonia.Node{}
	var errors []*gorgonia.Node
	var cs []sparseop.Coefficient
	for g := range ends {
		out.Recon = t.upTo(b, m, ends, g, out)
		e := b.MeanSquared(out.Recon, b.X())
		out.Terms[fmt.Sprintf("mse_%d", g+1)] = e
		errors, cs = append(errors, e), append(cs, sae.Constant(weights[g]))
	}
	mse := b.G.Weighted(cs, errors...)
	out.Loss, out.Terms["mse"] = mse, mse
	if t.AuxK > 0 {
		sae.AuxK{K: t.AuxK, After: t.DeadAfter}.AddTo(b, &m.Coder, m.target, t.AuxCoefficient, out)
	}
}

// upTo is the reconstruction [B,D] after group g, out.Recon that after the group
// before.
func (t *Matryoshka) upTo(b *sae.Builder, m *model, ends []int, g int, out *sae.Out) *gorgonia.Node {
	first := 0
	if g > 0 {
		first = ends[g-1]
	}
	own := partOf(b, out.Codes, first, ends[g])
	if g == 0 {
		return m.Decode(own)
	}
	return b.G.Add(out.Recon, m.Sum(own))
}

// partOf is the codes of latents [lo,hi).
func partOf(b *sae.Builder, c sae.Codes, lo, hi int) sae.Codes {
	p := b.G.Part(c.Support, lo, hi)
	return sae.Codes{Support: p.Support, Values: b.G.Take(c.Values, p)}
}
