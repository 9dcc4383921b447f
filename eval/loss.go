package eval

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// lossChange estimates what putting x̂ in the place of x does to the loss of
// the model that x comes from, to first order in the gradient g of that loss.
type lossChange struct {
	rows                int64
	signed, absolute    float64 // Σ<g,x̂-x>, Σ|<g,x̂-x>|
	squared, ablation   float64 // Σ<g,e>², Σ<g,x>²
	gradient, errorNorm float64 // Σ‖g‖², Σ‖e‖² over rows with a gradient
	of                  [][2]float64
	zero                int64 // rows whose gradient is 0
}

func (m *lossChange) Add(s *Sample) {
	if s.Gradient == nil || s.Width != s.D {
		return
	}
	if len(m.of) < s.N {
		m.of = make([][2]float64, s.N)
	}
	s.pool.Run((s.N+rowChunk-1)/rowChunk, kernel.TaskFunc(func(_, item int) {
		for i := item * rowChunk; i < min(s.N, (item+1)*rowChunk); i++ {
			m.of[i] = alongGradient(s.Gradient[i*s.D:(i+1)*s.D], s.X[i*s.D:(i+1)*s.D], s.Recon[i*s.D:(i+1)*s.D])
		}
	}))
	for i := range s.N {
		change, whole := m.of[i][0], m.of[i][1]
		m.signed += change
		m.absolute += abs(change)
		m.squared += change * change
		m.ablation += whole * whole
		g := kernel.SumSquares(s.Gradient[i*s.D : (i+1)*s.D])
		m.gradient += g
		m.errorNorm += s.Sums[i].Error
		if g == 0 {
			m.zero++
		}
	}
	m.rows += int64(s.N)
}

// alongGradient is <g,x̂-x> and <g,x>.
func alongGradient(g, x, y []float32) [2]float64 {
	var change, whole float64
	for j, v := range g {
		a := float64(v)
		change += a * (float64(y[j]) - float64(x[j]))
		whole += a * float64(x[j])
	}
	return [2]float64{change, whole}
}

func (m *lossChange) Report(r *Report) {
	if m.rows == 0 {
		return
	}
	r.Set("loss_change_first_order", m.signed/float64(m.rows), m.rows)
	r.Set("loss_change_first_order_abs", m.absolute/float64(m.rows), m.rows)
	if m.ablation > 0 {
		r.Set("loss_fvu_first_order", m.squared/m.ablation, m.rows)
	}
	if m.gradient > 0 && m.errorNorm > 0 {
		r.Set("loss_error_alignment", math.Sqrt(m.squared/(m.gradient/float64(m.rows)*m.errorNorm)), m.rows)
	}
	if m.zero > 0 {
		r.Warn("rows whose gradient is zero: %d; they count as rows without a change of the loss", m.zero)
	}
}

func lossDefinitions() []Definition {
	const g = "g the dump's gradient column"
	return inFamily("loss", []Definition{
		{Name: "loss_change_first_order", Formula: "mean of <g, x̂ - x>, " + g + ": first-order estimate of what replacing a row by its reconstruction adds to the loss", Unit: "loss of the dump", Source: "Taylor expansion; g-SAE, attribution of the error"},
		{Name: "loss_change_first_order_abs", Formula: "mean of |<g, x̂ - x>|", Unit: "loss of the dump", Source: "the same without cancellation over rows"},
		{Name: "loss_fvu_first_order", Formula: "Σ<g,e>² / Σ<g,x>²: share of the loss effect of zero ablation that the error has, to first order", Source: "fvu along the gradient"},
		{Name: "loss_error_alignment", Formula: "√(mean <g,e>² / (mean ‖g‖² · mean ‖e‖²)); 1/√D when errors ignore the gradient", Source: "whether the error lies where the loss is sensitive"},
	})
}
