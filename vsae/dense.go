package vsae

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

// dense adds the mean over rows of the penalty of all latents, before the
// choice.
func (m *model) dense(p penalty, learned bool) *gorgonia.Node {
	in := []*gorgonia.Node{m.Input, m.Encoder.Use(), m.EncoderBias.Use()}
	wrt := []bool{m.v.Bias == "tied", true, true}
	if learned {
		in, wrt = append(in, m.logVar.Use(), m.logVarBias.Use()), append(wrt, true, true)
	}
	t := &tiles{penalty: p, relu: m.v.ReluMu, wantX: wrt[0], pool: m.b.G.Pool, gemm: kernel.NewGEMM(m.b.G.Pool)}
	plain := &plainDense{penalty: p, relu: m.v.ReluMu}
	scaled := func(i int) sparseop.Func { return sparseop.Func{F32: t.scaled(i), F64: plain.scaled(i)} }
	return m.b.G.CustomScalar("densePenalty", sparseop.Func{F32: t.run, F64: plain.run}, wrt, scaled, in...)
}

// plainDense is tiles for a float64 graph, which only checks gradients.
type plainDense struct {
	penalty
	relu  bool
	b     int
	grads [][]float64 // of each input
}

func (p *plainDense) run(dst []float64, in [][]float64) {
	f := len(in[2])
	d := len(in[1]) / f
	p.b, p.grads = len(in[0])/d, nil
	for _, x := range in {
		p.grads = append(p.grads, make([]float64, len(x)))
	}
	sum := p.fixed * float64(p.b) * float64(f)
	for i := range p.b {
		for l := range f {
			sum += p.entry(in, 1, i, l, d, func(s float64) (value, slope float64) { return p.rectified(s, p.relu) })
			if len(in) > 3 {
				sum += p.entry(in, 3, i, l, d, p.ofLogVar)
			}
		}
	}
	dst[0] = sum / float64(p.b)
}

// entry adds the gradient of row i and latent l through the head whose weights
// are input k, and returns its value.
func (p *plainDense) entry(in [][]float64, k, i, l, d int, of func(float64) (value, slope float64)) float64 {
	x, w, score := in[0][i*d:(i+1)*d], in[k][l*d:(l+1)*d], in[k+1][l]
	for j, v := range x {
		score += v * w[j]
	}
	value, slope := of(score)
	p.grads[k+1][l] += slope
	for j, v := range x {
		p.grads[k][l*d+j] += slope * v
		p.grads[0][i*d+j] += slope * w[j]
	}
	return value
}

func (p *plainDense) scaled(i int) func(dst []float64, in [][]float64) {
	return func(dst []float64, in [][]float64) {
		for j, v := range p.grads[i] {
			dst[j] = v * in[1][0] / float64(p.b)
		}
	}
}
