package eval

import (
	"math"
	"slices"
)

// quantile is the q-quantile of ascending values, with linear interpolation at
// place (n-1)q: the median of an even count is the mean of the middle two. NaN
// for no values.
func quantile[T float32 | float64](sorted []T, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	place := q * float64(len(sorted)-1)
	lo := int(place)
	hi := min(lo+1, len(sorted)-1)
	a, b := float64(sorted[lo]), float64(sorted[hi])
	return a + (b-a)*(place-float64(lo))
}

// counts is a histogram of small whole numbers.
type counts []int64

// add counts v.
func (c *counts) add(v int) {
	for v >= len(*c) {
		*c = append(*c, 0)
	}
	(*c)[v]++
}

// at is the value of rank i, counted from 0, of n values.
func (c counts) at(i int64) float64 {
	for v, n := range c {
		if i < n {
			return float64(v)
		}
		i -= n
	}
	return math.NaN()
}

// quantile is the q-quantile of the n values counted, as quantile gives it.
func (c counts) quantile(q float64, n int64) float64 {
	place := q * float64(n-1)
	lo := int64(place)
	a, b := c.at(lo), c.at(min(lo+1, n-1))
	return a + (b-a)*(place-float64(lo))
}

// gini is the Gini index of the absolute values, of n numbers of which those
// not listed are 0: Σ(2i-n-1)v_i / (nΣv) over ascending v, 0 when all are 0. It
// sorts values, which must not be negative.
func gini[T float32 | float64](values []T, n int) float64 {
	slices.Sort(values)
	weighted, sum := 0.0, 0.0
	first := n - len(values) // zeros come first
	for i, v := range values {
		weighted += float64(2*(first+i+1)-n-1) * float64(v)
		sum += float64(v)
	}
	if sum == 0 {
		return 0
	}
	return weighted / (float64(n) * sum)
}

// A spread keeps numbers that are not negative by their leading bits: sign,
// exponent and the first 11 bits of the fraction of a float32. Values in one
// of its bins differ by less than 0.05 %.
type spread struct {
	count []int64
	sum   []float64
}

const spreadShift = 23 - 11

func newSpread() *spread {
	n := int(math.Float32bits(math.MaxFloat32)>>spreadShift) + 1
	return &spread{count: make([]int64, n), sum: make([]float64, n)}
}

func (s *spread) add(v float32) {
	bin := math.Float32bits(v) >> spreadShift
	s.count[bin]++
	s.sum[bin] += float64(v)
}

// gini is the Gini index of n numbers of which those not added are 0. Values
// of one bin count as equal, which changes it by less than 1e-7.
func (s *spread) gini(n int64) float64 {
	added := int64(0)
	for _, c := range s.count {
		added += c
	}
	below, weighted, sum := float64(n-added), 0.0, 0.0
	for b, c := range s.count {
		weighted += (2*below + float64(c) - float64(n)) * s.sum[b]
		sum += s.sum[b]
		below += float64(c)
	}
	if sum == 0 {
		return 0
	}
	return weighted / (float64(n) * sum)
}
