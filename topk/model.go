package topk

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/sae"
)

// model is the encoder and decoder that TopK and BatchTopK share.
type model struct {
	sae.Coder
	b      *sae.Builder
	skip   *sae.Param     // [DOut,D] or nil
	target *gorgonia.Node // [B,DOut] what the decoder predicts
}

// shape says which model.
type shape struct {
	transcode, skip, encoderBias bool
	encoderInit                  float64
}

func newModel(b *sae.Builder, s shape) *model {
	m := &model{Coder: b.Coder(), b: b, target: b.X()}
	width := b.D
	if s.transcode {
		width = b.DOut
	}
	unit := sae.Flags{UnitRows: true, Tangent: true, FromRows: true}
	m.Decoder = b.Matrix("decoder.weight", b.F, width, sae.UnitNormal(1), unit)
	encoder := sae.CopyOf("decoder.weight", s.encoderInit)
	if s.transcode {
		encoder = sae.UnitNormal(s.encoderInit)
	}
	m.Encoder = b.Matrix("encoder.weight", b.F, b.D, encoder, sae.Flags{})
	if s.encoderBias {
		m.EncoderBias = b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
	}
	m.DecoderBias = b.Vector("decoder.bias", width, sae.Zero, sae.Flags{FromData: true})
	m.Input = b.X()
	if s.transcode {
		m.transcode(s.skip)
	} else {
		m.Input = b.G.AddRow(b.X(), m.DecoderBias.Use(), -1)
	}
	return m
}

// transcode makes the encoder read x as it is and the decoder predict the
// target.
func (m *model) transcode(skip bool) {
	if m.b.Train {
		m.target = m.b.Target()
	}
	if skip {
		m.skip = m.b.Matrix("skip.weight", m.b.DOut, m.b.D, sae.Zero, sae.Flags{})
	}
}

func (m *model) addSkip(recon *gorgonia.Node) *gorgonia.Node {
	if m.skip == nil {
		return recon
	}
	return m.b.G.Add(recon, m.b.G.MatMulT(m.b.X(), m.skip.Use()))
}
