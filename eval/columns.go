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
const columnChunk = 128

// add takes in n rows of x - y, both [n,D]; y is nil for rows of x. Each column
// is summed in the order of the rows.
func (c *columnSums) add(pool *kernel.Pool, n int, x, y []float32) {
	d := len(c.sum)
	if n == 0 {
		return
	}
	if c.n == 0 {
		for j, v := range x[:d] {
			c.shift[j] = float64(v)
			if y != nil {
				c.shift[j] -= float64(y[j])
			}
		}
	}
	pool.Run((d+columnChunk-1)/columnChunk, kernel.TaskFunc(func(_, item int) {
		lo, hi := item*columnChunk, min(d, (item+1)*columnChunk)
		var other []float32
		if y != nil {
			other = y[lo:]
		}
		kernel.AddMoments(c.sum[lo:hi], c.sq[lo:hi], c.shift[lo:hi], x[lo:], other, d, n)
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
