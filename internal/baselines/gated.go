package baselines

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// Gated is the settings of the variant "gated".
type Gated struct {
	Penalty
	Dictionary
	AuxDecoder string `yaml:"aux_decoder" oneof:"held|trained" doc:"the auxiliary loss, the error of the gate's own reconstruction, holds the decoder and its bias (the paper, dictionary_learning) or trains them too (SAELens)"`
}

// NewGated returns the variant with its defaults.
func NewGated() sae.Variant {
	return &Gated{
		Penalty:    Penalty{Coefficient: 1, Warmup: 0.05},
		Dictionary: Dictionary{Decoder: "unit", DecoderNorm: 0.1, InputBias: true, EncoderInit: 1},
		AuxDecoder: "held",
	}
}

// Build adds, with s = W_enc(x - b_dec), the gate π = s + b_gate, the magnitude
// z = [π > 0]·max(0, e^r·s + b_mag) and x̂ = z·W_dec + b_dec. The loss is the
// squared error, that of the reconstruction from max(0, π), and Σ max(0, π_f)|w_f|,
// all as means over rows (Rajamanoharan et al. 2024, equation 8).
func (v *Gated) Build(b *sae.Builder) sae.Out {
	m := newModel(b, v.Dictionary)
	m.EncoderBias = b.Vector("gate.bias", b.F, sae.Zero, sae.Flags{})
	offset := b.Vector("magnitude.bias", b.F, sae.Zero, sae.Flags{})
	scale := b.Vector("magnitude.log_scale", b.F, sae.Zero, sae.Flags{})
	gate := m.Code(m.capacity(), b.Picker(positive)) // values π, all positive
	s := b.G.Sub(gate.Values, b.G.Gather(m.EncoderBias.Use(), gate.Support))
	z := magnitude(b.G, s, b.G.Gather(scale.Use(), gate.Support), b.G.Gather(offset.Use(), gate.Support))
	out := sae.Out{Codes: sae.Codes{Support: gate.Support, Values: z}}
	out.Recon = m.Decode(out.Codes)
	if !b.Train {
		return out
	}
	l1 := b.G.Sum(m.weighed(gate), 1/float64(b.B))
	v.add(b, &out, byValue, l1, map[string]*gorgonia.Node{
		"mse":             b.MeanSquared(out.Recon, b.X()),
		"gated_auxiliary": b.MeanSquared(v.byGate(m, gate), b.X()),
	})
	return out
}

// byGate is the reconstruction [B,D] from the gate's values.
func (v *Gated) byGate(m *model, gate sae.Codes) *gorgonia.Node {
	if v.AuxDecoder == "trained" {
		return m.Decode(gate)
	}
	g := m.b.G
	return g.AddRow(g.SpMM(gate.Values, m.Decoder.Held(), gate.Support), m.DecoderBias.Held(), 1)
}

// magnitude adds max(0, e^r·s + b) elementwise.
func magnitude(g *sparseop.Graph, s, r, b *gorgonia.Node) *gorgonia.Node {
	linear := g.Add(g.Mul(exp(g, r), s), b)
	return g.Relu(linear)
}

// exp adds e^x elementwise. In the tail of a values node it is 1: a factor of
// zeros.
func exp(g *sparseop.Graph, x *gorgonia.Node) *gorgonia.Node {
	return g.Custom("exp", x.Shape(), sparseop.Func{F32: exps[float32], F64: exps[float64]},
		func(_ gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.Mul(grad, out)}
		}, x)
}

func exps[T float](dst []T, in [][]T) {
	for i, v := range in[0] {
		dst[i] = T(math.Exp(float64(v)))
	}
}
