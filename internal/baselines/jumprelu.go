package baselines

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// JumpReLU is the settings of the variant "jumprelu". Thresholds and bandwidth
// are in the units that the trainer sees (data.scale).
type JumpReLU struct {
	Penalty
	Dictionary
	Sparsity      string  `yaml:"sparsity" oneof:"step|tanh|quadratic" doc:"what the coefficient weighs, as a mean over rows: the number of latents kept (L0), a sum of tanh(tanh_scale·z·|w|), or (2/quadratic_l0)·(L0 - quadratic_l0)²"`
	TanhScale     float64 `yaml:"tanh_scale" range:"(0,)" needs:"sparsity=tanh" doc:"scale of a latent in tanh"`
	QuadraticL0   float64 `yaml:"quadratic_l0" range:"(0,)" needs:"sparsity=quadratic" doc:"number of latents that the square is around"`
	ThresholdInit float64 `yaml:"threshold_init" range:"(0,)" doc:"thresholds at the start"`
	Bandwidth     float64 `yaml:"bandwidth" range:"(0,)" doc:"width of the window around a threshold from which its straight-through gradient is estimated"`
	STEToInput    bool    `yaml:"ste_to_input" doc:"the straight-through gradient also reaches what is compared with the threshold (Anthropic, January 2025)"`
	PreActivation float64 `yaml:"pre_activation_coefficient" range:"[0,)" doc:"weight of the loss that pulls dead latents towards their thresholds; 0 leaves it out"`
	DeadAfter     int64   `yaml:"dead_after" range:"[1,)" needs:"pre_activation_coefficient" doc:"a latent is dead when it has not fired for so many rows"`

	smooth bool // of a test: values whose slope by the threshold is the straight-through gradient
}

// NewJumpReLU returns the variant with its defaults.
func NewJumpReLU() sae.Variant {
	return &JumpReLU{
		Penalty:    Penalty{Coefficient: 0.1, Warmup: 0.05},
		Dictionary: Dictionary{Decoder: "unit", DecoderNorm: 0.1, InputBias: true, EncoderInit: 1},
		Sparsity:   "step", TanhScale: 4, QuadraticL0: 32, ThresholdInit: 0.1, Bandwidth: 0.1,
		DeadAfter: 10_000_000,
	}
}

// Build adds h = W_enc(x - b_dec) + b_enc, z = h where h > θ, else 0, and x̂ =
// z·W_dec + b_dec. In training the support holds the window around each
// threshold too, where z may be 0.
func (v *JumpReLU) Build(b *sae.Builder) sae.Out {
	m := newModel(b, v.Dictionary)
	m.EncoderBias = b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
	threshold := b.Vector("threshold", b.F, sae.Filled(v.ThresholdInit), sae.Flags{NonNeg: true})
	reach := 0.0
	if b.Train {
		reach = v.Bandwidth / 2
	}
	h := m.CodeWith(m.capacity(), []*gorgonia.Node{threshold.Node()}, above(b, float32(reach)))
	if !b.Train {
		return sae.Out{Codes: h, Recon: m.Decode(h)}
	}
	j := jump{g: b.G, width: v.Bandwidth, toInput: v.STEToInput, smooth: v.smooth}
	t := b.G.Gather(threshold.Use(), h.Support)
	out := sae.Out{Codes: sae.Codes{Support: h.Support, Values: j.values(h.Values, t)}}
	out.Recon = m.Decode(out.Codes)
	terms := map[string]*gorgonia.Node{"mse": b.MeanSquared(out.Recon, b.X())}
	if v.PreActivation > 0 {
		dead := b.Dead(out.Codes, v.DeadAfter)
		pull := pullDead(m, threshold, dead)
		terms["pre_activation"] = b.G.Scale(pull, v.PreActivation)
	}
	v.add(b, &out, byNumber, v.sparsity(m, j, out.Codes, h.Values, t), terms)
	return out
}

// sparsity is what the coefficient weighs, for values out, scores h and
// thresholds t [Cap].
func (v *JumpReLU) sparsity(m *model, j jump, out sae.Codes, h, t *gorgonia.Node) *gorgonia.Node {
	g, perRow := m.b.G, 1/float64(m.b.B)
	switch v.Sparsity {
	case "tanh":
		return g.Sum(tanh(g, g.Scale(m.weighed(out), v.TanhScale)), perRow)
	case "quadratic":
		l0 := g.SumByRow(j.steps(h, t), out.Support)
		return g.SquaredError(l0, constant(g, l0, v.QuadraticL0), 2/v.QuadraticL0*perRow)
	}
	return g.Sum(j.steps(h, t), perRow)
}

// above picks the latents whose score is above their threshold, the further
// input [F], less reach. Its scores are <x,w>+b but for the rounding of one
// sum: the thresholds are taken off the bias, so that one comparison, and the
// screening before it, serves all latents.
func above(b *sae.Builder, reach float32) sparseop.WidePicker {
	selector := b.Selector()
	var floor, offset []float32
	return func(dst *kernel.Support, x, w, bias []float32, more [][]float32, rows, d, f int) error {
		floor, offset = floor[:0], offset[:0]
		for i, t := range more[0] {
			at := t - reach
			if reach == 0 {
				at = max(at, 0)
			}
			floor, offset = append(floor, at), append(offset, bias[i]-at)
		}
		if err := selector.Select(dst, x, w, offset, rows, d, f, positive()); err != nil {
			return err
		}
		for e, l := range dst.Index {
			dst.Score[e] += floor[l]
		}
		return nil
	}
}
