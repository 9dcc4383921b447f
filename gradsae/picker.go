package gradsae

import (
	"github.com/saectl/saectl/internal/kernel"
)

// fill is what a row that has fewer than K positive scores gets.
type fill int

const (
	fillNone   fill = iota // no more
	fillLowest             // the lowest latents, as if all the others tied at 0
	fillBest               // the latents with the best of the other scores
)

// picker keeps the K latents of a row with the largest scores; ties go to the
// lower latent. Products of rows and weights, and of gradients and decoder
// rows, are computed tile by tile by kernel.Selector.
type picker struct {
	k        int
	fill     fill
	beta     func() float64 // nil for a picker that is never boosted
	selector *kernel.Selector
	completion
}

func newPicker(pool *kernel.Pool, s *kernel.Selector, k int, f fill) *picker {
	return &picker{k: k, fill: f, selector: s, completion: completion{pool: pool}}
}

// plain is a sparseop.Picker by z.
func (p *picker) plain(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
	return p.pick(dst, inputs{x: x, w: w, bias: bias, rows: rows, d: d, f: f})
}

// boosted is a sparseop.WidePicker by the score. more is the gradient [B,D] and
// the decoder [F,D].
func (p *picker) boosted(dst *kernel.Support, x, w, bias []float32, more [][]float32, rows, d, f int) error {
	in := inputs{x: x, w: w, bias: bias, rows: rows, d: d, f: f}
	if beta := p.beta(); beta > 0 {
		in.boost = &kernel.Boost{X: more[0], W: more[1], Beta: float32(beta)}
	}
	return p.pick(dst, in)
}

// inputs are what latents are chosen by; boost is nil for z alone.
type inputs struct {
	x, w, bias []float32 // [rows,D], [F,D], [F] or nil
	boost      *kernel.Boost
	rows, d, f int
}

func (p *picker) pick(dst *kernel.Support, in inputs) error {
	rule := kernel.Rule{Kind: kernel.TopK, K: p.k, Boost: in.boost}
	if err := p.selector.Select(dst, in.x, in.w, in.bias, in.rows, in.d, in.f, rule); err != nil {
		return err
	}
	if p.fill != fillNone {
		p.complete(dst, in, min(p.k, in.f), p.fill)
	}
	return nil
}
