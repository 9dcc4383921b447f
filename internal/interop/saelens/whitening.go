package saelens

import (
	"math"

	"github.com/saectl/saectl/internal/interop/foreign"
)

// foldWhitening folds u = (x - mean)·M into the weights of a checkpoint, as the
// library does when training ends: W_enc <- M·W_enc, b_enc less mean·W_enc
// where the decoder bias is not taken off rows, W_dec <- W_dec·M⁻¹, b_dec <-
// b_dec·M⁻¹ + mean. Sums are in float64.
func foldWhitening(s *foreign.SAE, path string) error {
	t, f, err := foreign.OpenSafetensors(path)
	if err != nil {
		return err
	}
	defer f.Close()
	d := s.D
	mean, m, inverse := t.Take("mean", d), t.Take("matrix", d, d), t.Take("inverse_matrix", d, d)
	if err := t.Done("whitening"); err != nil {
		return err
	}
	if s.DecoderNorms {
		s.FoldNorms() // those of the decoder in whitened units
	}
	if s.Encoder != nil {
		encoder := make([]float32, len(s.Encoder))
		for i := range s.F {
			shift := timesVector(encoder[i*d:(i+1)*d], m, s.Encoder[i*d:(i+1)*d], mean)
			if !s.InputBias {
				shiftBias(s, i, shift)
			}
		}
		s.Encoder = encoder
	}
	for i := range s.F {
		row := s.Decoder[i*d : (i+1)*d]
		copy(row, vectorTimes(row, inverse, nil))
	}
	s.DecoderBias = vectorTimes(s.DecoderBias, inverse, mean)
	s.Warn("the whitening of training is folded into the weights")
	return nil
}

// shiftBias takes shift off the products of latent i.
func shiftBias(s *foreign.SAE, i int, shift float64) {
	if s.Rule != foreign.Gated {
		s.EncoderBias[i] = float32(float64(s.EncoderBias[i]) - shift)
		return
	}
	s.GateBias[i] = float32(float64(s.GateBias[i]) - shift)
	s.MagnitudeBias[i] = float32(float64(s.MagnitudeBias[i]) - shift*math.Exp(float64(s.MagnitudeLog[i])))
}

// timesVector sets dst to m [d,d] · w and returns <mean, dst>.
func timesVector(dst, m, w, mean []float32) (shift float64) {
	d := len(w)
	for i := range d {
		sum := 0.0
		for j, v := range w {
			sum += float64(m[i*d+j]) * float64(v)
		}
		dst[i] = float32(sum)
		shift += float64(mean[i]) * sum
	}
	return shift
}

// vectorTimes is row · m [d,d], plus add where it is not nil.
func vectorTimes(row, m, add []float32) []float32 {
	d := len(row)
	sums := make([]float64, d)
	for i, v := range row {
		for j := range sums {
			sums[j] += float64(v) * float64(m[i*d+j])
		}
	}
	out := make([]float32, d)
	for j, v := range sums {
		if add != nil {
			v += float64(add[j])
		}
		out[j] = float32(v)
	}
	return out
}
