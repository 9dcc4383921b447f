package mpsae

import (
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// words scores what is left of rows in words of 16 bits, where the processor
// does so faster.
type words struct {
	on        bool
	estimator *kernel.Estimator
	bias      []float32 // [F] zeros, where the encoder has none
}

// prepare turns words on where the dictionary has estimates in them.
func (s *words) prepare(p *pursuit) {
	bias := p.bias
	if bias == nil {
		s.bias = reuse.Slice(s.bias, p.f)
		bias = s.bias
	}
	s.on = kernel.CanEstimate(p.f, p.d) && s.estimator.Weights(p.enc, bias, nil, p.f, p.d)
}

// wordRows is how many rows are scored together: enough to share what is read
// of the dictionary, and few, so that threads end together.
const wordRows = 48

// A wordBlock is the rows that a worker scores together.
type wordBlock struct {
	rows  kernel.EstimateRows
	going []*row
	left  []float32 // [rows,D] what is left of them
	tile  []float32 // [rows and padding,stride] their scores
}

// runWords pursues the rows under way, a block at a time.
func (p *pursuit) runWords(n int) {
	p.under = n
	p.pool.Run((n+wordRows-1)/wordRows, (*wordTask)(p))
}

type wordTask pursuit

// Do scores the rows of a block once and follows each, or scores them in each
// step.
func (t *wordTask) Do(worker, block int) {
	p := (*pursuit)(t)
	w := p.workers[worker]
	w.block.going = w.block.going[:0]
	for i := block * wordRows; i < min((block+1)*wordRows, p.under); i++ {
		w.block.going = append(w.block.going, &p.rows[i])
	}
	for len(w.block.going) > 0 {
		stride := w.estimate()
		going := w.block.going[:0]
		for i, r := range w.block.going {
			scores := w.block.tile[i*stride : i*stride+p.f]
			w.look(r, scores)
			if p.usedGram {
				w.follow(r, scores)
			} else if w.step(r, scores); !r.done {
				going = append(going, r)
			}
		}
		w.block.going = going
	}
}

// estimate scores what is left of the block's rows, to its tile.
func (w *worker) estimate() (stride int) {
	p, b := w.p, &w.block
	groups := (p.f + kernel.EstimateLatents - 1) / kernel.EstimateLatents
	stride = groups * kernel.EstimateLatents
	n := len(b.going)
	b.tile, b.left = reuse.Slice(b.tile, (wordRows+kernel.EstimatePadding)*stride), reuse.Slice(b.left, n*p.d)
	for i, r := range b.going {
		copy(b.left[i*p.d:], r.left)
	}
	if !p.words.estimator.Rows(&b.rows, b.left, n) {
		w.scoreAll(stride)
		return stride
	}
	for group := range groups {
		p.words.estimator.Estimate(b.tile[group*kernel.EstimateLatents:], stride, &b.rows, group)
	}
	for i, r := range b.going {
		off := 0.0
		for group := range groups {
			off = max(off, float64(p.words.estimator.Error(&b.rows, group, i)))
		}
		r.drift = off / p.longest.encoder
	}
	return stride
}

// scoreAll is estimate for rows of which some have no estimates.
func (w *worker) scoreAll(stride int) {
	p, b := w.p, &w.block
	kernel.DotBlock(b.tile, stride, b.left, p.enc, len(b.going), p.f, p.d)
	for i, r := range b.going {
		if p.bias != nil {
			kernel.Add(b.tile[i*stride:i*stride+p.f], p.bias)
		}
		r.drift = rounding(p.d) * r.norm
	}
}
