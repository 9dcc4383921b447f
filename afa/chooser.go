package afa

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// A chooser decides rows, one at a time, and owns what that takes.
type chooser struct {
	p *picker
	b buckets

	x, scores []float32 // [rows,D] and [rows,F] of a tile
	keys      []float32 // scores times decoder norms, of one row
	guess     float64   // a part of the norm t that keys which decide are not below, mostly; changes no result
}

// few decides row i from its largest keys, if they reach far enough.
func (c *chooser) few(i int) {
	lo, hi := c.p.largest.RowPtr[i], c.p.largest.RowPtr[i+1]
	index, scores := c.p.largest.Index[lo:hi], c.p.largest.Score[lo:hi]
	least := float32(math.Inf(1))
	c.keys = c.keys[:0]
	for e, f := range index {
		key := scores[e] * c.p.norms[f]
		c.keys, least = append(c.keys, key), min(least, key)
	}
	t, target := c.norm(i)
	if len(index) < c.p.ask {
		least = 0 // there are no more
	}
	c.b.fill(c.keys, t, least)
	if k := c.b.nearest(c.keys, c.p.f, t, target); k >= 0 {
		c.keep(&c.p.rows[i], k, index, scores)
	}
}

// norm is the norm t of row i and its square.
func (c *chooser) norm(i int) (t, target float64) {
	target = kernel.SumSquares(c.p.x[i*c.p.d : (i+1)*c.p.d])
	return math.Sqrt(target), target
}

// blockCols is how many latents are scored for all rows of a tile before the
// next ones, so that their weights stay in cache.
const blockCols = 64

// tile decides rows by the scores of every latent.
func (c *chooser) tile(rows []int32) {
	p, d, f := c.p, c.p.d, c.p.f
	c.x, c.scores = reuse.Slice(c.x, len(rows)*d), reuse.Slice(c.scores, len(rows)*f)
	for i, r := range rows {
		copy(c.x[i*d:(i+1)*d], p.x[int(r)*d:])
	}
	for lo := 0; lo < f; lo += blockCols {
		n := min(blockCols, f-lo)
		kernel.DotBlock(c.scores[lo:], f, c.x, p.w[lo*d:], len(rows), n, d)
	}
	for i, r := range rows {
		c.every(int(r), c.scores[i*f:(i+1)*f])
	}
}

// every decides row i by its scores [F].
func (c *chooser) every(i int, scores []float32) {
	c.keys = reuse.Slice(c.keys, len(scores))
	for f, norm := range c.p.norms[:len(scores)] {
		c.keys[f] = scores[f] * norm
	}
	t, target := c.norm(i)
	c.b.fill(c.keys, t, float32(c.guess*t))
	k := c.b.nearest(c.keys, len(scores), t, target)
	if k < 0 {
		c.b.fill(c.keys, t, 0)
		k = c.b.nearest(c.keys, len(scores), t, target)
	}
	least := c.keep(&c.p.rows[i], k, nil, scores)
	c.guess = 0
	if k > 0 && t > 0 {
		c.guess = min(0.7*float64(least)/t, 1)
	}
}

// keep copies the k latents with the largest keys, of equal ones those with
// lower numbers, and returns the smallest. index says which latent a key is of;
// nil for its place.
func (c *chooser) keep(dst *picks, k int, index []int32, scores []float32) (least float32) {
	cut := c.b.first(c.keys, k)
	dst.index, dst.score, dst.decided = dst.index[:0], dst.score[:0], true
	for i, key := range c.keys {
		if !(key >= cut.least) || key == cut.least && cut.ties == 0 {
			continue
		}
		if key == cut.least {
			cut.ties--
		}
		f := int32(i)
		if index != nil {
			f = index[i]
		}
		dst.index, dst.score = append(dst.index, f), append(dst.score, scores[i])
	}
	return cut.least
}
