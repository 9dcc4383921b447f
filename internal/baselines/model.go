package baselines

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/sae"
)

// Dictionary is the settings of the encoder and the decoder.
type Dictionary struct {
	Decoder     string  `yaml:"decoder" oneof:"unit|free" doc:"decoder rows are kept at norm 1, or free, and the penalty weighs a latent by the norm of its row"`
	DecoderNorm float64 `yaml:"decoder_norm" range:"(0,)" needs:"decoder=free" doc:"norm of the decoder rows at the start"`
	InputBias   bool    `yaml:"input_bias" doc:"the decoder bias is taken off a row before it is encoded"`
	EncoderInit float64 `yaml:"encoder_init" range:"(0,)" doc:"the encoder starts at this times the decoder's rows"`
}

// model is the graph under construction.
type model struct {
	sae.Coder
	b    *sae.Builder
	free bool // decoder rows have any norm
}

// newModel declares decoder, encoder and the decoder's bias. The encoder's
// bias, or what stands for it, is the variant's.
func newModel(b *sae.Builder, d Dictionary) *model {
	m := &model{Coder: b.Coder(), b: b, free: d.Decoder == "free"}
	norm, flags := 1.0, sae.Flags{FromRows: true, UnitRows: true, Tangent: true}
	if m.free {
		norm, flags = d.DecoderNorm, sae.Flags{FromRows: true}
	}
	m.Decoder = b.Matrix("decoder.weight", b.F, b.D, sae.UnitNormal(norm), flags)
	m.Encoder = b.Matrix("encoder.weight", b.F, b.D, sae.CopyOf("decoder.weight", d.EncoderInit), sae.Flags{})
	m.DecoderBias = b.Vector("decoder.bias", b.D, sae.Zero, sae.Flags{FromData: true})
	m.Input = b.X()
	if d.InputBias {
		m.Input = b.G.AddRow(b.X(), m.DecoderBias.Use(), -1)
	}
	return m
}

// capacity is room for 64 latents a row; the trainer makes more when it must.
func (m *model) capacity() int { return m.b.B * min(m.b.F, 64) }

// weighed is values v [Cap] times the norms of their decoder rows, which are 1
// where they are kept so.
func (m *model) weighed(c sae.Codes) *gorgonia.Node {
	if !m.free {
		return c.Values
	}
	g := m.b.G
	return g.Mul(c.Values, g.Gather(g.RowNorms(m.Decoder.Use()), c.Support))
}
