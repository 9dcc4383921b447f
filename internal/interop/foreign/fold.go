package foreign

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// Clone is a copy that shares no tensor with s.
func (s *SAE) Clone() *SAE {
	c := *s
	for _, t := range c.named() {
		*t.data = slices.Clone(*t.data)
	}
	c.Warnings = append([]string{}, s.Warnings...)
	return &c
}

// FoldNorms brings the decoder's rows to norm 1 and multiplies encoder rows,
// biases and thresholds by what they were, in place: latents grow by their
// decoder's norm and reconstructions stay, up to rounding. Where DecoderNorms was
// set the latents stay too, and it is cleared.
func (s *SAE) FoldNorms() {
	norms := s.Norms()
	s.Decoder = divideRows(s.Decoder, norms)
	scaleRows(s.Encoder, norms)
	scaleRows(s.EncoderBias, norms)
	scaleRows(s.GateBias, norms)
	scaleRows(s.MagnitudeBias, norms)
	if s.Rule == JumpReLU && !s.DecoderNorms {
		s.spreadThreshold()
		scaleRows(s.Threshold, norms)
	}
	s.DecoderNorms = false
}

// scaleRows multiplies row f of w [F,...] by by[f]; a nil w stays nil.
func scaleRows(w, by []float32) {
	d := len(w) / len(by)
	for i := range w {
		w[i] *= by[i/d]
	}
}

func (s *SAE) spreadThreshold() {
	if len(s.Threshold) == 1 {
		s.Threshold = Filled(s.F, s.Threshold[0])
	}
}

// FoldScale folds the factor on rows into the weights, in place: latents stay,
// and reconstructions too, up to rounding.
func (s *SAE) FoldScale() error {
	if s.Scale == 1 {
		return nil
	}
	if s.Normalize != NormNone || s.Rule == Pursuit {
		return fmt.Errorf("the scale %g on rows cannot be folded into the weights of %s with normalisation %s", s.Scale, s.Rule, s.Normalize)
	}
	if s.DecoderNorms {
		s.FoldNorms()
	}
	c := float32(s.Scale)
	kernel.Scale(s.Encoder, c)
	for _, t := range [][]float32{s.Decoder, s.DecoderBias} {
		for i := range t {
			t[i] /= c
		}
	}
	s.Scale = 1
	return nil
}

// FoldInputBias makes the decoder bias be taken off rows, or not, by moving it
// into the encoder's bias, in place: latents stay up to rounding.
func (s *SAE) FoldInputBias(want bool) error {
	if s.InputBias == want {
		return nil
	}
	if s.Rule == Gated || s.Rule == Pursuit || s.Transcoder {
		return fmt.Errorf("whether the decoder bias is taken off rows cannot be changed for %s", s.Rule)
	}
	if s.EncoderBias == nil {
		s.EncoderBias = make([]float32, s.F)
	}
	for f := range s.F {
		move := kernel.DotF64(s.Encoder[f*s.D:(f+1)*s.D], s.DecoderBias)
		if !want {
			move = -move
		}
		s.EncoderBias[f] = float32(float64(s.EncoderBias[f]) + move)
	}
	s.InputBias = want
	return nil
}

// With is a copy of s, sharing its tensors, that chooses latents by another rule
// that its file has the numbers for: topk, threshold or batch.
func (s *SAE) With(rule string) (*SAE, error) {
	c := *s
	switch rule {
	case "":
		return &c, nil
	case "topk":
		c.Rule = TopK
	case "batch":
		c.Rule = BatchTopK
	case "threshold":
		c.Rule = JumpReLU
		if c.Threshold == nil && c.Cut != nil {
			c.Threshold = []float32{float32(*c.Cut)}
		}
	default:
		return nil, fmt.Errorf("rule %q is not known; topk, threshold and batch are", rule)
	}
	if c.Rule != JumpReLU && c.K == 0 || s.Rule == Gated || s.Rule == Pursuit {
		return nil, fmt.Errorf("rule %s: this autoencoder (%s) has no k", rule, s.Architecture)
	}
	if c.Rule == TopK && c.K != math.Trunc(c.K) {
		return nil, fmt.Errorf("rule topk: k is %g", c.K)
	}
	return &c, c.Check()
}

// FirstGroups is a copy of a Matryoshka autoencoder, sharing its tensors, that
// has the latents of its first n groups alone.
func (s *SAE) FirstGroups(n int) (*SAE, error) {
	if n < 1 || n > len(s.Groups) {
		return nil, errors.New("it has no such groups of latents")
	}
	c := *s
	c.Groups, c.F = s.Groups[:n], 0
	for _, g := range c.Groups {
		c.F += g
	}
	c.Encoder, c.Decoder = s.Encoder[:c.F*c.D], s.Decoder[:c.F*c.DOut]
	if s.EncoderBias != nil {
		c.EncoderBias = s.EncoderBias[:c.F]
	}
	if len(s.Threshold) == s.F {
		c.Threshold = s.Threshold[:c.F]
	}
	return &c, c.Check()
}
