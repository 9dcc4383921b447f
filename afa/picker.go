package afa

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

// picker is the top-AFA selection. It scores a tile of rows with a matrix
// product, which it takes as an estimate with a bound, lists the latents that
// the bound does not rule out, and decides on their inner products alone. What
// is kept, and its bits, is what a look at all F latents would give.
type picker struct {
	pool  *kernel.Pool
	gemm  *kernel.GEMM
	norms []float32 // [F] of decoder rows, of the run under way

	x, w     []float32
	d, f     int
	reach    []float32 // [F] norms of encoder rows
	widest   float64   // the largest of reach
	longest  float64   // the largest of norms
	tile     []float32 // [rows,F] estimated scores
	rows     []picks   // what the rows of the tile keep
	lo       int       // the first of them
	encode   normTask
	choosers []*chooser // one a worker
}

// picks are the latents that a row keeps, ascending, and their scores.
type picks struct {
	index []int32
	score []float32
}

func newPicker(pool *kernel.Pool) *picker {
	p := &picker{pool: pool, gemm: kernel.NewGEMM(pool)}
	for range pool.Threads() {
		p.choosers = append(p.choosers, &chooser{p: p})
	}
	return p
}

// weightBy makes norms [F] the weights that latents are ranked with. The node
// it adds must have run before the selection does.
func (p *picker) weightBy(g *sparseop.Graph, norms *gorgonia.Node) *gorgonia.Node {
	return g.Custom("rankWeights", nil, sparseop.Func{
		F32: func(_ []float32, in [][]float32) { p.norms = append(p.norms[:0], in[0]...) },
		F64: func(_ []float64, in [][]float64) {
			p.norms = p.norms[:0]
			for _, v := range in[0] {
				p.norms = append(p.norms, float32(v))
			}
		},
	}, nil, norms)
}

// A tile holds at most this many scores, and no more rows than this: enough
// to share the packing of the encoder among them.
const (
	tileScores = 1 << 21
	tileRows   = 256
)

// pick is a sparseop.Picker.
func (p *picker) pick(dst *kernel.Support, x, w, _ []float32, rows, d, f int) error {
	p.begin(x, w, d, f)
	dst.RowPtr, dst.Index, dst.Score = append(dst.RowPtr[:0], 0), dst.Index[:0], dst.Score[:0]
	for p.lo = 0; p.lo < rows; p.lo += len(p.rows) {
		n := min(len(p.rows), rows-p.lo)
		p.gemm.NT(p.tile, x[p.lo*d:(p.lo+n)*d], w, n, f, d, false)
		p.pool.Run(n, p)
		for _, r := range p.rows[:n] {
			dst.Index, dst.Score = append(dst.Index, r.index...), append(dst.Score, r.score...)
			dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
		}
	}
	p.x, p.w = nil, nil
	return nil
}

func (p *picker) begin(x, w []float32, d, f int) {
	p.x, p.w, p.d, p.f = x, w, d, f
	if n := max(1, min(tileRows, tileScores/f)); len(p.tile) != n*f {
		p.tile, p.rows, p.reach = make([]float32, n*f), make([]picks, n), make([]float32, f)
	}
	p.encode.d = d
	p.encode.run(p.pool, p.reach, w)
	p.widest, p.longest = 0, 0
	for i, r := range p.reach {
		p.widest, p.longest = max(p.widest, float64(r)), max(p.longest, float64(p.norms[i]))
	}
}

// Do decides one row of the tile.
func (p *picker) Do(worker, i int) {
	x := p.x[(p.lo+i)*p.d : (p.lo+i+1)*p.d]
	p.choosers[worker].row(&p.rows[i], x, p.tile[i*p.f:(i+1)*p.f])
}
