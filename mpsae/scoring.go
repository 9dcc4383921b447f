package mpsae

import (
	"slices"
	"sync/atomic"

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

// A Cost is what the scores of a batch take, in multiplications of a float32
// matrix product.
type Cost struct {
	Direct float64 // all scores in each step
	Gram   float64 // the scores once, then followed
	Build  float64 // the product of the dictionary with itself, once for each dictionary
	Bytes  int64   // that this product takes
}

// updateCost is what moving one estimate along with a step costs: about as
// much as so many multiplications of a matrix product, for it is bound by
// memory. In words of 16 bits there is half as much of that, and products are
// twice as fast.
const updateCost = 20

// A size is of a batch and what scores it: b rows of width d, f latents, k
// steps of a row, each of which moves so many values.
type size struct {
	b, d, f  int
	k, moves float64
	tied     bool // the dictionary is its own encoder
	words    bool // scores are estimated in words of 16 bits
}

// cost is the cost of its scores.
func (s size) cost() Cost {
	scores, square, one := float64(s.b)*float64(s.f), float64(s.f)*float64(s.f)*float64(s.d), 1.0
	if s.tied { // one half is the other's mirror image
		square *= 0.6
	}
	if s.words {
		one = 0.5
	}
	return Cost{
		Direct: one * s.k * scores * float64(s.d),
		Gram:   one * (scores*float64(s.d) + s.k*s.moves*scores*updateCost),
		Build:  one * square,
		Bytes:  int64(4*one) * int64(s.f) * int64(s.f),
	}
}

// chooseGram decides for the batch under way, and makes what Gram needs.
func (p *pursuit) chooseGram(rows int) {
	k := p.expected
	if k == 0 {
		k = float64(min(p.steps, startSteps))
	}
	moves := 1.0
	if p.orthogonal || p.projected {
		moves = (k + 1) / 2
	}
	of := size{b: rows, d: p.d, f: p.f, k: k, moves: moves, tied: !p.untied, words: p.words.on}
	if p.usedGram = p.wantsGram(of.cost()); !p.usedGram || p.gram.made {
		return
	}
	p.spent = 0
	if p.words.on && p.gram.makeWords(p) {
		return
	}
	if of.words = false; of.cost().Bytes > p.budget {
		p.usedGram = false
		return
	}
	p.gram.make(p)
}

// wantsGram takes the cheaper. With a dictionary that stays, direct scores are
// paid for until they would have bought the product.
func (p *pursuit) wantsGram(c Cost) bool {
	switch {
	case c.Bytes > p.budget || p.force == "direct":
		return false
	case p.gram.made || p.force == "gram":
		return true
	case !p.frozen:
		return c.Gram+c.Build < c.Direct
	}
	p.spent += c.Direct - c.Gram
	return p.spent > c.Build
}

// known is the dictionary that the estimates of a frozen one were made for.
type known struct {
	enc, dec, bias []float32
	differs        atomic.Bool

	a, b []float32 // to compare
}

// same reports whether the dictionary is that of the last call, and notes it
// where it is not.
func (k *known) same(p *pursuit) bool {
	dec := p.dec
	if !p.untied {
		dec = nil
	}
	if k.equal(p.pool, k.enc, p.enc) && k.equal(p.pool, k.dec, dec) && k.equal(p.pool, k.bias, p.bias) {
		return true
	}
	k.enc, k.dec, k.bias = append(k.enc[:0], p.enc...), append(k.dec[:0], dec...), append(k.bias[:0], p.bias...)
	return false
}

const comparedAtOnce = 1 << 16

func (k *known) equal(pool *kernel.Pool, a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	k.a, k.b = a, b
	k.differs.Store(false)
	pool.Run((len(a)+comparedAtOnce-1)/comparedAtOnce, k)
	k.a, k.b = nil, nil
	return !k.differs.Load()
}

// Do compares one piece.
func (k *known) Do(_, piece int) {
	lo, hi := piece*comparedAtOnce, min((piece+1)*comparedAtOnce, len(k.a))
	if !slices.Equal(k.a[lo:hi], k.b[lo:hi]) {
		k.differs.Store(true)
	}
}

// gram is the product of the dictionary with itself: row j is E·w_j, by which
// scores fall for each unit of latent j that is taken off a row.
type gram struct {
	made    bool
	off     float64 // most that an entry is off, as a share of the longest rows' norms
	words   *kernel.WordGram
	inWords bool

	g    []float32 // [F,F], where it is not in words
	tile []float32 // [gramRows,F] of the symmetric product

	f, first, rows int // of the tile under way
}

// axpyTops is kernel.AxpyTops for row j.
func (g *gram) axpyTops(tops, dst []float32, a float32, j int) []float32 {
	if g.inWords {
		return g.words.AxpyTops(tops, dst, a, j)
	}
	return kernel.AxpyTops(tops, dst, a, g.g[j*g.f:(j+1)*g.f])
}

// makeWords is false where there are no estimates in words.
func (g *gram) makeWords(p *pursuit) bool {
	most := p.longest.encoder * p.longest.decoder
	if !g.words.Make(p.dec, p.enc, p.f, p.d, most) {
		return false
	}
	g.made, g.inWords, g.off = true, true, g.words.Off()/most
	return true
}

// gramRows is how many rows of the symmetric product are made at a time: what
// lies left of them is there already.
const gramRows = 256

func (g *gram) make(p *pursuit) {
	f, d := p.f, p.d
	g.g, g.f = reuse.Slice(g.g, f*f), f
	g.made, g.inWords, g.off = true, false, rounding(d)
	if p.untied {
		p.gemm.NT(g.g, p.dec, p.enc, f, f, d, false)
		return
	}
	g.tile = reuse.Slice(g.tile, min(gramRows, f)*f)
	for g.first = 0; g.first < f; g.first += gramRows {
		g.rows = min(gramRows, f-g.first)
		p.gemm.NT(g.tile, p.enc[g.first*d:(g.first+g.rows)*d], p.enc[g.first*d:], g.rows, f-g.first, d, false)
		p.pool.Run((f-g.first+mirrorCols-1)/mirrorCols, g)
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
