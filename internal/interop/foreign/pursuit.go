package foreign

import (
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// pursuit is the scratch space of matching pursuit, one a worker.
type pursuit struct {
	found   [][]found // [N] what each row took
	workers []chaser
}

// found is a latent of a row and its value so far.
type found struct {
	latent int32
	value  float32
}

type chaser struct {
	rows   []float32 // [rowBlock,D] what is left of the rows that go on
	row    []int     // their numbers
	scores []float32 // [rowBlock,latentBlock]
	best   []float32 // [rowBlock] the largest score so far
	atom   []int32   // [rowBlock] its latent
}

// latentBlock is how many latents are scored for all rows of a block at a time.
const latentBlock = 512

// pursue encodes n rows of m.input by matching pursuit (SAELens 6.26 and later):
// in each round a row takes the latent of the largest positive product with what
// is left of it, the first of equals.
func (m *Model) pursue(n int) (sae.Encoded, error) {
	p := &m.chase
	for len(p.found) < n {
		p.found = append(p.found, nil)
	}
	for len(p.workers) < m.pool.Threads() {
		p.workers = append(p.workers, chaser{
			rows: make([]float32, rowBlock*m.D), scores: make([]float32, rowBlock*latentBlock),
			best: make([]float32, rowBlock), atom: make([]int32, rowBlock),
		})
	}
	m.pool.Run(blocksOf(n), kernel.TaskFunc(func(worker, block int) {
		p.workers[worker].chase(m, block*rowBlock, min(n, (block+1)*rowBlock))
	}))
	c := &m.codes
	c.N, c.F = n, m.F
	c.RowPtr, c.Index, c.Value = append(c.RowPtr[:0], 0), c.Index[:0], c.Value[:0]
	for _, row := range p.found[:n] {
		slices.SortFunc(row, func(a, b found) int { return int(a.latent - b.latent) })
		for _, f := range row {
			c.Index, c.Value = append(c.Index, f.latent), append(c.Value, f.value)
		}
		c.RowPtr = append(c.RowPtr, int32(len(c.Index)))
	}
	return *c, nil
}

// chase pursues rows [lo,hi).
func (w *chaser) chase(m *Model, lo, hi int) {
	w.row = w.row[:0]
	for i := lo; i < hi; i++ {
		m.chase.found[i] = m.chase.found[i][:0]
		copy(w.rows[len(w.row)*m.D:], m.input.X[i*m.D:(i+1)*m.D])
		w.row = append(w.row, i)
	}
	for range m.SAE.MaxIterations {
		if len(w.row) == 0 {
			return
		}
		w.score(m)
		to := 0
		for i, number := range w.row {
			left := w.rows[i*m.D : (i+1)*m.D]
			if w.take(m, i, number, left) {
				copy(w.rows[to*m.D:], left)
				w.row[to] = number
				to++
			}
		}
		w.row = w.row[:to]
	}
}

// score finds the best latent of each row that goes on.
func (w *chaser) score(m *Model) {
	rows, d := len(w.row), m.D
	clear(w.best)
	clear(w.atom)
	for first := 0; first < m.F; first += latentBlock {
		n := min(latentBlock, m.F-first)
		kernel.DotBlock(w.scores, latentBlock, w.rows, m.decoder[first*d:(first+n)*d], rows, n, d)
		for i := range rows {
			for j, s := range w.scores[i*latentBlock : i*latentBlock+n] {
				if s > w.best[i] {
					w.best[i], w.atom[i] = s, int32(first+j)
				}
			}
		}
	}
}

// take adds the best latent to a row and reports whether the row goes on.
func (w *chaser) take(m *Model, i, number int, left []float32) bool {
	value, latent := w.best[i], w.atom[i]
	changed := false
	if value > 0 {
		row := &m.chase.found[number]
		at := slices.IndexFunc(*row, func(f found) bool { return f.latent == latent })
		if changed = at < 0; changed {
			*row = append(*row, found{latent, value})
		} else {
			(*row)[at].value += value
		}
		kernel.Axpy(left, -value, m.decoder[int(latent)*m.D:(int(latent)+1)*m.D])
	}
	if value == 0 || m.SAE.StopOnDuplicate && !changed {
		return false
	}
	t := m.SAE.ResidualThreshold
	return t == 0 || math.Sqrt(kernel.SumSquares(left)) >= t
}
