package mpsae

import (
	"slices"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
	"github.com/saectl/saectl/sae"
)

// scoring is how scores are to be had, and what the choice goes by. None of it
// changes a result.
type scoring struct {
	force    string  // direct or gram; auto for the cheaper
	budget   int64   // bytes that the product of the dictionary may take
	frozen   bool    // the dictionary stays as it is between batches
	expected float64 // steps of a row, by the last batch
	usedGram bool    // by the last batch
	spent    float64 // on direct scores since the dictionary changed
}

func (m *MPSAE) scoring(b *sae.Builder) scoring {
	return scoring{force: m.Forward, budget: int64(m.GramMemory) << 20, frozen: !b.Train}
}

// A Cost is what the scores of a batch take, in multiplications of a matrix
// product.
type Cost struct {
	Direct float64 // all scores in each step
	Gram   float64 // the scores once, then followed
	Build  float64 // the product of the dictionary with itself, once for each dictionary
	Bytes  int64   // that this product takes
}

// updateCost is what moving one estimate along with a step costs: about as
// much as so many multiplications of a matrix product, for it is bound by
// memory.
const updateCost = 20

// CostOf is the cost of scores for batches of b rows of width d with f latents
// and k steps of a row, each of which moves the given number of values; tied
// says that the dictionary is its own encoder.
func CostOf(b, d, f int, k, moves float64, tied bool) Cost {
	scores, square := float64(b)*float64(f), float64(f)*float64(f)*float64(d)
	if tied { // one half is the other's mirror image
		square *= 0.6
	}
	return Cost{
		Direct: k * scores * float64(d),
		Gram:   scores*float64(d) + k*moves*scores*updateCost,
		Build:  square,
		Bytes:  4 * int64(f) * int64(f),
	}
}

// chooseGram decides for the batch under way, and makes what Gram needs.
func (p *pursuit) chooseGram(rows int) bool {
	k := p.expected
	if k == 0 {
		k = float64(min(p.steps, startSteps))
	}
	moves := 1.0
	if p.orthogonal || p.projected {
		moves = (k + 1) / 2
	}
	c := CostOf(rows, p.d, p.f, k, moves, !p.untied)
	made := p.frozen && p.gram.holds(p.enc, p.dec)
	if !p.wantsGram(c, made) {
		return false
	}
	if !made {
		p.gram.build(p.gemm, p.pool, p.enc, p.dec, p.f, p.d, p.frozen)
		p.spent = 0
	}
	return true
}

// wantsGram takes the cheaper. With a dictionary that stays, direct scores are
// paid for until they would have bought the product.
func (p *pursuit) wantsGram(c Cost, made bool) bool {
	switch {
	case c.Bytes > p.budget || p.force == "direct":
		return false
	case made || p.force == "gram":
		return true
	case !p.frozen:
		return c.Gram+c.Build < c.Direct
	}
	p.spent += c.Direct - c.Gram
	return p.spent > c.Build
}

// gram is the product of the dictionary with itself: row j is E·w_j, by which
// scores fall for each unit of latent j that is taken off a row.
type gram struct {
	g        []float32 // [F,F]
	tile     []float32 // [gramRows,F] of the symmetric product
	enc, dec []float32 // copies of what it was made of, where that may stay

	f, first, rows int // of the tile under way
}

// gramRows is how many rows of the symmetric product are made at a time: what
// lies left of them is there already.
const gramRows = 256

func (g *gram) row(j, f int) []float32 { return g.g[j*f : (j+1)*f] }

// holds reports whether it is the product of these, bit for bit.
func (g *gram) holds(enc, dec []float32) bool {
	if !slices.Equal(g.enc, enc) || len(g.g) == 0 {
		return false
	}
	return &enc[0] == &dec[0] && len(g.dec) == 0 || slices.Equal(g.dec, dec)
}

func (g *gram) build(m *kernel.GEMM, pool *kernel.Pool, enc, dec []float32, f, d int, keep bool) {
	g.g, g.f = reuse.Slice(g.g, f*f), f
	tied := &enc[0] == &dec[0]
	if keep {
		g.enc, g.dec = append(g.enc[:0], enc...), g.dec[:0]
		if !tied {
			g.dec = append(g.dec, dec...)
		}
	}
	if !tied {
		m.NT(g.g, dec, enc, f, f, d, false)
		return
	}
	g.tile = reuse.Slice(g.tile, min(gramRows, f)*f)
	for g.first = 0; g.first < f; g.first += gramRows {
		g.rows = min(gramRows, f-g.first)
		m.NT(g.tile, enc[g.first*d:(g.first+g.rows)*d], enc[g.first*d:], g.rows, f-g.first, d, false)
		pool.Run((f-g.first+mirrorCols-1)/mirrorCols, g)
	}
}

// The tile is copied, and mirrored, in blocks that stay in the first-level
// cache.
const (
	mirrorCols = 64
	mirrorRows = 16
)

// Do copies one block of columns of the tile, and mirrors it.
func (g *gram) Do(_, block int) {
	n := g.f - g.first // columns of the tile
	lo, hi := block*mirrorCols, min((block+1)*mirrorCols, n)
	for top := 0; top < g.rows; top += mirrorRows {
		bottom := min(top+mirrorRows, g.rows)
		for i := top; i < bottom; i++ {
			copy(g.g[(g.first+i)*g.f+g.first+lo:], g.tile[i*n+lo:i*n+hi])
		}
		for j := max(lo, g.rows); j < hi; j++ {
			to := g.g[(g.first+j)*g.f+g.first:]
			for i := top; i < bottom; i++ {
				to[i] = g.tile[i*n+j]
			}
		}
	}
}
