package eval

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// residualAngles measures how far what a reconstruction leaves still has a part
// along latents that are active: 0 where their values are those of least
// squares, and 0 for the last latent of a matching pursuit.
type residualAngles struct {
	w       []float32 // [F,D]
	lengths []float64 // [F]
	of      []float64 // [N] of the batch, -1 for none
	largest ratioMean
}

// add takes in what was measured of n rows.
func (m *residualAngles) add(n int) {
	for _, v := range m.of[:n] {
		if v >= 0 {
			m.largest.add(v, 1)
		}
	}
}

// measure is the largest |cosine| of left, what the reconstruction leaves of x,
// with an active decoder row; -1 where nothing is left or nothing is active.
func (m *residualAngles) measure(left, x []float32, index []int32, values []float32) float64 {
	w, d := m.w, len(x)
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
