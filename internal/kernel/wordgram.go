package kernel

import (
	"math"
	"sync/atomic"

	"github.com/saectl/saectl/internal/reuse"
)

// A WordGram is the products of rows with one another, estimated in words of
// 16 bits and kept as such: half the memory of float32, and made in about half
// the time. It owns its buffers; one call at a time.
type WordGram struct {
	pool    *Pool
	set     *set
	columns *Estimator
	nothing []float32 // [n] the bias of no row

	words   []int16 // [n,n]
	n       int
	unit    float32 // of a word
	off     float64
	workers []wordGramWorker

	left       []float32 // of the call under way
	d          int
	mirrored   bool
	impossible atomic.Bool
}

type wordGramWorker struct {
	rows   EstimateRows
	tile   []float32 // [wordGramRows and padding,EstimateLatents]
	turned []float32 // [EstimateLatents,wordGramRows]
	off    float64
}

// wordGramRows is how many rows are multiplied at a time: whole tiles, and
// whole groups of the Estimator, that stay in the second-level cache.
const wordGramRows = 3 * EstimateLatents

// cachedWords is the largest product that may stay in a cache.
const cachedWords = 1 << 22

// NewWordGram makes a WordGram that is made on pool.
func NewWordGram(pool *Pool) *WordGram {
	return &WordGram{pool: pool, set: chosen, columns: NewEstimator(pool)}
}

// Make estimates the products of rows left [n,d] with rows right [n,d]. Where
// the two are one slice, half are estimated and mirrored. most bounds their
// size. It is false, and what is there of no use, where CanEstimate is false
// for n and d, or estimates are off by more than a hundredth of most.
func (g *WordGram) Make(left, right []float32, n, d int, most float64) bool {
	g.n, g.d, g.left, g.mirrored, g.off = n, d, left, &left[0] == &right[0], 0
	g.unit = float32(1.01 * most / math.MaxInt16)
	g.nothing = reuse.Slice(g.nothing, n)
	clear(g.nothing)
	if !CanEstimate(n, d) || !(g.unit > 0) || !g.columns.Weights(right, g.nothing, nil, n, d) {
		return false
	}
	if len(g.words) != n*n {
		g.words = wordsOf(Floats(ceilDiv(n*n, 2)))[:n*n]
	}
	g.workers = reuse.Slice(g.workers, g.pool.Threads())
	for i := range g.workers {
		w := &g.workers[i]
		w.tile, w.turned = reuse.Slice(w.tile, (wordGramRows+EstimatePadding)*EstimateLatents), reuse.Slice(w.turned, wordGramRows*EstimateLatents)
		w.off = 0
	}
	g.impossible.Store(false)
	g.pool.Run(ceilDiv(n, wordGramRows), g)
	for i := range g.workers {
		g.off = max(g.off, g.workers[i].off)
	}
	g.left = nil
	return !g.impossible.Load() && g.off < most/100
}

// Do makes one block of rows, and what it is the mirror image of.
func (g *WordGram) Do(worker, block int) {
	w, first := &g.workers[worker], block*wordGramRows
	rows := min(wordGramRows, g.n-first)
	if !g.columns.Rows(&w.rows, g.left[first*g.d:(first+rows)*g.d], rows) {
		g.impossible.Store(true)
		return
	}
	defer g.set.fence()
	group := 0
	if g.mirrored {
		group = first / EstimateLatents
	}
	for ; group*EstimateLatents < g.n; group++ {
		g.columns.Estimate(w.tile, EstimateLatents, &w.rows, group)
		for i := range rows {
			w.off = max(w.off, float64(g.columns.Error(&w.rows, group, i)))
		}
		col := group * EstimateLatents
		cols := min(EstimateLatents, g.n-col)
		for i := range rows {
			g.write(first+i, col, w.tile[i*EstimateLatents:i*EstimateLatents+cols])
		}
		if g.mirrored && col >= first+rows {
			g.set.pack(w.turned, operand{w.tile, EstimateLatents, 1}, 0, rows, 0, cols, rows)
			for j := range cols {
				g.write(col+j, first, w.turned[j*rows:(j+1)*rows])
			}
		}
	}
}

// write rounds x to words, from column col of a row on: past the caches, where
// these cannot hold the product.
func (g *WordGram) write(row, col int, x []float32) {
	at := row*g.n + col
	dst := g.words[at : at+len(x)]
	if len(g.words) > cachedWords && len(x)%lineWords == 0 && lineOffset(dst) == 0 {
		g.set.words.stream(dst, x, 1/g.unit)
		return
	}
	g.set.words.quantize(wordBytes(dst), x, g.unit, 1/g.unit)
}

// Off bounds how far an entry is from the Dot of the two rows.
func (g *WordGram) Off() float64 { return g.off + 0.51*float64(g.unit) }

// Expect begins to bring row j into the cache.
func (g *WordGram) Expect(j int) {
	g.set.prefetch(words(wordBytes(g.words[j*g.n : (j+1)*g.n])))
}

// AxpyTops adds a times row j, the products of left's row j with all of
// right's, to dst [n] and returns what Tops gives for it.
func (g *WordGram) AxpyTops(tops, dst []float32, a float32, j int) []float32 {
	x, tops := g.words[j*g.n:(j+1)*g.n], tops[:ceilDiv(len(dst), TopBlock)]
	n := len(dst) / TopBlock
	a *= g.unit
	g.set.words.axpyTops(tops[:n], dst[:n*TopBlock], a, x[:n*TopBlock])
	axpyWords(dst[n*TopBlock:], a, x[n*TopBlock:])
	topsGeneric(tops[n:], dst[n*TopBlock:])
	return tops
}

func axpyWords(dst []float32, a float32, x []int16) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += float32(a * float32(x[i]))
	}
}
