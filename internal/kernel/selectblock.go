package kernel

import (
	"math"

	"github.com/saectl/saectl/internal/reuse"
)

// blockCols is how many latents are scored at a time: their weights stay in
// the second-level cache for all rows of an item.
const blockCols = 64

// A scratch is what one worker scores rows with.
type scratch struct {
	sel    *Selector
	item   []int     // numbers of the rows dealt to the worker
	number []int     // [rows] of those under way
	x      []float32 // [rows,D] of the item
	up     []float32 // [rows,D] the boost's x
	w      []float32 // [blockCols,D] weights of a subset's latents, gathered

	score0 []float32 // [rows,blockCols] scores
	boost0 []float32 // [rows,blockCols] second products
	key0   []float32 // [rows,blockCols] keys, where they are not the scores
	bias   []float32 // [blockCols]
	weight []float32 // [blockCols] factors of the keys
	zeros  []float32 // [blockCols]
	above  []float32 // [rows] what a key must exceed
	rank   ranking
}

// score goes through all latents for the rows of the given numbers.
func (c *scratch) score(s *Selector, number []int) {
	c.begin(s, number)
	for first := 0; first < s.n; first += blockCols {
		n := min(blockCols, s.n-first)
		c.products(first, n)
		for i, row := range number {
			c.keep(&s.perRow[row], i, first)
		}
	}
	if k := s.pass.largest; k > 0 {
		for _, i := range number {
			if row := &s.perRow[i]; row.len() > k {
				c.thin(row, k)
			}
		}
	}
	c.sel = nil
}

// reserve makes room for items of up to rows rows, whoever will work on them.
func (c *scratch) reserve(s *Selector, rows int) {
	if s.rule.Boost != nil {
		c.up, c.boost0 = reuse.Slice(c.up, rows*s.d), reuse.Slice(c.boost0, rows*blockCols)
	}
	if s.rule.Subset != nil {
		c.w = reuse.Slice(c.w, blockCols*s.d)
	}
	c.x, c.score0, c.key0 = reuse.Slice(c.x, rows*s.d), reuse.Slice(c.score0, rows*blockCols), reuse.Slice(c.key0, rows*blockCols)
	c.item = reuse.Slice(c.item, rows)[:0]
	c.bias, c.above = reuse.Slice(c.bias, blockCols), reuse.Slice(c.above, rows)
	c.weight, c.zeros = reuse.Slice(c.weight, blockCols), reuse.Slice(c.zeros, blockCols)
	c.rank.set = s.set
}

func (c *scratch) begin(s *Selector, number []int) {
	c.sel, c.number = s, number
	c.copyRows(c.x, s.x)
	if s.rule.Boost != nil {
		c.copyRows(c.up, s.rule.Boost.X)
	}
	for i := range c.weight {
		c.weight[i] = 1
	}
	for i, row := range number {
		c.above[i] = s.pass.floor
		s.perRow[row].reset()
	}
}

// copyRows puts the item's rows of x side by side.
func (c *scratch) copyRows(dst, x []float32) {
	d := c.sel.d
	for i, row := range c.number {
		copy(dst[i*d:(i+1)*d], x[row*d:])
	}
}

// products scores n latents from the first for all rows of the item; what is
// missing to a whole block is NaN, which nothing keeps.
func (c *scratch) products(first, n int) {
	s, rows := c.sel, len(c.number)
	s.set.dotBlock(c.score0, blockCols, c.x, c.weights(s.w, first, n), rows, n, s.d)
	if s.rule.Boost != nil {
		s.set.dotBlock(c.boost0, blockCols, c.up, c.weights(s.rule.Boost.W, first, n), rows, n, s.d)
	}
	if s.bias != nil {
		c.ofLatents(c.bias, s.bias, first, n)
	}
	if s.rule.Weight != nil {
		c.ofLatents(c.weight, s.rule.Weight, first, n)
	}
	for i := range rows {
		row := c.score0[i*blockCols : (i+1)*blockCols]
		for j := n; j < blockCols; j++ {
			row[j] = float32(math.NaN())
		}
		if s.bias != nil {
			s.set.add(row, c.bias)
		}
	}
}

// weights is rows [first,first+n) of w [F,D] and those after them, or of its
// rows in the subset.
func (c *scratch) weights(w []float32, first, n int) []float32 {
	s := c.sel
	if s.rule.Subset == nil {
		return w[first*s.d : s.f*s.d]
	}
	for i, f := range s.rule.Subset[first : first+n] {
		copy(c.w[i*s.d:(i+1)*s.d], w[int(f)*s.d:])
	}
	return c.w[:n*s.d]
}

// ofLatents copies the block's part of x [F]; what lies beyond n does not
// matter.
func (c *scratch) ofLatents(dst, x []float32, first, n int) {
	s := c.sel
	if s.rule.Subset == nil {
		copy(dst, x[first:first+n])
		return
	}
	for i, f := range s.rule.Subset[first : first+n] {
		dst[i] = x[f]
	}
}

// keep adds row i's keys of the block to its picks and thins these when they
// are many.
func (c *scratch) keep(row *picks, i, first int) {
	s := c.sel
	scores := c.score0[i*blockCols : (i+1)*blockCols]
	keys := scores
	if !s.rule.plain() {
		keys = c.keys(scores, i)
	}
	before := row.len()
	row.collect(s.set, keys, scores, c.above[i], first)
	switch {
	case s.pass.groups > 0:
		row.mergeGroups(before, s.pass.groups, s.rule.K)
	case s.pass.largest > 0 && row.len() >= spare(s.pass.largest):
		c.above[i] = c.thin(row, s.pass.largest)
	}
}

// spare is how many picks of a row that keeps k are gathered before they are
// thinned: fewer find a good bound sooner, more cost less thinning.
func spare(k int) int { return 2*k + 32 }

// thin keeps a row's k largest and returns the bound that later keys, which
// lose ties, must exceed.
func (c *scratch) thin(row *picks, k int) float32 {
	return row.keepLargest(k, &c.rank)
}

// keys ranks row i's scores of the block.
func (c *scratch) keys(scores []float32, i int) []float32 {
	s := c.sel
	keys := c.key0[i*blockCols : (i+1)*blockCols]
	boost, beta := c.zeros, float32(0)
	if up := s.rule.Boost; up != nil {
		boost, beta = c.boost0[i*blockCols:(i+1)*blockCols], up.Beta
	}
	s.set.rank(keys, scores, c.weight, boost, beta, s.rule.bits())
	return keys
}

// mergeGroups makes picks from place on join the largest of their groups of
// size neighbours; latents beyond the last group are dropped.
func (p *picks) mergeGroups(from, size, groups int) {
	n := from
	for i := from; i < p.len(); i++ {
		g := int(p.index[i]) / size
		switch {
		case g >= groups:
			continue
		case n > 0 && int(p.index[n-1])/size == g:
			if p.key[i] > p.key[n-1] {
				p.key[n-1], p.score[n-1], p.index[n-1] = p.key[i], p.score[i], p.index[i]
			}
			continue
		}
		p.key[n], p.score[n], p.index[n] = p.key[i], p.score[i], p.index[i]
		n++
	}
	p.cut(n)
}
