package gradsae

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/sae"
)

// GradSAE is the settings of the variant "gradsae".
type GradSAE struct {
	K         int     `yaml:"k" range:"[1,)" doc:"latents kept in a row (K)"`
	Beta      float64 `yaml:"beta" range:"[0,)" doc:"weight β of the gradient g in the score z·(1 + β·|<g,d>|) that latents with decoder rows d are chosen by; 0 is TopK"`
	BetaUnit  string  `yaml:"beta_unit" oneof:"gradient|median" doc:"β multiplies |<g,d>| as it is, so that its size depends on the units of the dump's loss and of data.scale; or |<g,d>| divided by its running median over the latents kept, so that it does not"`
	BetaSteps int     `yaml:"beta_steps" range:"[0,)" doc:"steps over which β goes linearly from beta_start to beta; 0 keeps it at beta"`
	BetaStart float64 `yaml:"beta_start" range:"[0,)" needs:"beta_steps" doc:"β at the first step"`

	KeptValues  string `yaml:"kept_values" oneof:"raw|scored" doc:"values of the latents that were chosen: z, or their scores"`
	DetachScore bool   `yaml:"detach_score" needs:"kept_values=scored" doc:"the factor of a score is held; otherwise it trains the decoder too"`
	Relu        string `yaml:"relu" oneof:"before|after|none" doc:"negative values become 0 before latents are chosen, or after, or not at all; it matters to rows with fewer than k positive ones"`
	EvalScore   string `yaml:"eval_score" oneof:"plain|gradient" doc:"after training latents are chosen by z, as TopK does and with no need of gradients; or by the score, which has seen the tokens to be predicted"`

	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents that predict the residual of a row, at most as many as are dead, chosen by z; 0 turns AuxK off"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight of the AuxK loss"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"a latent is dead when it has not fired for so many rows"`

	Loss        string  `yaml:"loss" oneof:"mse|fvu" doc:"squared error as a mean over rows, or divided by the batch's sum of squares around its mean"`
	EncoderBias bool    `yaml:"encoder_bias" doc:"the encoder has a bias"`
	DecoderBias bool    `yaml:"decoder_bias" doc:"the decoder has a bias, which is taken off a row before it is encoded; sae.decoder_bias says where it starts"`
	UnitRows    bool    `yaml:"unit_rows" doc:"decoder rows are kept at norm 1; a latent whose row may grow can raise its own score"`
	Tangent     bool    `yaml:"tangent" needs:"unit_rows" doc:"the part of the gradient along a decoder row is removed"`
	EncoderInit float64 `yaml:"encoder_init" range:"(0,)" doc:"the encoder starts at this times the decoder's rows"`
}

// New returns the variant with its defaults: all but β are those of TopK, which
// it is, bit for bit, at β = 0.
func New() sae.Variant {
	return &GradSAE{
		K: 32, Beta: 1, BetaUnit: "gradient", KeptValues: "raw", DetachScore: true, Relu: "before", EvalScore: "plain",
		AuxK: 512, AuxCoefficient: 1.0 / 32, DeadAfter: 10_000_000,
		Loss: "mse", EncoderBias: true, DecoderBias: true, UnitRows: true, Tangent: true, EncoderInit: 1,
	}
}

// WithK is a copy that keeps k latents of a row.
func (v *GradSAE) WithK(k int) sae.Variant {
	c := *v
	c.K = k
	return &c
}

// Build adds z = W_enc(x - b_dec) + b_enc, the choice of K latents by their
// scores, x̂ = y·W_dec + b_dec of the values y of these, and the loss.
func (v *GradSAE) Build(b *sae.Builder) sae.Out {
	c := v.coder(b)
	var out sae.Out
	if v.usesGradient() && (b.Train || v.EvalScore == "gradient") {
		v.scored(b, c, &out)
	} else {
		v.plain(b, c, &out)
	}
	out.Recon = c.Decode(out.Codes)
	if b.Train {
		v.losses(b, c, &out)
	}
	return out
}

// Caution says in reports that latents were chosen by what they are judged by.
func (v *GradSAE) Caution() string {
	if v.EvalScore == "plain" || !v.usesGradient() {
		return ""
	}
	return "latents were chosen by the gradient, which has seen the tokens to be predicted (gradsae.eval_score=gradient); compare effects on the loss with those of other variants at eval_score=plain"
}

// usesGradient is whether β is ever anything but 0.
func (v *GradSAE) usesGradient() bool { return v.Beta > 0 || v.BetaSteps > 0 && v.BetaStart > 0 }

func (v *GradSAE) coder(b *sae.Builder) *sae.Coder {
	c := b.Coder()
	rows := sae.Flags{UnitRows: v.UnitRows, Tangent: v.UnitRows && v.Tangent, FromRows: true}
	c.Decoder = b.Matrix("decoder.weight", b.F, b.D, sae.UnitNormal(1), rows)
	c.Encoder = b.Matrix("encoder.weight", b.F, b.D, sae.CopyOf("decoder.weight", v.EncoderInit), sae.Flags{})
	if v.EncoderBias {
		c.EncoderBias = b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
	}
	c.Input = b.X()
	if v.DecoderBias {
		c.DecoderBias = b.Vector("decoder.bias", b.D, sae.Zero, sae.Flags{FromData: true})
		c.Input = b.G.AddRow(b.X(), c.DecoderBias.Use(), -1)
	}
	return &c
}

// plain chooses latents by z. Its values are always z.
func (v *GradSAE) plain(b *sae.Builder, c *sae.Coder, out *sae.Out) {
	p := newPicker(b.G.Pool, b.Selector(), v.K, v.fill(b.Train))
	out.Codes = c.Code(v.room(b), p.plain)
	v.rectify(b, &out.Codes)
}

// scored chooses latents by the score. An evaluation that does shows <g,d> of
// what it keeps; training keeps track of its median.
func (v *GradSAE) scored(b *sae.Builder, c *sae.Coder, out *sae.Out) {
	w := v.weight(b)
	p := newPicker(b.G.Pool, b.Selector(), v.K, v.fill(b.Train))
	p.beta = w.beta
	out.Codes = c.CodeWith(v.room(b), []*gorgonia.Node{b.Gradient(), c.Decoder.Node()}, p.boosted)
	if v.Relu == "before" {
		v.rectify(b, &out.Codes)
	}
	if v.KeptValues == "scored" {
		held := v.DetachScore
		out.Codes.Values = boost(b.G, out.Codes.Values, v.along(b, c, out, held), w.beta, held)
	}
	if v.Relu == "after" {
		v.rectify(b, &out.Codes)
	}
	out.Extra = map[string]*gorgonia.Node{}
	if b.Train {
		out.Extra["gradient_along_median"] = w.measure(b.G, b.Gradient(), c.Decoder.Node(), out.Codes.Support)
		out.After = w.update
	} else {
		out.Extra["gradient_along"] = v.along(b, c, out, true)
	}
}

// along is <g,d> of the latents kept, [C]. Where it is held, no gradient flows
// to the decoder.
func (v *GradSAE) along(b *sae.Builder, c *sae.Coder, out *sae.Out, held bool) *gorgonia.Node {
	decoder := c.Decoder.Node()
	if !held {
		decoder = c.Decoder.Use()
	}
	return b.G.SDDMM(b.Gradient(), decoder, out.Codes.Support)
}

// room is how many latents a batch keeps.
func (v *GradSAE) room(b *sae.Builder) int { return min(v.K, b.F) * b.B }

// fill is what a row with fewer than K positive latents gets. Without a
// gradient a value of 0 is as good as none, so that only training, which counts
// what was chosen, asks for those.
func (v *GradSAE) fill(train bool) fill {
	switch {
	case v.Relu == "none" || train && v.Relu == "after":
		return fillBest
	case train:
		return fillLowest
	default:
		return fillNone
	}
}

func (v *GradSAE) rectify(b *sae.Builder, c *sae.Codes) {
	if v.Relu != "none" {
		c.Values = b.G.Relu(c.Values)
	}
}

// losses adds the error of reconstruction and AuxK.
func (v *GradSAE) losses(b *sae.Builder, c *sae.Coder, out *sae.Out) {
	loss := b.MeanSquared(out.Recon, b.X())
	if v.Loss == "fvu" {
		loss = b.G.Times(b.G.SquaredError(out.Recon, b.X(), 1), b.G.InverseVariance(b.X(), nil))
	}
	out.Loss, out.Terms = loss, map[string]*gorgonia.Node{v.Loss: loss}
	if v.AuxK > 0 {
		sae.AuxK{K: v.AuxK, After: v.DeadAfter}.AddTo(b, c, b.X(), v.AuxCoefficient, out)
	}
}
