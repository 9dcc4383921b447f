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
// Keys at or below a floor are left out. Bucket sums are taken in the order of
// latents, so what is decided by keys above the floor does not depend on it.
type buckets struct {
	base   int
	floor  float32
	count  [bucketCount]int32
	sum    [bucketCount]float64 // of squared keys
	sorted []float32            // keys of one bucket, falling
}

const (
	bucketShift = 18 // keeps 5 bits of a float32's fraction
	octave      = 1 << (23 - bucketShift)
	bucketCount = 16 * octave
)

// fill empties the buckets and takes the keys greater than floor, which is
// not negative, of a row of norm t.
func (b *buckets) fill(keys []float32, t float64, floor float32) {
	b.base, b.floor = base(t), floor
	clear(b.count[:])
	clear(b.sum[:])
	for _, k := range keys {
		if k > floor {
			i := b.of(k)
			b.count[i]++
			b.sum[i] += float64(k) * float64(k)
		}
	}
}

// base is the number, counted from key 0, of the lowest bucket for norm t.
func base(t float64) int {
	return int(math.Float32bits(float32(t))>>bucketShift) - (bucketCount - octave)
}

// of is the bucket of a positive key.
func (b *buckets) of(key float32) int {
	return min(max(int(math.Float32bits(key)>>bucketShift)-b.base, 0), bucketCount-1)
}

// sort lists the keys of bucket i, largest first, until the next call.
func (b *buckets) sort(keys []float32, i int) []float32 {
	b.sorted = b.sorted[:0]
	for _, k := range keys {
		if k > b.floor && b.of(k) == i {
			b.sorted = append(b.sorted, k)
		}
	}
	slices.Sort(b.sorted)
	slices.Reverse(b.sorted)
	return b.sorted
}

// crossing is the first prefix, of the keys in falling order, whose sum of
// squares reaches a target: the first n keys sum to at, the first n-1 to
// below. n is 0 when all do not reach it; then the total of them sum to at.
type crossing struct {
	n, total  int
	below, at float64
}

func (b *buckets) cross(keys []float32, target float64) (c crossing) {
	for i := bucketCount - 1; i >= 0; i-- {
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
