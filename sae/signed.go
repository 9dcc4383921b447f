package sae

import (
	"cmp"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// signedTop picks the K largest latents of a subset in each row, also those
// that are not positive, which no rule of the kernel keeps. It looks at every
// latent of the subset: dead ones, which should be few.
type signedTop struct {
	pool *kernel.Pool

	x, w, bias []float32 // of the call under way
	d          int
	rule       kernel.Rule
	index      []int32   // [rows,K]
	score      []float32 // [rows,K]
	scratch    []signedScratch
}

type signedScratch struct {
	score []float32 // [subset]
	order []int32   // [subset] places, the largest key first
}

// pick fills dst. bias may be nil, and so may the weight of the rule.
func (s *signedTop) pick(dst *kernel.Support, x, w, bias []float32, rows, d int, r kernel.Rule) {
	s.x, s.w, s.bias, s.d, s.rule = x, w, bias, d, r
	s.index, s.score = make([]int32, rows*r.K), make([]float32, rows*r.K)
	s.scratch = make([]signedScratch, s.pool.Threads())
	s.pool.Run(rows, s)
	dst.RowPtr, dst.Index, dst.Score = append(dst.RowPtr[:0], 0), append(dst.Index[:0], s.index...), append(dst.Score[:0], s.score...)
	for row := range rows {
		dst.RowPtr = append(dst.RowPtr, int32((row+1)*r.K))
	}
	s.x, s.w, s.bias = nil, nil, nil
}

// Do picks those of one row.
func (s *signedTop) Do(worker, row int) {
	c, latents, k := &s.scratch[worker], s.rule.Subset, s.rule.K
	if c.score == nil {
		c.score, c.order = make([]float32, len(latents)), make([]int32, len(latents))
	}
	kernel.Dots(c.score, s.x[row*s.d:(row+1)*s.d], s.w, latents, nil)
	for i, f := range latents {
		if s.bias != nil {
			c.score[i] += s.bias[f]
		}
		c.order[i] = int32(i)
	}
	slices.SortStableFunc(c.order, func(a, b int32) int { return cmp.Compare(s.key(c, b), s.key(c, a)) })
	kept := c.order[:k]
	slices.Sort(kept)
	for i, at := range kept {
		s.index[row*k+i], s.score[row*k+i] = latents[at], c.score[at]
	}
}

// key ranks the latent at a place of the subset.
func (s *signedTop) key(c *signedScratch, at int32) float32 {
	if s.rule.Weight == nil {
		return c.score[at]
	}
	return c.score[at] * s.rule.Weight[s.rule.Subset[at]]
}
