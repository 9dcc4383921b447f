package eval

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// columnSums are the first and second moments of each column of a matrix that
// is given batch by batch. The first row is taken off before summing, so that
// a mean that is huge beside the spread costs no digits.
type columnSums struct {
	n     int64
	shift []float64 // [D] the first row
	sum   []float64 // [D] Σ (v - shift)
	sq    []float64 // [D] Σ (v - shift)²
}

func newColumnSums(d int) *columnSums {
	return &columnSums{shift: make([]float64, d), sum: make([]float64, d), sq: make([]float64, d)}
}

// columnChunk is how many columns a task takes at a time.
const columnChunk = 64

// add takes in the rows of s; at puts the elements lo to hi of row i into dst.
// Each column is summed in the order of the rows.
func (c *columnSums) add(s *Sample, at func(i, lo, hi int, dst []float64)) {
	c.addRows(s.pool, s.N, at)
}

func (c *columnSums) addRows(pool *kernel.Pool, n int, at func(i, lo, hi int, dst []float64)) {
	if n == 0 {
		return
	}
	if c.n == 0 {
		at(0, 0, len(c.sum), c.shift)
	}
	chunks := (len(c.sum) + columnChunk - 1) / columnChunk
	pool.Run(chunks, task(func(_, item int) {
		lo, hi := item*columnChunk, min(len(c.sum), (item+1)*columnChunk)
		var row [columnChunk]float64
		for i := range n {
			at(i, lo, hi, row[:])
			for j := lo; j < hi; j++ {
				v := row[j-lo] - c.shift[j]
				c.sum[j] += v
				c.sq[j] += v * v
			}
		}
	}))
	c.n += int64(n)
}

// mean is the mean of column j.
func (c *columnSums) mean(j int) float64 { return c.shift[j] + c.sum[j]/float64(c.n) }

// scatter is Σ (v - mean)² of column j.
func (c *columnSums) scatter(j int) float64 {
	return max(0, math.FMA(-c.sum[j]/float64(c.n), c.sum[j], c.sq[j]))
}

// total is the sum of the scatters of all columns.
func (c *columnSums) total() float64 {
	t := 0.0
	for j := range c.sum {
		t += c.scatter(j)
	}
	return t
}
