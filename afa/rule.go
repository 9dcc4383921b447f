package afa

import "math"

// sentinel is the norm that the reference gives to the last of the F prefixes
// in place of its own, the root of 1e8. It keeps a row from taking every
// latent, unless the norm aimed at is nearer to the sentinel.
const sentinel = 1e4

// nearest is how many of a row's keys, in falling order, the rule keeps: the
// shortest prefix whose norm is nearest to t, F the latents in all and target
// the square of t. Norms are compared, not their squares. It is -1 when keys
// that are not above the floor decide.
//
// Sums of squares are taken in float64. The reference rounds them to float32,
// so that beyond the last positive key it drops those too small to move the
// sum; here they are kept.
func (b *buckets) nearest(keys []float32, f int, t, target float64) int {
	c := b.cross(keys, target)
	switch {
	case c.n == 0 && b.floor > 0:
		return -1
	case c.total == 0 || f == 1:
		return c.total
	}
	k, miss := b.closest(keys, c, f, t)
	if math.Abs(sentinel-t) >= miss {
		return k
	}
	if b.floor > 0 {
		return -1
	}
	return b.total()
}

// closest compares the prefix that reaches t with the one before, and how far
// the nearer one is from t. All F keys together are no prefix: the sentinel
// stands for them.
func (b *buckets) closest(keys []float32, c crossing, f int, t float64) (k int, miss float64) {
	switch {
	case c.n == 0 && c.total < f:
		return c.total, t - math.Sqrt(c.at)
	case c.n == 0:
		last := float64(b.smallest(keys))
		return f - 1, math.Abs(t - math.Sqrt(c.at-last*last))
	case c.n == f:
		return f - 1, t - math.Sqrt(c.below)
	}
	over, under := math.Sqrt(c.at)-t, t-math.Sqrt(c.below)
	if c.n > 1 && under <= over {
		return c.n - 1, under
	}
	return c.n, over
}

// total is how many positive keys there are.
func (b *buckets) total() (n int) {
	for _, c := range b.count {
		n += int(c)
	}
	return n
}
