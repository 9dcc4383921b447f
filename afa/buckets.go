package afa

import (
	"math"
	"slices"
)

// buckets sort the keys of a row, each a·n, by size without comparing them: a
// bucket holds the keys of one 32nd of an octave, and only the bucket that
// decides is ever sorted. The range follows the norm t that is aimed at: a
// latent far below t hardly counts, so all that are lie in the lowest bucket,
// and all above 2t in the highest.
//
// Bucket sums are taken in the order of latents, so what is decided from a
// bucket and those above depends on the keys in them alone.
type buckets struct {
	base   int
	count  [bucketCount]int32
	sum    [bucketCount]float64 // of squared keys
	sorted []float32            // keys of one bucket, falling
}

const (
	bucketShift = 18 // keeps 5 bits of a float32's fraction
	octave      = 1 << (23 - bucketShift)
	bucketCount = 16 * octave
)

// start empties the buckets for a row of norm t.
func (b *buckets) start(t float64) {
	b.base = int(math.Float32bits(float32(t))>>bucketShift) - (bucketCount - octave)
	clear(b.count[:])
	clear(b.sum[:])
}

// of is the bucket of a positive key.
func (b *buckets) of(key float32) int {
	return min(max(int(math.Float32bits(key)>>bucketShift)-b.base, 0), bucketCount-1)
}

// edge is the least key of bucket i, 0 of the lowest.
func (b *buckets) edge(i int) float32 {
	if i == 0 || i+b.base <= 0 {
		return 0
	}
	return math.Float32frombits(uint32(i+b.base) << bucketShift)
}

// fill counts the positive keys.
func (b *buckets) fill(keys []float32) {
	for _, k := range keys {
		if k > 0 {
			i := b.of(k)
			b.count[i]++
			b.sum[i] += float64(k) * float64(k)
		}
	}
}

// sort lists the keys of bucket i, largest first, until the next call.
func (b *buckets) sort(keys []float32, i int) []float32 {
	b.sorted = b.sorted[:0]
	for _, k := range keys {
		if k > 0 && b.of(k) == i {
			b.sorted = append(b.sorted, k)
		}
	}
	slices.Sort(b.sorted)
	slices.Reverse(b.sorted)
	return b.sorted
}

// crossing is the first prefix, of the keys in falling order, whose sum of
// squares reaches a target: the first n keys sum to at, the first n-1 to
// below. n is 0 when the buckets from lowest up do not reach it; then total
// keys sum to at.
type crossing struct {
	n, total  int
	below, at float64
}

func (b *buckets) cross(keys []float32, target float64, lowest int) (c crossing) {
	for i := bucketCount - 1; i >= lowest; i-- {
		if b.count[i] == 0 {
			continue
		}
		if c.at+b.sum[i] < target {
			c.total, c.at = c.total+int(b.count[i]), c.at+b.sum[i]
			continue
		}
		for _, k := range b.sort(keys, i) {
			c.total, c.below = c.total+1, c.at
			if c.at += float64(k) * float64(k); c.at >= target {
				c.n = c.total
				return c
			}
		}
	}
	return c
}

// cut says which keys are the first n: all that are greater than least and
// the first ties of those that equal it.
type cut struct {
	least float32
	ties  int
}

// first is the cut after the n largest keys, of which there must be n.
func (b *buckets) first(keys []float32, n int) (c cut) {
	if n == 0 {
		return cut{least: float32(math.Inf(1))}
	}
	i := bucketCount - 1
	for ; int(b.count[i]) < n; i-- {
		n -= int(b.count[i])
	}
	sorted := b.sort(keys, i)[:n]
	c.least = sorted[n-1]
	for _, k := range sorted {
		if k == c.least {
			c.ties++
		}
	}
	return c
}

// smallest is the smallest positive key, 0 for none.
func (b *buckets) smallest(keys []float32) float32 {
	for i, n := range b.count {
		if n > 0 {
			return b.sort(keys, i)[n-1]
		}
	}
	return 0
}
