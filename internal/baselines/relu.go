package baselines

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// ReLU is the settings of the variant "relu".
type ReLU struct {
	Penalty
	Dictionary
}

// NewReLU returns the variant with its defaults.
func NewReLU() sae.Variant {
	return &ReLU{
		Penalty:    Penalty{Coefficient: 1, Warmup: 0.05},
		Dictionary: Dictionary{Decoder: "free", DecoderNorm: 0.1, InputBias: true, EncoderInit: 1},
	}
}

// Build adds z = max(0, W_enc(x - b_dec) + b_enc), x̂ = z·W_dec + b_dec, and the
// squared error with Σ z_f |w_f|, both as means over rows.
func (r *ReLU) Build(b *sae.Builder) sae.Out {
	m := newModel(b, r.Dictionary)
	m.EncoderBias = b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
	out := sae.Out{Codes: m.Code(m.capacity(), b.Picker(positive))}
	out.Recon = m.Decode(out.Codes)
	if !b.Train {
		return out
	}
	l1 := b.G.Sum(m.weighed(out.Codes), 1/float64(b.B))
	r.add(b, &out, byValue, l1, map[string]*gorgonia.Node{"mse": b.MeanSquared(out.Recon, b.X())})
	return out
}

// positive keeps what is above 0.
func positive() kernel.Rule { return kernel.Rule{Kind: kernel.Threshold} }
