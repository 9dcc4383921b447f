package eval

import (
	"context"
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// gramRow is what one row of a matrix has in common with the others.
type gramRow struct {
	norm                   float64
	sum, absolute, sq      float64 // Σ cos, Σ|cos|, Σcos² over the other rows
	low, high              float32 // smallest and largest signed cosine
	nearest                int32   // the row of the largest; -1 with no other row
	largest                float32 // largest |cos|
	partner                int32   // its row
	rawSum, rawSq          float64 // Σ<w_i,w_j>, Σ<w_i,w_j>²
	rawHigh                float32 // largest signed <w_i,w_j>
	over90, over95, over99 int32   // rows with a signed cosine above
}

// gram goes through all inner products of the rows of w [F,D] in tiles, so
// that no [F,F] matrix is ever held, and gives a gramRow for each row. Each
// row sees the others in ascending order.
type gram struct {
	w       []float32 // [F,D]
	f, d    int
	inverse []float32 // [F] 1/norm, 0 for a row of zeros
	rows    []gramRow
	order   int       // largest order of the Babel function
	top     []float32 // [F,order] the largest |cos| of each row, a min-heap each

	tile, turned []float32 // [tileRows,tileColumns] and its transpose

	cosines [][cosineBins]int64 // of each worker: ordered pairs by cosine
}

// cosineBins are bins of equal width from -1 to 1.
const cosineBins = 100

// histogram is how many ordered pairs of rows i ≠ j have a cosine in each bin.
func (g *gram) histogram() Series {
	s := Series{Definition: "ordered pairs of decoder rows i ≠ j by signed cosine, bins of 0.02 from -1 to 1 closed on the left", Y: make([]float64, cosineBins)}
	for i := range cosineBins + 1 {
		s.X = append(s.X, -1+2*float64(i)/cosineBins)
	}
	for _, of := range g.cosines {
		for i, n := range of {
			s.Y[i] += float64(n)
		}
	}
	return s
}

const (
	tileRows    = 256
	tileColumns = 1024
)

// newGram computes the cosines of the rows of w with each other.
func newGram(ctx context.Context, pool *kernel.Pool, w []float32, f, d, order int) (*gram, error) {
	g := &gram{w: w, f: f, d: d, inverse: make([]float32, f), rows: make([]gramRow, f), order: order,
		top: make([]float32, f*order), tile: make([]float32, tileRows*tileColumns), turned: make([]float32, tileRows*tileColumns), cosines: make([][cosineBins]int64, pool.Threads())}
	for i := range g.rows {
		norm := math.Sqrt(kernel.SumSquares(w[i*d : (i+1)*d]))
		g.rows[i] = gramRow{norm: norm, low: float32(math.Inf(1)), high: float32(math.Inf(-1)), rawHigh: float32(math.Inf(-1)), nearest: -1, partner: -1}
		if norm > 0 {
			g.inverse[i] = float32(1 / norm)
		}
	}
	gemm := kernel.NewGEMM(pool)
	for i0 := 0; i0 < f; i0 += tileRows {
		i1 := min(f, i0+tileRows)
		for j0 := i0; j0 < f; j0 += tileColumns {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			g.product(pool, gemm, i0, i1, j0, min(f, j0+tileColumns))
		}
	}
	return g, nil
}

// product scans the tile of rows i0 to i1 and columns j0 to j1, and its
// transpose where that is not among the rows of the tile.
func (g *gram) product(pool *kernel.Pool, gemm *kernel.GEMM, i0, i1, j0, j1 int) {
	m, n := i1-i0, j1-j0
	gemm.NT(g.tile[:m*n], g.w[i0*g.d:i1*g.d], g.w[j0*g.d:j1*g.d], m, n, g.d, false)
	pool.Run(m, kernel.TaskFunc(func(worker, i int) { g.scan(worker, i0+i, j0, g.tile[i*n:(i+1)*n]) }))
	first := max(0, i1-j0) // columns that are rows of the tile have seen it
	pool.Run(n-first, kernel.TaskFunc(func(worker, item int) {
		j := first + item
		column := g.turned[j*m : (j+1)*m]
		for i := range column {
			column[i] = g.tile[i*n+j]
		}
		g.scan(worker, j0+j, i0, column)
	}))
}

// scan takes in the inner products of row i with the rows from j0 on.
func (g *gram) scan(worker, i, j0 int, products []float32) {
	if i >= j0 && i < j0+len(products) {
		g.scanOthers(worker, i, j0, products[:i-j0])
		g.scanOthers(worker, i, i+1, products[i-j0+1:])
		return
	}
	g.scanOthers(worker, i, j0, products)
}

func (g *gram) scanOthers(worker, i, j0 int, products []float32) {
	r, own, bins := g.rows[i], g.inverse[i], &g.cosines[worker]
	heap := g.top[i*g.order : (i+1)*g.order]
	inverse := g.inverse[j0 : j0+len(products)]
	for j, raw := range products {
		c := raw * own * inverse[j]
		a := max(c, -c)
		bins[max(0, min(cosineBins-1, int((c+1)*(cosineBins/2))))]++
		r.sum += float64(c)
		r.absolute += float64(a)
		r.sq += float64(c) * float64(c)
		r.rawSum += float64(raw)
		r.rawSq += float64(raw) * float64(raw)
		r.rawHigh = max(r.rawHigh, raw)
		r.low = min(r.low, c)
		if c > r.high {
			r.high, r.nearest = c, int32(j0+j)
		}
		if a > r.largest {
			r.largest, r.partner = a, int32(j0+j)
		}
		if c > 0.9 {
			r.countOver(c)
		}
		if len(heap) > 0 && a > heap[0] {
			replaceSmallest(heap, a)
		}
	}
	g.rows[i] = r
}

func (r *gramRow) countOver(c float32) {
	r.over90++
	if c > 0.95 {
		r.over95++
	}
	if c > 0.99 {
		r.over99++
	}
}

// replaceSmallest puts v in the place of the smallest entry of a min-heap.
func replaceSmallest(heap []float32, v float32) {
	at := 0
	for {
		child := 2*at + 1
		if child >= len(heap) {
			break
		}
		if child+1 < len(heap) && heap[child+1] < heap[child] {
			child++
		}
		if heap[child] >= v {
			break
		}
		heap[at] = heap[child]
		at = child
	}
	heap[at] = v
}
