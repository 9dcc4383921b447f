package vsae

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// sampler chooses in each row the k latents of largest |z|, z = μ + σ·ε. It
// scores in tiles, or estimates scores where that is faster, and bounds the |z|
// of a tile; only those that the bounds leave in doubt are computed, from the
// products that kernel.Selector scores with. So what it keeps, and its bits, is
// what a look at all z would give.
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
	heads   []scores  // of μ and, where σ is learned, of log σ²
	guesses bool      // scores are estimated
	perItem int
	rows    []top
	scratch []*scratch // one a worker
}

// scores is a linear map of rows to a number for each latent.
type scores struct {
	w, bias  []float32 // [F,D], [F]
	estimate *kernel.Estimator
}

func newSampler(pool *kernel.Pool, n *noise, k int, v *VSAE) *sampler {
	p := &sampler{pool: pool, noise: n, k: k, relu: v.ReluMu, sigma: float32(v.Sigma), logVar: v.clamp(), learns: v.Variance == "learned"}
	p.heads = []scores{{estimate: kernel.NewEstimator(pool)}}
	if p.learns {
		p.heads = append(p.heads, scores{estimate: kernel.NewEstimator(pool)})
	}
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
	p.heads[0].w, p.heads[0].bias = w, bias
	if p.learns {
		p.heads[1].w, p.heads[1].bias = more[0], more[1]
	}
	p.guesses = p.prepare(rows, f)
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
	p.x = nil
	for h := range p.heads {
		p.heads[h].w, p.heads[h].bias = nil, nil
	}
	return nil
}

// leastRows is how many rows make up for the time that estimates take to
// prepare.
const leastRows = 48

// prepare reports whether scores are to be estimated.
func (p *sampler) prepare(rows, f int) bool {
	if !kernel.HasNoise() || p.noise.given != nil || rows < leastRows || !kernel.CanEstimate(p.n, p.d) {
		return false
	}
	subset := p.latents
	if len(subset) > 0 {
		subset = subset[:p.n]
	} else {
		subset = nil
	}
	for _, h := range p.heads {
		if !h.estimate.Weights(h.w, h.bias, subset, f, p.d) {
			return false
		}
	}
	return true
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

// latent is the number of the latent at a place of those looked at.
func (p *sampler) latent(place int) int32 {
	if len(p.latents) > 0 {
		return p.latents[place]
	}
	return int32(place)
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
		if row.guessed {
			row.score[e] = p.score(0, i, f)
			if p.learns {
				row.logVar[e] = p.score(1, i, f)
			}
		}
		z := float32(math.Abs(float64(p.z(i, row.score[e], row.logVar[e], f))))
		row.low[e], row.high[e] = z, z
	}
	row.keep()
}

// score is what exact computes.
func (p *sampler) score(head, i int, f int32) float32 {
	h, d := &p.heads[head], p.d
	return kernel.Dot(p.x[i*d:(i+1)*d], h.w[int(f)*d:int(f+1)*d]) + h.bias[f]
}
