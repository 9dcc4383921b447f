package topk

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// TopK is the settings of the variant "topk". Its defaults are New's; the
// fields below "reference trainers" exist to reproduce them number for
// number.
type TopK struct {
	K              int     `yaml:"k" range:"[1,)" doc:"latents kept in a row (K)"`
	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents that predict the residual of a row, at most as many as are dead; 0 turns AuxK off"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight of the AuxK loss"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"a latent is dead when it has not fired for so many rows"`

	Inference      string  `yaml:"inference" oneof:"topk|threshold" doc:"after training keep the k largest of a row, or all above a running threshold"`
	ThresholdBeta  float64 `yaml:"threshold_beta" range:"[0,1)" needs:"inference=threshold" doc:"decay of the threshold, a running mean of the smallest value that a row keeps"`
	ThresholdStart int     `yaml:"threshold_start" range:"[0,)" needs:"inference=threshold" doc:"the threshold is updated after this step"`

	// Reference trainers.
	Loss        string  `yaml:"loss" oneof:"mse|fvu" doc:"squared error as a mean over rows, or divided by the batch's sum of squares around its mean (sparsify)"`
	Variance    float64 `yaml:"variance" range:"[0,)" needs:"loss=fvu" doc:"divide by this sum of squares in place of the batch's own; 0 takes the batch's"`
	Gradient    string  `yaml:"aux_gradient" oneof:"all|decoder" needs:"aux_k" doc:"AuxK trains encoder and decoder, or the decoder alone (sparsify)"`
	AuxLoss     string  `yaml:"aux_loss" oneof:"normalized|plain|held" needs:"aux_k" doc:"AuxK's squared error divided by the variance of the residual, which is held; or as a mean over rows, which trains the other latents too (SewoongLee/top-afa-sae); or that with the residual held (SAELens)"`
	AuxScale    bool    `yaml:"aux_scale" needs:"aux_k" doc:"AuxK shrinks while fewer than aux_k latents are dead (sparsify, SAELens)"`
	AuxSigned   bool    `yaml:"aux_signed" needs:"aux_k" doc:"dead latents predict with z before its ReLU, negative ones too (SAELens)"`
	MultiTopK   bool    `yaml:"multi_topk" doc:"add one eighth of the error with 4 times as many latents (sparsify)"`
	Groups      bool    `yaml:"groups" doc:"keep the largest of each of k groups of neighbouring latents (sparsify's groupmax)"`
	Transcode   bool    `yaml:"transcode" doc:"predict the dump's target column in place of the activation"`
	InputBias   bool    `yaml:"input_bias" needs:"transcode=false" doc:"the decoder bias is taken off a row before it is encoded"`
	Skip        bool    `yaml:"skip" needs:"transcode" doc:"add a linear map of the input to the prediction"`
	EncoderBias bool    `yaml:"encoder_bias" doc:"the encoder has a bias"`
	EncoderInit float64 `yaml:"encoder_init" range:"(0,)" doc:"the encoder starts at this times the decoder's rows"`
	SAELens

	pick sparseop.Picker // of a test that brings the support itself
}

// New returns the variant with its defaults.
func New() sae.Variant {
	return &TopK{
		K: 32, AuxK: 512, AuxCoefficient: 1.0 / 32, DeadAfter: 10_000_000,
		Inference: "topk", ThresholdBeta: 0.99,
		Loss: "mse", Gradient: "all", AuxLoss: "normalized", InputBias: true, EncoderBias: true, EncoderInit: 1,
		SAELens: SAELens{Decoder: "unit"},
	}
}

// Build adds z = TopK(W_enc(x - b_dec) + b_enc), x̂ = z·W_dec + b_dec and the
// loss.
func (t *TopK) Build(b *sae.Builder) sae.Out {
	m := newModel(b, shape{
		transcode: t.Transcode, skip: t.Skip, encoderBias: t.EncoderBias, noInputBias: !t.InputBias, encoderInit: t.EncoderInit, SAELens: t.SAELens,
	})
	var h threshold
	if t.Inference == "threshold" {
		h = newThreshold(b, t.ThresholdBeta, t.ThresholdStart)
	}
	out := sae.Out{Codes: t.code(b, m, h)}
	out.Recon = m.addSkip(m.Decode(out.Codes))
	if !b.Train {
		return out
	}
	t.losses(b, m, &out)
	if t.Inference == "threshold" {
		out.After = func(step int) { h.update(step, leastOfRows(out.Codes.Support, m.keys(out.Codes.Support))) }
	}
	return out
}

// code keeps the latents of each row.
func (t *TopK) code(b *sae.Builder, m *model, h threshold) sae.Codes {
	rule := func() kernel.Rule { return kernel.Rule{Kind: kernel.TopK, K: t.K} }
	switch {
	case t.pick != nil:
		return m.Code(t.K*b.B, t.pick)
	case !b.Train && t.Inference == "threshold":
		rule = h.rule
	case t.Groups:
		if b.F%t.K != 0 {
			panic(fmt.Sprintf("topk.groups: %d latents do not split into k = %d equal groups; choose sae.latents as a multiple of topk.k", b.F, t.K))
		}
		rule = func() kernel.Rule { return kernel.Rule{Kind: kernel.GroupMax, K: t.K} }
	}
	return m.code(t.K*b.B, rule)
}

// losses adds the main loss, AuxK and, where asked for, the loss with 4K.
func (t *TopK) losses(b *sae.Builder, m *model, out *sae.Out) {
	loss, inverse := t.main(b, m, out.Recon)
	terms, weights := []*gorgonia.Node{loss}, []sparseop.Coefficient{sae.Constant(1)}
	out.Terms = map[string]*gorgonia.Node{t.Loss: loss}
	add := func(name string, c float64, term *gorgonia.Node) {
		out.Terms[name] = term
		terms, weights = append(terms, term), append(weights, sae.Constant(c))
	}
	if t.AuxK > 0 {
		a := sae.AuxK{K: t.AuxK, After: t.DeadAfter, DecoderOnly: t.Gradient == "decoder", Shrink: t.AuxScale, Plain: t.AuxLoss == "plain", Inverse: inverse,
			Held: t.AuxLoss == "held", Signed: t.AuxSigned, Rank: m.rank}
		add("auxk", t.AuxCoefficient, a.Add(b, &m.Coder, m.target, out))
	}
	if t.MultiTopK {
		add("multi_topk", 1.0/8, t.multi(b, m, inverse))
	}
	out.Loss = b.G.Weighted(weights, terms...)
}

// main is the loss of the reconstruction, and what it was multiplied by to
// divide out the variance, nil where it was not.
func (t *TopK) main(b *sae.Builder, m *model, recon *gorgonia.Node) (loss, inverse *gorgonia.Node) {
	if t.Loss == "mse" {
		return b.MeanSquared(recon, m.target), nil
	}
	inverse = b.G.InverseVariance(m.target, nil)
	if t.Variance > 0 {
		inverse = b.G.Number(1 / t.Variance)
	}
	return b.G.Times(b.G.SquaredError(recon, m.target, 1), inverse), inverse
}

// multi is the error with 4K latents. Only the decoder learns from it, as in
// sparsify 1.3.3, whose encoder passes no gradient to what was not kept.
func (t *TopK) multi(b *sae.Builder, m *model, inverse *gorgonia.Node) *gorgonia.Node {
	rule := kernel.Rule{Kind: kernel.TopK, K: 4 * t.K}
	kept := m.code(4*t.K*b.B, func() kernel.Rule { return rule })
	kept.Values = b.G.Stop(kept.Values)
	if inverse == nil {
		return b.MeanSquared(m.Decode(kept), m.target)
	}
	return b.G.Times(b.G.SquaredError(m.Decode(kept), m.target, 1), inverse)
}
