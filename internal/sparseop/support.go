package sparseop

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
)

// A Support says which latents of each row are kept: CSR, with the latents of
// a row ascending, and after Index a CSC copy. It carries no gradient. The
// Select that made it overwrites it on each run of the graph.
type Support struct {
	B, F, Cap int            // rows, latents, entries that fit
	Node      *gorgonia.Node // [Cap] scores; ops on the support take it as an input so that they run later
	Rows      int            // rows in use of B; the others keep nothing

	csr      kernel.Support
	csc      columns
	byLatent bool // the CSC is made
}

// columns lists the entries of a support by latent.
type columns struct {
	ptr   []int32 // [F+1]
	row   []int32 // [n] row of each entry
	entry []int32 // [n] its place in the CSR order
}

// Count is the number of entries in use.
func (s *Support) Count() int { return len(s.csr.Index) }

// RowPtr [B+1] and Index [n] are the support in CSR, owned by it and valid
// until the next run.
func (s *Support) RowPtr() []int32 { return s.csr.RowPtr }

// Index lists the kept latents, ascending in each row.
func (s *Support) Index() []int32 { return s.csr.Index }

// Score lists <x,w>+b of each entry, as Select computed it.
func (s *Support) Score() []float32 { return s.csr.Score }

// Row returns the entries lo to hi of row b.
func (s *Support) Row(b int) (lo, hi int) { return int(s.csr.RowPtr[b]), int(s.csr.RowPtr[b+1]) }

// column returns the row of each entry of latent f and its place in the CSR
// order, rows ascending, once these have been sorted.
func (s *Support) column(f int) (row, entry []int32) {
	lo, hi := s.csc.ptr[f], s.csc.ptr[f+1]
	return s.csc.row[lo:hi], s.csc.entry[lo:hi]
}

// Rows32 returns the rows of latent f's entries, as many of the next latents',
// and where the first start in the order of a Sorter, which has been used before.
func (s *Support) Rows32(f int) (rows, ahead []int32, first int) {
	lo, hi := int(s.csc.ptr[f]), int(s.csc.ptr[f+1])
	return s.csc.row[lo:hi], kernel.After(s.csc.row, lo, hi), lo
}

// A Sorter brings values into the order of latents. The zero value is ready.
type Sorter struct{ sorter[float32] }

// Sort copies values v [Cap] of s into dst in the order of latents, rows
// ascending, growing dst as needed.
func (r *Sorter) Sort(pool *kernel.Pool, dst, v []float32, s *Support) []float32 {
	return r.run(pool, dst, v, s)
}

// Set replaces the support by the given rows, for tests and for encoders that
// pick latents themselves. The slices are copied.
func (s *Support) Set(rowPtr, index []int32, score []float32) {
	s.csr.RowPtr = append(s.csr.RowPtr[:0], rowPtr...)
	s.csr.Index = append(s.csr.Index[:0], index...)
	s.csr.Score = append(s.csr.Score[:0], score...)
	s.finish()
}

// finish brings the CSR to B rows. The CSC copy is then of another run.
func (s *Support) finish() {
	for len(s.csr.RowPtr) < s.B+1 {
		s.csr.RowPtr = append(s.csr.RowPtr, int32(len(s.csr.Index)))
	}
	s.byLatent = false
}

// sortByLatent makes the CSC copy unless there is one: a counting sort, which
// keeps rows ascending within a latent. What encodes only never asks for it.
func (s *Support) sortByLatent() {
	if s.byLatent {
		return
	}
	s.byLatent = true
	c, n := &s.csc, len(s.csr.Index)
	c.ptr = append(c.ptr[:0], make([]int32, s.F+1)...)
	c.row, c.entry = grow(c.row, n), grow(c.entry, n)
	for _, f := range s.csr.Index {
		c.ptr[f+1]++
	}
	for f := range s.F {
		c.ptr[f+1] += c.ptr[f]
	}
	for b := range s.B {
		lo, hi := s.Row(b)
		for e := lo; e < hi; e++ {
			f := s.csr.Index[e]
			c.row[c.ptr[f]], c.entry[c.ptr[f]] = int32(b), int32(e)
			c.ptr[f]++
		}
	}
	copy(c.ptr[1:], c.ptr[:s.F])
	c.ptr[0] = 0
}

// grow is s with a length of n entries. Unlike reuse.Slice it makes room for a
// quarter more, since how many latents a batch keeps differs from step to step.
func grow[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n, n+n/4)
	}
	return s[:n]
}
