package afa

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// A chooser decides rows, one at a time, and owns what that takes.
type chooser struct {
	p          *picker
	b          buckets
	t, target  float64   // norm of the row and its square
	candidates []int32   // latents that may be kept, ascending
	scores     []float32 // of the candidates
	keys       []float32 // scores times decoder norms
	guess      int       // a bucket that the next row's lowest should not be below; changes no result
}

// row fills dst with the latents that x keeps, given estimates [F] of its
// scores.
func (c *chooser) row(dst *picks, x, estimates []float32) {
	c.target = kernel.SumSquares(x)
	c.t = math.Sqrt(c.target)
	slack := c.slack()
	lowest := c.screen(estimates, slack)
	k := -1
	for ; k < 0; lowest = 0 {
		c.list(estimates, slack, lowest)
		c.score(x)
		k = c.b.nearest(c.keys, c.p.f, c.t, c.target, lowest)
	}
	c.keep(dst, k)
}

// slack is s such that the estimate of latent i is within s·||w_i|| of its
// inner product. Either is a sum of D products in float32, in some order, and
// off by at most D·u/(1-D·u)·||x||·||w_i||, u = 2^-24 (Higham 2002, "Accuracy
// and Stability of Numerical Algorithms", section 3.1); 4 more covers the
// arithmetic of the bound. It is infinite where products may overflow.
func (c *chooser) slack() float32 {
	const u = 0x1p-24
	n := float64(c.p.d+4) * u
	if n < 0.5 && c.t*c.p.widest < 1e37 {
		return float32(2 * n / (1 - n) * c.t * (1 + 2*u))
	}
	return float32(math.Inf(1))
}

// screen is the lowest bucket that may decide, going by the largest keys that
// the estimates allow. One bucket more is taken than they need.
func (c *chooser) screen(estimates []float32, slack float32) (lowest int) {
	if math.IsInf(float64(slack), 1) {
		return 0
	}
	c.b.start(c.t)
	if lowest = c.reaches(estimates, slack, c.guess); lowest == 0 && c.guess > 0 {
		c.b.start(c.t)
		lowest = c.reaches(estimates, slack, 0)
	}
	c.guess = max(0, lowest-octave/2)
	return lowest
}

// reaches fills the buckets from least up, and perhaps some below, and gives
// the one under that in which their sum reaches the target; 0 when it does
// not.
func (c *chooser) reaches(estimates []float32, slack float32, least int) int {
	below := c.below(least, slack)
	reach, norms := c.p.reach[:len(estimates)], c.p.norms[:len(estimates)]
	for i, s := range estimates {
		if s > below {
			key := positive((s + slack*reach[i]) * norms[i])
			c.b.sum[c.b.of(key)] += float64(key) * float64(key)
		}
	}
	sum := 0.0
	for i := bucketCount - 1; i > least; i-- {
		if sum += c.b.sum[i]; sum >= c.target {
			return i - 1
		}
	}
	return 0
}

// below is an estimate at or below which no latent's key can lie in the
// given bucket or above. Most of a row is passed over by it alone.
func (c *chooser) below(bucket int, slack float32) float32 {
	const rounding = 1e-6
	edge := float64(c.b.edge(bucket)) / c.p.longest * (1 - rounding)
	return float32(edge - float64(slack)*c.p.widest*(1+rounding))
}

// positive is max(x, 0) without a branch: signs of scores cannot be foreseen.
func positive(x float32) float32 {
	bits := math.Float32bits(x)
	return math.Float32frombits(bits &^ uint32(int32(bits)>>31))
}

// list makes the candidates: latents whose key may lie in the bucket lowest
// or above. With lowest 0 those are all that may be positive.
func (c *chooser) list(estimates []float32, slack float32, lowest int) {
	if f := len(estimates); cap(c.candidates) < f {
		c.candidates, c.scores, c.keys = make([]int32, f), make([]float32, f), make([]float32, f)
	}
	all, n := c.candidates[:len(estimates)], 0
	if math.IsInf(float64(slack), 1) {
		for i := range all {
			all[i] = int32(i)
		}
		c.candidates = all
		return
	}
	below := c.below(lowest, slack)
	reach, norms := c.p.reach[:len(estimates)], c.p.norms[:len(estimates)]
	for i, s := range estimates {
		if s > below {
			key := positive((s + slack*reach[i]) * norms[i])
			if key > 0 && c.b.of(key) >= lowest {
				all[n] = int32(i)
				n++
			}
		}
	}
	c.candidates = all[:n]
}

// score computes the numbers that decide.
func (c *chooser) score(x []float32) {
	n := len(c.candidates)
	c.scores, c.keys = c.scores[:n], c.keys[:n]
	kernel.Dots(c.scores, x, c.p.w, c.candidates)
	for i, f := range c.candidates {
		c.keys[i] = c.scores[i] * c.p.norms[f]
	}
	c.b.start(c.t)
	c.b.fill(c.keys)
}

// keep copies the k candidates with the largest keys, of equal ones those of
// lower latents.
func (c *chooser) keep(dst *picks, k int) {
	cut := c.b.first(c.keys, k)
	dst.index, dst.score = dst.index[:0], dst.score[:0]
	for i, key := range c.keys {
		if key == cut.least && cut.ties > 0 {
			cut.ties--
		} else if !(key > cut.least) {
			continue
		}
		dst.index, dst.score = append(dst.index, c.candidates[i]), append(dst.score, c.scores[i])
	}
}
