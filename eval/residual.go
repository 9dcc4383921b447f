package eval

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
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
// with an active decoder row; -1 where nothing is left or nothing is active. Dots
// in float32 say which rows may be it; rough is room for them.
func (m *residualAngles) measure(left, x []float32, index []int32, values []float32, rough *[]float32) float64 {
	w, d := m.w, len(x)
	whole, size, least, largest := norm(left), norm(x), math.Inf(-1), -1.0
	if whole <= 1e-6*size { // rounding
		return -1
	}
	*rough = reuse.Slice(*rough, len(index))
	kernel.Dots(*rough, left, w, index, nil)
	for e, f := range index {
		least = max(least, m.cosine(float64((*rough)[e]), whole, values[e], f))
	}
	least -= 2 * float64(d) * 0x1p-23 // what rounding adds to the cosine of either, twice over
	for e, f := range index {
		if !(m.cosine(float64((*rough)[e]), whole, values[e], f) < least) {
			largest = max(largest, m.cosine(kernel.DotF64(left, w[int(f)*d:(int(f)+1)*d]), whole, values[e], f))
		}
	}
	return largest
}

// cosine is the absolute value of one, -1 for a latent that is not active.
func (m *residualAngles) cosine(dot, whole float64, value float32, f int32) float64 {
	if value == 0 || m.lengths[f] == 0 {
		return -1
	}
	return math.Abs(dot) / (whole * m.lengths[f])
}

func (m *residualAngles) Report(r *Report) { m.largest.set(r, "residual_cosine_max_mean") }
