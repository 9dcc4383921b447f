package sae

import (
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

// A sparsePart is an SpMMT that is evaluated a row at a time, where the row is
// used.
type sparsePart struct {
	v, x []float32 // [n] in the order of the columns, [B,Cols]
	s    *sparseop.Support
	sort sparseop.Sorter
	buf  []float32
}

// A wholePart is an SpMMT over a support that keeps so many latents that it is
// computed as a matrix.
type wholePart struct {
	t *sparseop.Transpose
	g []float32 // [Rows,Cols]
}

// collect views the parts of the gradient; values of sparse parts are sorted
// by latent once.
func (s *paramState) collect(g *Graph, parts []part, pool *kernel.Pool) {
	s.dense = s.dense[:0]
	n, wholes := 0, 0
	for _, p := range parts {
		if p.dense != nil {
			s.dense = append(s.dense, float32s(g.m.value(p.dense)))
			continue
		}
		if p.support.Dense() {
			s.dense = append(s.dense, s.multiply(g, p, wholes, pool))
			wholes++
			continue
		}
		if n == len(s.sparse) {
			s.sparse = append(s.sparse, sparsePart{})
		}
		sp := &s.sparse[n]
		sp.s, sp.x = p.support, float32s(g.m.value(p.x))
		sp.buf = sp.sort.Sort(pool, sp.buf, float32s(g.m.value(p.v)), p.support)
		sp.v = sp.buf
		n++
	}
	s.sparse = s.sparse[:n]
}

// multiply evaluates a part as a matrix, in the n-th place for those.
func (s *paramState) multiply(g *Graph, p part, n int, pool *kernel.Pool) []float32 {
	if n == len(s.whole) {
		s.whole = append(s.whole, wholePart{sparseop.NewTranspose(pool), make([]float32, s.p.Len())})
	}
	w := s.whole[n]
	w.t.Run(w.g, float32s(g.m.value(p.v)), float32s(g.m.value(p.x)), p.support, s.p.Cols)
	return w.g
}

// assemble sums the parts, projects, and takes the norm, a row at a time.
func (s *paramState) assemble(worker, lo, hi, block int) {
	cols, squares := s.p.Cols, 0.0
	g := s.rows[worker][:cols]
	for r := lo; r < hi; r++ {
		s.sum(g, r)
		if s.early || !s.p.Flags.Tangent {
			squares += kernel.SumSquares(g)
		}
		if s.p.Flags.Tangent {
			s.project(g, s.w[r*cols:(r+1)*cols])
		}
		if s.p.Flags.Tangent && !s.early {
			squares += kernel.SumSquares(g)
		}
		kernel.Stream(s.g[r*cols:(r+1)*cols], g)
	}
	kernel.Fence()
	s.norms[block] = squares
}

// sum sets g, row r of the gradient, to the parts in the order of use.
func (s *paramState) sum(g []float32, r int) {
	add := kernel.SetRows
	if len(s.dense) > 0 || len(s.sparse) == 0 {
		clear(g)
		add = kernel.SumRows
	}
	for _, d := range s.dense {
		kernel.Add(g, d[r*len(g):(r+1)*len(g)])
	}
	for i := range s.sparse {
		sp := &s.sparse[i]
		rows, ahead, first := sp.s.Rows32(r)
		add(g, sp.v[first:first+len(rows)], sp.x, rows, ahead)
		add = kernel.SumRows
	}
}

// raw assembles the gradient of parameter i once more, unprojected.
func (o *optimizer) raw(g *Graph, i int) []float32 {
	s := o.params[i]
	s.collect(g, g.parts[i], o.pool)
	dst := make([]float32, s.p.Len())
	for r := range s.p.Rows {
		s.sum(dst[r*s.p.Cols:(r+1)*s.p.Cols], r)
	}
	return dst
}
