package vsae

import (
	"math"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
)

// sampler chooses in each row the k latents of largest |z|, z = μ + σ·ε. It
// scores in tiles as kernel.Selector does, with the same products. What it
// keeps is what a look at all ε would give: those that are left out could not
// have changed it.
type sampler struct {
	pool   *kernel.Pool
	noise  *noise
	k      int
	relu   bool
	sigma  float32        // of all latents, unless spread is set
	spread *spread        // of a learned variance
	subset func() []int32 // latents to choose among, nil for all
	reach  reach

	x       []float32 // [rows,D] of the call under way
	d, n    int       // n latents looked at
	latents []int32   // the subset
	heads   [2]scores // of μ and of log σ²
	perItem int
	rows    []top
	scratch []*scratch // one a worker
}

// scores is a linear map of rows to a number for each latent.
type scores struct{ w, bias []float32 } // [F,D], [F]

func newSampler(pool *kernel.Pool, n *noise, k int, v *VSAE) *sampler {
	p := &sampler{pool: pool, noise: n, k: k, relu: v.ReluMu, sigma: float32(v.Sigma), reach: newReach()}
	if v.Variance == "learned" {
		p.spread = newSpread(v.clamp())
	}
	for range pool.Threads() {
		p.scratch = append(p.scratch, &scratch{p: p})
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
	p.x, p.d, p.n, p.latents = x, d, f, p.subset()
	p.heads = [2]scores{{w, bias}}
	if p.spread != nil {
		p.heads[1] = scores{more[0], more[1]}
	}
	if p.latents != nil {
		p.n = len(p.latents)
	}
	for len(p.rows) < rows {
		p.rows = append(p.rows, top{})
	}
	items := p.pool.Threads() * max(1, (rows+p.pool.Threads()*itemRows-1)/(p.pool.Threads()*itemRows))
	p.perItem = min((max(1, (rows+items-1)/items)+rowStep-1)/rowStep*rowStep, itemRows)
	p.pool.Run((rows+p.perItem-1)/p.perItem, p)
	dst.RowPtr, dst.Index, dst.Score = append(dst.RowPtr[:0], 0), dst.Index[:0], dst.Score[:0]
	for i := range p.rows[:rows] {
		r := &p.rows[i]
		dst.Index, dst.Score = append(dst.Index, r.latent...), append(dst.Score, r.score...)
		dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
	}
	p.x, p.latents, p.heads = nil, nil, [2]scores{}
	return nil
}

// Do decides some rows.
func (p *sampler) Do(worker, item int) {
	lo := item * p.perItem
	p.scratch[worker].choose(lo, min(lo+p.perItem, len(p.x)/p.d))
}

// blockCols is how many latents are scored at a time, whole blocks of noise.
const blockCols = 64

// scratch is what one worker scores rows with.
type scratch struct {
	p    *sampler
	w    []float32    // [blockCols,D] weights of a subset, gathered
	tile [2][]float32 // [rows,blockCols] of each head
}

func (c *scratch) choose(lo, hi int) {
	p := c.p
	for i := lo; i < hi; i++ {
		p.rows[i].begin(min(p.k, p.n))
	}
	for first := 0; first < p.n && p.k > 0; first += blockCols {
		n := min(blockCols, p.n-first)
		c.products(0, first, n, lo, hi)
		if p.spread != nil {
			c.products(1, first, n, lo, hi)
		}
		for i := lo; i < hi; i++ {
			at := (i - lo) * blockCols
			logVar := []float32(nil)
			if p.spread != nil {
				logVar = c.tile[1][at : at+n]
			}
			p.look(i, first, c.tile[0][at:at+n], logVar)
		}
	}
	for i := lo; i < hi; i++ {
		p.rows[i].end()
	}
}

// products scores n latents from place first on for rows [lo,hi).
func (c *scratch) products(head, first, n, lo, hi int) {
	p, rows := c.p, hi-lo
	h, d := p.heads[head], p.d
	c.tile[head] = resize(c.tile[head], rows*blockCols)
	w, bias := h.w[first*d:], h.bias[first:]
	if p.latents != nil {
		c.w = resize(c.w, blockCols*d)
		for j, f := range p.latents[first : first+n] {
			copy(c.w[j*d:(j+1)*d], h.w[int(f)*d:])
		}
		w = c.w
	}
	kernel.DotBlock(c.tile[head], blockCols, p.x[lo*d:hi*d], w, rows, n, d)
	for i := range rows {
		row := c.tile[head][i*blockCols : i*blockCols+n]
		if p.latents == nil {
			kernel.Add(row, bias)
			continue
		}
		for j, f := range p.latents[first : first+n] {
			row[j] += h.bias[f]
		}
	}
}

// look adds the latents of a block that row i may keep.
func (p *sampler) look(i, first int, scores, logVar []float32) {
	row := &p.rows[i]
	var words [4]uint32
	drawn := ^uint64(0)
	most := p.reach.most()
	sigma := p.sigma
	for j, score := range scores {
		f := int32(first + j)
		if p.latents != nil {
			f = p.latents[f]
		}
		mean := score
		if p.relu {
			mean = max(mean, 0)
		}
		size := float32(math.Abs(float64(mean)))
		if logVar != nil {
			sigma = p.spread.bound(logVar[j])
		}
		if !(size+float32(sigma*most) > row.above) {
			continue
		}
		if p.noise.given == nil {
			if b := p.noise.block(i, f); b != drawn {
				words, drawn = data.Block(p.noise.seed, p.noise.stream, b), b
			}
			if !(size+float32(sigma*p.reach.of(&words, f)) > row.above) {
				continue
			}
		}
		if logVar != nil {
			sigma = p.spread.deviation32(logVar[j])
		}
		z := mean + float32(sigma*p.noise.at(i, f))
		if size := float32(math.Abs(float64(z))); size > row.above {
			row.add(size, score, f)
		}
	}
}

// spread is the deviations of a learned variance, and cheap bounds of them.
type spread struct {
	bounds
	step  float64
	table [spreadSteps + 1]float32
}

const spreadSteps = 64

func newSpread(c bounds) *spread {
	s := &spread{bounds: c, step: max(c.hi-c.lo, 1e-9) / spreadSteps}
	for i := range s.table {
		s.table[i] = float32(s.deviation(c.lo+float64(i+1)*s.step) * (1 + 1e-6))
	}
	return s
}

// bound is at least the deviation of l.
func (s *spread) bound(l float32) float32 {
	at := int((float64(l) - s.lo) / s.step)
	return s.table[min(max(at, 0), spreadSteps)]
}

func (s *spread) deviation32(l float32) float32 { return float32(s.deviation(float64(l))) }
