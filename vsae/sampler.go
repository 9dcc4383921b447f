package vsae

import (
	"math"
	"math/bits"

	"github.com/saectl/saectl/internal/kernel"
)

// sampler chooses in each row the k latents of largest |z|, z = μ + σ·ε. It
// scores in tiles as kernel.Selector does, with the same products, and bounds
// the |z| of a tile; only those that the bounds leave in doubt are computed. So
// what it keeps is what a look at all z would give.
type sampler struct {
	pool   *kernel.Pool
	noise  *noise
	k      int
	relu   bool
	sigma  float32        // of all latents, unless it is learned
	logVar bounds         // of a learned log σ²
	learns bool           // σ is learned
	subset func() []int32 // latents to choose among, nil for all

	x       []float32 // [rows,D] of the call under way
	d, n    int       // n latents looked at
	latents []int32   // the subset, and zeros up to a whole block
	heads   [2]scores // of μ and of log σ²
	perItem int
	rows    []top
	scratch []*scratch // one a worker
}

// scores is a linear map of rows to a number for each latent.
type scores struct{ w, bias []float32 } // [F,D], [F]

func newSampler(pool *kernel.Pool, n *noise, k int, v *VSAE) *sampler {
	p := &sampler{pool: pool, noise: n, k: k, relu: v.ReluMu, sigma: float32(v.Sigma), logVar: v.clamp(), learns: v.Variance == "learned"}
	for range pool.Threads() {
		p.scratch = append(p.scratch, newScratch(p))
	}
	return p
}

// itemRows bounds the rows that share a block of latents, and rowStep is what
// their number is a multiple of where it can be.
const (
	itemRows = 192
	rowStep  = 24
)

// pick is a sparseop.WidePicker. Scores are those of the means before the
// ReLU; more is weights and bias of the variance head where there is one.
func (p *sampler) pick(dst *kernel.Support, x, w, bias []float32, more [][]float32, rows, d, f int) error {
	p.begin(x, d, f, rows)
	p.heads = [2]scores{{w, bias}}
	if p.learns {
		p.heads[1] = scores{more[0], more[1]}
	}
	threads := p.pool.Threads()
	items := threads * max(1, (rows+threads*itemRows-1)/(threads*itemRows))
	p.perItem = min((max(1, (rows+items-1)/items)+rowStep-1)/rowStep*rowStep, itemRows)
	p.pool.Run((rows+p.perItem-1)/p.perItem, p)
	dst.RowPtr, dst.Index, dst.Score = append(dst.RowPtr[:0], 0), dst.Index[:0], dst.Score[:0]
	for i := range p.rows[:rows] {
		r := &p.rows[i]
		dst.Index, dst.Score = append(dst.Index, r.latent...), append(dst.Score, r.score...)
		dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
	}
	p.x, p.heads = nil, [2]scores{}
	return nil
}

func (p *sampler) begin(x []float32, d, f, rows int) {
	p.x, p.d, p.n = x, d, f
	subset := p.subset()
	p.latents = append(p.latents[:0], subset...)
	if subset != nil {
		p.n = len(subset)
		p.latents = append(p.latents, make([]int32, blockCols)...)
	}
	if len(p.rows) < rows {
		p.rows = append(p.rows, make([]top, rows-len(p.rows))...)
	}
	for _, c := range p.scratch {
		c.begin()
	}
}

// Do decides some rows.
func (p *sampler) Do(worker, item int) {
	lo := item * p.perItem
	p.scratch[worker].choose(lo, min(lo+p.perItem, len(p.x)/p.d))
}

// blockCols is how many latents are scored at a time, whole blocks of noise.
const blockCols = kernel.NoiseLatents

// scratch is what one worker scores rows with.
type scratch struct {
	p         *sampler
	fast      bool // a kernel bounds samples
	noise     kernel.Noise
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
	for i := lo; i < hi; i++ {
		p.rows[i].begin(min(p.k, p.n))
	}
	for first := 0; first < p.n && p.k > 0; first += blockCols {
		n := min(blockCols, p.n-first)
		c.products(0, first, n, lo, hi)
		if p.learns {
			c.products(1, first, n, lo, hi)
		}
		for i := lo; i < hi; i++ {
			at := (i - lo) * blockCols
			score, logVar := c.tile[0][at:at+blockCols], []float32(nil)
			if p.learns {
				logVar = c.tile[1][at : at+blockCols]
			}
			c.look(i, first, n, score, logVar)
		}
	}
	for i := lo; i < hi; i++ {
		p.settle(i)
	}
}

// products scores n latents from place first on for rows [lo,hi). Places
// beyond n are NaN.
func (c *scratch) products(head, first, n, lo, hi int) {
	p, rows := c.p, hi-lo
	h, d := p.heads[head], p.d
	c.tile[head] = resize(c.tile[head], rows*blockCols)
	w := h.w[first*d:]
	if len(p.latents) > 0 {
		c.w = resize(c.w, blockCols*d)
		for j, f := range p.latents[first : first+n] {
			copy(c.w[j*d:(j+1)*d], h.w[int(f)*d:])
		}
		w = c.w
	}
	kernel.DotBlock(c.tile[head], blockCols, p.x[lo*d:hi*d], w, rows, n, d)
	for i := range rows {
		c.addBias(c.tile[head][i*blockCols:(i+1)*blockCols], h.bias, first, n)
	}
}

func (c *scratch) addBias(row, bias []float32, first, n int) {
	if latents := c.p.latents; len(latents) > 0 {
		for j, f := range latents[first : first+n] {
			row[j] += bias[f]
		}
	} else {
		kernel.Add(row[:n], bias[first:])
	}
	for j := n; j < blockCols; j++ {
		row[j] = float32(math.NaN())
	}
}

// look adds the latents of a block that row i may keep.
func (c *scratch) look(i, first, n int, score, logVar []float32) {
	p := c.p
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

// latent is the number of the latent at a place of those looked at.
func (p *sampler) latent(place int) int32 {
	if len(p.latents) > 0 {
		return p.latents[place]
	}
	return int32(place)
}

// bound bounds |z| of a block and returns the bits of the latents that may be
// above.
func (c *scratch) bound(i, first, n int, score, logVar []float32, above float32) uint64 {
	switch p := c.p; {
	case !c.fast:
		return c.boundPlain(i, first, n, score, logVar, above)
	case len(p.latents) > 0:
		return c.noise.BoundsAt(c.low, c.high, score, logVar, p.latents[first:], p.noise.block(i, 0), above)
	default:
		return c.noise.Bounds(c.low, c.high, score, logVar, p.noise.block(i, int32(first)), above)
	}
}

// z is the sample of a latent in row i.
func (p *sampler) z(i int, score, logVar float32, f int32) float32 {
	sigma := p.sigma
	if p.learns {
		sigma = float32(p.logVar.deviation(float64(logVar)))
	}
	if p.relu {
		score = max(score, 0)
	}
	return score + float32(sigma*p.noise.at(i, f))
}

// thin drops latents of row i, by their bounds or, where too few go, by their
// samples.
func (p *sampler) thin(i int) {
	row := &p.rows[i]
	row.drop()
	if len(row.latent) > row.k+row.k/2+16 {
		p.settle(i)
	}
}

// settle computes the samples of row i and keeps the k largest.
func (p *sampler) settle(i int) {
	row := &p.rows[i]
	for e, f := range row.latent {
		z := float32(math.Abs(float64(p.z(i, row.score[e], row.logVar[e], f))))
		row.low[e], row.high[e] = z, z
	}
	row.keep()
}
