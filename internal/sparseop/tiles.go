package sparseop

import "github.com/saectl/saectl/internal/kernel"

// The dense path. Where rows keep a large part of all latents, as ReLU does
// early in training, products over whole tiles of latents are faster than one
// entry at a time, though most of what they multiply may be zero. Which path a
// product takes is a function of its support alone: it is the same for any
// number of threads and after a resume, and goes back by itself when the
// latents become sparse.

// denseFrom is the share of latents kept from which on a product over tiles is
// the faster one (BenchmarkDensity).
const denseFrom = 0.3

// Density is the share of all latents that the rows in use keep.
func (s *Support) Density() float64 {
	if s.Rows == 0 {
		return 0
	}
	return float64(s.Count()) / (float64(s.Rows) * float64(s.F))
}

// Dense reports whether products with this support go over tiles.
func (s *Support) Dense() bool { return s.Density() >= denseFrom }

// A tile holds at most so many numbers, which the last-level cache has room
// for, of at least so many latents.
const (
	tileSize = 1 << 20
	tileCols = 64
)

// tiles are products of values on a support with whole matrices, a tile of
// latents at a time. It keeps its buffers. One call at a time.
type tiles struct {
	pool *kernel.Pool
	gemm *kernel.GEMM
	size int       // numbers of a tile
	tile []float32 // [B,n]

	s        *Support // of the call under way
	v        []float32
	first, n int // latents of the tile
	fromTile bool
}

func newTiles(pool *kernel.Pool) *tiles {
	return &tiles{pool: pool, gemm: kernel.NewGEMM(pool), size: tileSize}
}

// dense reports whether a product with s goes over tiles, and views its three
// arrays for them. Float64 graphs, which only check gradients, never do.
func dense[T float](t **tiles, g *Graph, s *Support, a, b, c []T) (x, y, z []float32, ok bool) {
	x, ok = any(a).([]float32)
	if !ok || !s.Dense() {
		return nil, nil, nil, false
	}
	if *t == nil {
		*t = newTiles(g.Pool)
	}
	return x, any(b).([]float32), any(c).([]float32), true
}

// each calls f for each tile of latents [first,first+n) of s.
func (t *tiles) each(s *Support, v []float32, f func(first, n int)) {
	width := max(tileCols, t.size/s.B)
	t.s, t.v = s, v
	t.tile = grow(t.tile, s.B*min(width, s.F))
	for first := 0; first < s.F; first += width {
		t.first, t.n = first, min(width, s.F-first)
		f(t.first, t.n)
	}
	t.s, t.v = nil, nil
}

// spread makes the tile hold the values; what is not kept is zero.
func (t *tiles) spread() {
	t.fromTile = false
	t.pool.Run(blocks(t.s.B, rowBlock), t)
}

// gather sets the values to what the tile holds.
func (t *tiles) gather() {
	t.fromTile = true
	t.pool.Run(blocks(t.s.B, rowBlock), t)
}

// Do spreads or gathers some rows.
func (t *tiles) Do(_, item int) {
	lo, hi := span(item, rowBlock, t.s.B)
	for b := lo; b < hi; b++ {
		row := t.tile[b*t.n : (b+1)*t.n]
		e, end := t.s.within(b, int32(t.first), int32(t.first+t.n))
		if t.fromTile {
			for ; e < end; e++ {
				t.v[e] = row[int(t.s.csr.Index[e])-t.first]
			}
			continue
		}
		clear(row)
		for ; e < end; e++ {
			row[int(t.s.csr.Index[e])-t.first] = t.v[e]
		}
	}
}

// spmm sets y [B,d] to Σ v[e]·w[index e].
func (t *tiles) spmm(y, v, w []float32, s *Support, d int) {
	t.each(s, v, func(first, n int) {
		t.spread()
		t.gemm.NN(y, t.tile, w[first*d:(first+n)*d], s.B, d, n, first > 0)
	})
}

// sddmm sets v[e] to <x[row e], w[index e]>.
func (t *tiles) sddmm(v, x, w []float32, s *Support, d int) {
	t.each(s, v, func(first, n int) {
		t.gemm.NT(t.tile, x, w[first*d:(first+n)*d], s.B, n, d, false)
		t.gather()
	})
}

// spmmt sets y [F,d] to Σ v[e]·x[row e].
func (t *tiles) spmmt(y, v, x []float32, s *Support, d int) {
	t.each(s, v, func(first, n int) {
		t.spread()
		t.gemm.TN(y[first*d:(first+n)*d], t.tile, x, n, d, s.B, false)
	})
}

// A Transpose computes the SpMMT that an optimizer was left to evaluate, where
// its support is dense.
type Transpose struct{ t *tiles }

// NewTranspose makes one that runs on pool.
func NewTranspose(pool *kernel.Pool) *Transpose { return &Transpose{newTiles(pool)} }

// Run sets y [F,d] to Σ v[e]·x[row e] for v [Cap] and x [B,d].
func (t *Transpose) Run(y, v, x []float32, s *Support, d int) { t.t.spmmt(y, v, x, s, d) }
