package eval

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// residualAngles measures how far what a reconstruction leaves still has a part
// along latents that are active: 0 where their values are those of least
// squares, and 0 for the last latent of a matching pursuit.
type residualAngles struct {
	s       Subject
	scaled  scaler
	lengths []float64
	of      []float64 // [N] of the batch, -1 for none
	largest ratioMean
}

// newResidualAngles returns nil where the decoder does not predict rows.
func newResidualAngles(s Subject) *residualAngles {
	w := s.Weight("decoder.weight")
	if s.Transcoder || len(w) != s.F*s.D {
		return nil
	}
	m := &residualAngles{s: s, scaled: scaler{scale: s.Scale}}
	for i := range s.F {
		m.lengths = append(m.lengths, norm(w[i*s.D:(i+1)*s.D]))
	}
	return m
}

func (m *residualAngles) Add(s *Sample) {
	x := m.scaled.rows(s)
	if len(m.of) < s.N {
		m.of = make([]float64, s.N)
	}
	scratch := make([][]float32, s.pool.Threads())
	s.pool.Run((s.N+rowChunk-1)/rowChunk, task(func(worker, item int) {
		if scratch[worker] == nil {
			scratch[worker] = make([]float32, s.D)
		}
		for i := item * rowChunk; i < min(s.N, (item+1)*rowChunk); i++ {
			index, values := s.Codes.Row(i)
			m.of[i] = m.measure(scratch[worker], x[i*s.D:(i+1)*s.D], index, values)
		}
	}))
	for _, v := range m.of[:s.N] {
		if v >= 0 {
			m.largest.add(v, 1)
		}
	}
}

// measure is the largest |cosine| of what is left of x with an active decoder
// row; -1 where nothing is left or nothing is active.
func (m *residualAngles) measure(left, x []float32, index []int32, values []float32) float64 {
	w, d := m.s.Weight("decoder.weight"), len(x)
	clear(left)
	copy(left, m.s.Weight("decoder.bias"))
	kernel.SumRows(left, values, w, index)
	for j, v := range x {
		left[j] = v - left[j]
	}
	whole, size, largest := norm(left), norm(x), -1.0
	if whole <= 1e-6*size { // rounding
		return -1
	}
	for e, f := range index {
		if values[e] != 0 && m.lengths[f] > 0 {
			c := math.Abs(kernel.DotF64(left, w[int(f)*d:(int(f)+1)*d])) / (whole * m.lengths[f])
			largest = max(largest, c)
		}
	}
	return largest
}

func (m *residualAngles) Report(r *Report) { m.largest.set(r, "residual_cosine_max_mean") }
