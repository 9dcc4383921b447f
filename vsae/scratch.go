package vsae

import (
	"math"
	"math/bits"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// scratch is what one worker scores rows with.
type scratch struct {
	p         *sampler
	fast      bool // a kernel bounds samples
	noise     kernel.Noise
	guessed   bool // scores of the item are estimates
	rows      kernel.EstimateRows
	lo        int          // first row of the item
	w         []float32    // [blockCols,D] weights of a subset, gathered
	tile      [2][]float32 // [rows,blockCols] of each head
	low, high []float32    // [blockCols] bounds of |z|
}

func newScratch(p *sampler) *scratch {
	return &scratch{p: p, low: make([]float32, blockCols), high: make([]float32, blockCols)}
}

func (c *scratch) begin() {
	p := c.p
	c.fast = kernel.HasNoise() && p.noise.given == nil
	floor := float32(math.Inf(-1))
	if p.relu {
		floor = 0
	}
	if c.fast {
		c.noise.Set(p.noise.seed, p.noise.stream, floor, p.sigma, float32(p.logVar.lo), float32(p.logVar.hi))
	}
}

func (c *scratch) choose(lo, hi int) {
	p := c.p
	c.lo = lo
	c.guessed = p.guesses && p.heads[0].estimate.Rows(&c.rows, p.x[lo*p.d:hi*p.d], hi-lo)
	for i := lo; i < hi; i++ {
		p.rows[i].begin(min(p.k, p.n), c.guessed)
	}
	for first := 0; first < p.n && p.k > 0; first += blockCols {
		n := min(blockCols, p.n-first)
		for h := range p.heads {
			c.products(h, first, n, hi-lo)
		}
		for i := lo; i < hi; i++ {
			c.look(i, first, n)
		}
	}
	for i := lo; i < hi; i++ {
		p.settle(i)
	}
}

// products scores n latents from place first on for the rows of the item.
// Places beyond n are NaN.
func (c *scratch) products(head, first, n, rows int) {
	c.tile[head] = reuse.Slice(c.tile[head], (rows+kernel.EstimatePadding)*blockCols)
	tile := c.tile[head]
	if c.guessed {
		c.p.heads[head].estimate.Estimate(tile, blockCols, &c.rows, first/blockCols)
	} else {
		c.exact(head, first, n, rows)
	}
	for i := 0; i < rows && n < blockCols; i++ {
		for j := n; j < blockCols; j++ {
			tile[i*blockCols+j] = float32(math.NaN())
		}
	}
}

// exact fills the tile with scores.
func (c *scratch) exact(head, first, n, rows int) {
	p, tile := c.p, c.tile[head]
	h, d := p.heads[head], p.d
	w := h.w[first*d:]
	if len(p.latents) > 0 {
		c.w = reuse.Slice(c.w, blockCols*d)
		for j, f := range p.latents[first : first+n] {
			copy(c.w[j*d:(j+1)*d], h.w[int(f)*d:])
		}
		w = c.w
	}
	kernel.DotBlock(tile, blockCols, p.x[c.lo*d:(c.lo+rows)*d], w, rows, n, d)
	for i := range rows {
		row := tile[i*blockCols : i*blockCols+n]
		if len(p.latents) == 0 {
			kernel.Add(row, h.bias[first:])
			continue
		}
		for j, f := range p.latents[first : first+n] {
			row[j] += h.bias[f]
		}
	}
}

// look adds the latents of a block that row i may keep.
func (c *scratch) look(i, first, n int) {
	p := c.p
	at := (i - c.lo) * blockCols
	score, logVar := c.tile[0][at:at+blockCols], []float32(nil)
	if p.learns {
		logVar = c.tile[1][at : at+blockCols]
	}
	row := &p.rows[i]
	for found := c.bound(i, first, n, score, logVar, row.above); found != 0; found &= found - 1 {
		j := bits.TrailingZeros64(found)
		l := float32(0)
		if p.learns {
			l = logVar[j]
		}
		if row.add(c.low[j], c.high[j], score[j], l, p.latent(first+j)) {
			p.thin(i)
		}
	}
}

// bound bounds |z| of a block and returns the bits of the latents that may be
// above.
func (c *scratch) bound(i, first, n int, score, logVar []float32, above float32) uint64 {
	if c.guessed {
		var off [2]float32
		for h, s := range c.p.heads {
			off[h] = s.estimate.Error(&c.rows, first/blockCols, i-c.lo)
		}
		c.noise.Allow(off[0], off[1])
	} else if c.fast {
		c.noise.Allow(0, 0)
	}
	switch p := c.p; {
	case !c.fast:
		return c.boundPlain(i, first, n, score, logVar, above)
	case len(p.latents) > 0:
		return c.noise.BoundsAt(c.low, c.high, score, logVar, p.latents[first:], p.noise.block(i, 0), above)
	default:
		return c.noise.Bounds(c.low, c.high, score, logVar, p.noise.block(i, int32(first)), above)
	}
}
