package topk

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// model is the encoder and decoder that TopK and BatchTopK share.
type model struct {
	b           *sae.Builder
	encoder     *sae.Param     // [F,D]
	encoderBias *sae.Param     // [F] or nil
	decoder     *sae.Param     // [F,DOut], unit rows
	decoderBias *sae.Param     // [DOut]
	skip        *sae.Param     // [DOut,D] or nil
	input       *gorgonia.Node // [B,D] what the encoder sees
	target      *gorgonia.Node // [B,DOut] what the decoder predicts
}

// shape says which model.
type shape struct {
	transcode, skip, encoderBias bool
	encoderInit                  float64
}

func newModel(b *sae.Builder, s shape) *model {
	m := &model{b: b, target: b.X()}
	width := b.D
	if s.transcode {
		width = b.DOut
	}
	unit := sae.Flags{UnitRows: true, Tangent: true}
	m.decoder = b.Matrix("decoder.weight", b.F, width, sae.UnitNormal(1), unit)
	encoder := sae.CopyOf("decoder.weight", s.encoderInit)
	if s.transcode {
		encoder = sae.UnitNormal(s.encoderInit)
	}
	m.encoder = b.Matrix("encoder.weight", b.F, b.D, encoder, sae.Flags{})
	if s.encoderBias {
		m.encoderBias = b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
	}
	m.decoderBias = b.Vector("decoder.bias", width, sae.Zero, sae.Flags{FromData: true})
	m.input = b.X()
	if s.transcode {
		m.transcode(s.skip)
	} else {
		m.input = b.G.AddRow(b.X(), m.decoderBias.Use(), -1)
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

// code selects latents and gives their values.
func (m *model) code(capacity int, pick sparseop.Picker, after ...*gorgonia.Node) sae.Codes {
	g := m.b.G
	if m.encoderBias == nil {
		s := m.b.SelectBy(m.input, m.encoder.Node(), nil, capacity, pick, after...)
		return sae.Codes{Support: s, Values: g.Values(m.input, m.encoder.Use(), nil, s)}
	}
	s := m.b.SelectBy(m.input, m.encoder.Node(), m.encoderBias.Node(), capacity, pick, after...)
	return sae.Codes{Support: s, Values: g.Values(m.input, m.encoder.Use(), m.encoderBias.Use(), s)}
}

// decode is Σ z·W_dec + b_dec, [B,DOut].
func (m *model) decode(c sae.Codes) *gorgonia.Node {
	return m.b.G.AddRow(m.sum(c), m.decoderBias.Use(), 1)
}

// sum is Σ z·W_dec, [B,DOut].
func (m *model) sum(c sae.Codes) *gorgonia.Node {
	return m.b.G.SpMM(c.Values, m.decoder.Use(), c.Support)
}

func (m *model) addSkip(recon *gorgonia.Node) *gorgonia.Node {
	if m.skip == nil {
		return recon
	}
	return m.b.G.Add(recon, m.b.G.MatMulT(m.b.X(), m.skip.Use()))
}

// ruled picks by a rule that is asked before each run.
func ruled(pool *kernel.Pool, rule func() kernel.Rule) sparseop.Picker {
	selector := kernel.NewSelector(pool)
	return func(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
		return selector.Select(dst, x, w, bias, rows, d, f, rule())
	}
}
