package kernel

import "github.com/saectl/saectl/internal/reuse"

// A GEMM multiplies row-major float32 matrices on a pool. It owns its buffers
// and keeps them, so a second call of the same size allocates nothing. One
// call at a time.
//
// Each element of a product is summed over k in one order, whatever the
// number of threads and the place of the element.
type GEMM struct {
	pool *Pool
	set  *set

	dst     []float32 // [m,n] of the call under way
	a, b    operand
	m, n, k int
	add     bool
	part    gemmPart

	packedA []float32   // [panels][depth,rows of a tile] of the part
	packedB [][]float32 // one a worker: [gemmPanels][depth,columns of a tile]
	edge    [][]float32 // one a worker: a tile that reaches over the border of dst
}

// gemmPart is what one pass over dst multiplies: rows [row,row+rows) of a and
// numbers [depth0,depth0+depth) of each row and column.
type gemmPart struct {
	row, rows     int
	depth0, depth int
	chunks        int  // pieces that the rows are cut into, where there are few columns
	chunk         int  // rows of a piece, whole tiles
	packing       bool // items are panels of a to pack, not blocks of dst
}

// A part of a is packed once for all columns; gemmRows bounds it. Each worker
// packs gemmPanels panels of b, which stay in its second-level cache, and
// goes through all of a's with them.
const (
	gemmRows   = 1536
	gemmPanels = 3
	gemmItems  = 4 // items a thread there should be, to share the work evenly
	gemmTiles  = 8 // tiles of rows that an item has at least, or packing costs too much
)

// NewGEMM makes a GEMM that runs on pool.
func NewGEMM(pool *Pool) *GEMM { return &GEMM{pool: pool, set: chosen} }

// NT sets dst [m,n] to a [m,k] · b [n,k]ᵀ, or adds it when add is true.
func (g *GEMM) NT(dst, a, b []float32, m, n, k int, add bool) {
	g.multiply(dst, operand{a[:m*k], k, 1}, operand{b[:n*k], k, 1}, m, n, k, add)
}

// NN sets dst [m,n] to a [m,k] · b [k,n], or adds it when add is true.
func (g *GEMM) NN(dst, a, b []float32, m, n, k int, add bool) {
	g.multiply(dst, operand{a[:m*k], k, 1}, operand{b[:n*k], 1, n}, m, n, k, add)
}

// TN sets dst [m,n] to a [k,m]ᵀ · b [k,n], or adds it when add is true.
func (g *GEMM) TN(dst, a, b []float32, m, n, k int, add bool) {
	g.multiply(dst, operand{a[:m*k], 1, m}, operand{b[:n*k], 1, n}, m, n, k, add)
}

func (g *GEMM) multiply(dst []float32, a, b operand, m, n, k int, add bool) {
	dst = dst[:m*n]
	if k == 0 || m == 0 || n == 0 {
		if !add {
			clear(dst)
		}
		return
	}
	g.dst, g.a, g.b, g.m, g.n, g.k = dst, a, b, m, n, k
	g.reserve()
	for row := 0; row < m; row += gemmRows {
		for depth := 0; depth < k; depth += g.set.tileDepth {
			g.add = add || depth > 0
			g.part = gemmPart{row: row, rows: min(gemmRows, m-row), depth0: depth, depth: min(g.set.tileDepth, k-depth)}
			g.runPart()
		}
	}
	g.dst, g.a, g.b = nil, operand{}, operand{}
}

// reserve makes room for the largest part and its panels.
func (g *GEMM) reserve() {
	depth := min(g.set.tileDepth, g.k)
	rows := roundUp(min(gemmRows, g.m), g.set.tileRows)
	g.packedA = reuse.Slice(g.packedA, rows*depth)
	for len(g.packedB) < g.pool.Threads() {
		g.packedB = append(g.packedB, nil)
		g.edge = append(g.edge, make([]float32, g.set.tileRows*g.set.tileCols))
	}
	for i, b := range g.packedB {
		g.packedB[i] = reuse.Slice(b, gemmPanels*g.set.tileCols*depth)
	}
}

func (g *GEMM) runPart() {
	p, set := &g.part, g.set
	tiles, blocks := ceilDiv(p.rows, set.tileRows), ceilDiv(g.n, gemmPanels*set.tileCols)
	p.chunks = 1
	if threads := g.pool.Threads(); threads > 1 {
		p.chunks = max(1, min(ceilDiv(gemmItems*threads, blocks), tiles/gemmTiles))
	}
	p.chunk = ceilDiv(tiles, p.chunks) * set.tileRows
	p.packing = true
	g.pool.Run(tiles, g)
	p.packing = false
	g.pool.Run(blocks*p.chunks, g)
}

// Do packs one panel of a, or computes one block of dst.
func (g *GEMM) Do(worker, item int) {
	p, rows := &g.part, g.set.tileRows
	if p.packing {
		row := item * rows
		g.set.pack(g.packedA[row*p.depth:(row+rows)*p.depth], g.a, p.row+row, min(rows, p.rows-row), p.depth0, p.depth, rows)
		return
	}
	first, row := item/p.chunks*gemmPanels*g.set.tileCols, item%p.chunks*p.chunk
	g.columns(worker, first, row, min(row+p.chunk, p.rows))
}

// columns computes gemmPanels panels of columns from the first, for rows
// [lo,hi) of the part.
func (g *GEMM) columns(worker, first, lo, hi int) {
	p, cols := &g.part, g.set.tileCols
	packed := g.packedB[worker]
	for i := range gemmPanels {
		if col := first + i*cols; col < g.n {
			panel := packed[i*cols*p.depth : (i+1)*cols*p.depth]
			g.set.pack(panel, g.b, col, min(cols, g.n-col), p.depth0, p.depth, cols)
		}
	}
	for row := lo; row < hi; row += g.set.tileRows {
		a := g.packedA[row*p.depth:]
		for i := range gemmPanels {
			if col := first + i*cols; col < g.n {
				g.tile(worker, a, packed[i*cols*p.depth:], row, col)
			}
		}
	}
}

// tile computes the block of dst at row (of the part) and col.
func (g *GEMM) tile(worker int, a, b []float32, row, col int) {
	p := &g.part
	rows, cols := min(g.set.tileRows, p.rows-row), min(g.set.tileCols, g.n-col)
	at := (p.row+row)*g.n + col
	if rows == g.set.tileRows && cols == g.set.tileCols {
		g.set.tile(p.depth, a, b, g.dst[at:], g.n, g.add)
		return
	}
	edge := g.edge[worker]
	g.set.tile(p.depth, a, b, edge, g.set.tileCols, false)
	for i := range rows {
		dst, from := g.dst[at+i*g.n:at+i*g.n+cols], edge[i*g.set.tileCols:]
		if g.add {
			addGeneric(dst, from)
			continue
		}
		copy(dst, from)
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func roundUp(a, b int) int { return ceilDiv(a, b) * b }
