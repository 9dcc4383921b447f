package topk

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// BatchTopK is the settings of the variant "batchtopk".
type BatchTopK struct {
	K              int     `yaml:"k" range:"[1,)" doc:"latents kept in a row on average (K)"`
	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents that predict the residual of a row, at most as many as are dead; 0 turns AuxK off"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight of the AuxK loss"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"a latent is dead when it has not fired for so many rows"`
	Inference      string  `yaml:"inference" oneof:"threshold|batch" doc:"after training keep all above the running threshold, or the k·B largest of each batch"`
	ThresholdBeta  float64 `yaml:"threshold_beta" range:"[0,1)" needs:"inference=threshold" doc:"decay of the threshold, a running mean of each batch's smallest kept value"`
	ThresholdFrom  string  `yaml:"threshold_from" oneof:"first|zero" needs:"inference=threshold" doc:"the threshold starts at the first batch's smallest kept value, or at 0 (SAELens)"`
	ThresholdStart int     `yaml:"threshold_start" range:"[0,)" needs:"inference=threshold,threshold_from=first" doc:"the threshold is updated after this step"`
	AuxLoss        string  `yaml:"aux_loss" oneof:"normalized|plain|held" needs:"aux_k" doc:"AuxK's squared error divided by the variance of the residual, which is held; or as a mean over rows, which trains the other latents too (SewoongLee/top-afa-sae); or that with the residual held (SAELens)"`
	AuxScale       bool    `yaml:"aux_scale" needs:"aux_k" doc:"AuxK shrinks while fewer than aux_k latents are dead (SAELens)"`
	AuxSigned      bool    `yaml:"aux_signed" needs:"aux_k" doc:"dead latents predict with z before its ReLU, negative ones too (SAELens)"`
	EncoderBias    bool    `yaml:"encoder_bias" doc:"the encoder has a bias"`
	EncoderInit    float64 `yaml:"encoder_init" range:"(0,)" doc:"the encoder starts at this times the decoder's rows"`
	SAELens

	total int // of a test: latents of a batch, where its k is a fraction
}

// NewBatch returns BatchTopK with its defaults. The threshold follows the
// last hundred batches or so from the start, so that a short run has one too;
// dictionary_learning 0.1.0 has threshold_beta 0.999 and threshold_start 1000.
func NewBatch() sae.Variant {
	return &BatchTopK{
		K: 32, AuxK: 512, AuxCoefficient: 1.0 / 32, DeadAfter: 10_000_000,
		Inference: "threshold", ThresholdBeta: 0.99, ThresholdFrom: "first", AuxLoss: "normalized", EncoderBias: true, EncoderInit: 1,
		SAELens: SAELens{Decoder: "unit"},
	}
}

// Build adds TopK's formulas with the selection taken over the batch.
func (t *BatchTopK) Build(b *sae.Builder) sae.Out {
	m := newModel(b, shape{encoderBias: t.EncoderBias, encoderInit: t.EncoderInit, SAELens: t.SAELens})
	h := t.threshold(b)
	rule := func() kernel.Rule { return kernel.Rule{Kind: kernel.BatchTopK, K: t.K, Total: t.total} }
	if !b.Train && t.Inference == "threshold" {
		rule = h.rule
	}
	out := sae.Out{Codes: m.code(t.K*b.B, rule)}
	out.Recon = m.Decode(out.Codes)
	if b.Train {
		t.losses(b, m, &out)
		out.After = func(step int) { h.update(step, leastOf(m.keys(out.Codes.Support))) }
	}
	return out
}

func (t *BatchTopK) losses(b *sae.Builder, m *model, out *sae.Out) {
	mse := b.MeanSquared(out.Recon, m.target)
	out.Loss, out.Terms = mse, map[string]*gorgonia.Node{"mse": mse}
	if t.AuxK == 0 {
		return
	}
	sae.AuxK{
		K: t.AuxK, After: t.DeadAfter, Plain: t.AuxLoss == "plain", Held: t.AuxLoss == "held", Shrink: t.AuxScale, Signed: t.AuxSigned, Rank: m.rank,
	}.AddTo(b, &m.Coder, m.target, t.AuxCoefficient, out)
}
