package topk

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// AbsTopK is the settings of the variant "abstopk".
type AbsTopK struct {
	K              int     `yaml:"k" range:"[1,)" doc:"latents kept in a row, those of largest |z| (K)"`
	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents of largest |z| that predict the residual of a row, at most as many as are dead; 0 turns AuxK off"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight of the AuxK loss"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"a latent is dead when it has not fired for so many rows"`
	EncoderBias    bool    `yaml:"encoder_bias" doc:"the encoder has a bias"`
	EncoderInit    float64 `yaml:"encoder_init" range:"(0,)" doc:"the encoder starts at this times the decoder's rows"`
}

// NewAbs returns AbsTopK with its defaults.
func NewAbs() sae.Variant {
	return &AbsTopK{K: 32, AuxK: 512, AuxCoefficient: 1.0 / 32, DeadAfter: 10_000_000, EncoderBias: true, EncoderInit: 1}
}

// Build adds TopK's formulas with the K largest |z| of a row, whose values keep
// their signs: one latent stands for both directions of an axis.
func (t *AbsTopK) Build(b *sae.Builder) sae.Out {
	m := newModel(b, shape{encoderBias: t.EncoderBias, encoderInit: t.EncoderInit})
	rule := kernel.Rule{Kind: kernel.TopK, K: t.K, Abs: true}
	out := sae.Out{Codes: m.Code(t.K*b.B, b.Picker(func() kernel.Rule { return rule }))}
	out.Recon = m.Decode(out.Codes)
	if !b.Train {
		return out
	}
	out.Loss = b.MeanSquared(out.Recon, b.X())
	out.Terms = map[string]*gorgonia.Node{"mse": out.Loss}
	if t.AuxK > 0 {
		sae.AuxK{K: t.AuxK, After: t.DeadAfter, Abs: true}.AddTo(b, &m.Coder, m.target, t.AuxCoefficient, &out)
	}
	return out
}
