package topk

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// model is the encoder and decoder that TopK and BatchTopK share.
type model struct {
	sae.Coder
	b      *sae.Builder
	skip   *sae.Param     // [DOut,D] or nil
	rank   *gorgonia.Node // [F] factors of z by which latents are ranked, a constant; nil for none
	ranks  []float32      // the value of rank in the last selection
	target *gorgonia.Node // [B,DOut] what the decoder predicts
}

// shape says which model.
type shape struct {
	transcode, skip, encoderBias bool
	noInputBias                  bool // x is encoded as it is
	encoderInit                  float64
	SAELens
}

// SAELens is settings that reproduce TopKTrainingSAE and BatchTopKTrainingSAE
// of SAELens 6.54.12.
type SAELens struct {
	Decoder string `yaml:"decoder" oneof:"unit|free" doc:"decoder rows are kept at norm 1, or free (SAELens)"`
	Rescale bool   `yaml:"rescale" needs:"decoder=free" doc:"latents are ranked by z times the norm of their decoder row (SAELens's rescale_acts_by_decoder_norm)"`
}

func newModel(b *sae.Builder, s shape) *model {
	m := &model{Coder: b.Coder(), b: b, target: b.X()}
	width := b.D
	if s.transcode {
		width = b.DOut
	}
	flags := sae.Flags{UnitRows: true, Tangent: true, FromRows: true}
	if s.Decoder == "free" {
		flags = sae.Flags{FromRows: true}
	}
	m.Decoder = b.Matrix("decoder.weight", b.F, width, sae.UnitNormal(1), flags)
	if s.Rescale {
		m.rank = b.G.RowNorms(m.Decoder.Node())
	}
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
	switch {
	case s.transcode:
		m.transcode(s.skip)
	case !s.noInputBias:
		m.Input = b.G.AddRow(b.X(), m.DecoderBias.Use(), -1)
	}
	return m
}

// code selects latents by a rule, ranked as the settings say, and gives their
// values.
func (m *model) code(capacity int, rule func() kernel.Rule) sae.Codes {
	if m.rank == nil {
		return m.Code(capacity, m.b.Picker(rule))
	}
	selector := m.b.Selector()
	return m.CodeWith(capacity, []*gorgonia.Node{m.rank}, func(dst *kernel.Support, x, w, bias []float32, more [][]float32, rows, d, f int) error {
		r := rule()
		r.Weight, m.ranks = more[0], more[0]
		return selector.Select(dst, x, w, bias, rows, d, f, r)
	})
}

// keys are what the latents that the last selection kept were ranked by, [nnz].
func (m *model) keys(s *sparseop.Support) []float32 {
	if m.rank == nil {
		return s.Score()
	}
	all := make([]float32, s.Count())
	for e, f := range s.Index() {
		all[e] = s.Score()[e] * m.ranks[f]
	}
	return all
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
