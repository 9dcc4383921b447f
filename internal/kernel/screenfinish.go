package kernel

import (
	"math"

	"github.com/saectl/saectl/internal/reuse"
)

// finish scores what is left of row i, whose number is row, and reports
// whether that decides it. The latents with the K largest estimates come first:
// the K-th of their keys is a bound that rules out most of the others.
func (c *screenRows) finish(i, row int) bool {
	s, state, p := c.z.sel, &c.rows[i], &c.picks[i]
	k, guessed, inf := s.pass.largest, state.above > s.pass.floor, float32(math.Inf(1))
	if state.wild || guessed && p.len() < k {
		return false
	}
	c.kept.reset()
	must := s.pass.floor
	if guessed || k > 0 && p.len() > k {
		least := c.z.kernel.kthFrom(p.key, k, state.least, roughly)
		c.score(p, row, least, inf, -inf)
		bound := c.bound(k)
		if guessed && !(bound > state.above) {
			return false // the guess was not below it
		}
		must = max(must, math.Nextafter32(bound, 0)) // a key at the bound may win its tie
		c.keepAbove(must)
		c.score(p, row, -inf, least, must)
	} else {
		c.score(p, row, -inf, inf, -inf)
	}
	c.keepAbove(must)
	out := &s.perRow[row]
	c.order(out)
	if k > 0 && out.len() > k {
		bound := c.z.kernel.kthFrom(out.key, k, must, 0)
		out.keep(bound, k-countAbove(out.key, bound))
	}
	return true
}

// order sets out to what is kept, in ascending order.
func (c *screenRows) order(out *picks) {
	if c.kept.len() > orderRoom {
		c.kept.sort()
		out.copy(&c.kept)
		return
	}
	n := c.kept.len()
	out.reset()
	out.reserve(n)
	out.cut(n)
	c.z.kernel.order(c.kept.index, out.index, c.kept.key, out.key, c.kept.score, out.score)
}

// roughly is how many places in the order of float32 a bound may be too low
// where this costs no more than a latent scored in vain.
const roughly = 1 << 11

// score scores those picks of a row whose estimate is in [least, below) and
// may reach above must.
func (c *screenRows) score(p *picks, row int, least, below, must float32) {
	s := c.z.sel
	c.place = reuse.Slice(c.place, p.len()+block)
	n := c.z.kernel.choose(p.key, p.score, p.index, least, below, must, c.place)
	c.place = c.place[:n]
	c.scored += n
	c.latents()
	c.scores = reuse.Slice(c.scores, roundUp(n, block))
	s.set.dots(c.scores[:len(c.latent)], s.x[row*s.d:(row+1)*s.d], s.w, c.latent, s.f)
	for i := n; i < len(c.scores); i++ {
		c.scores[i] = float32(math.NaN()) // which nothing keeps
	}
	if s.bias != nil {
		for i, f := range c.latent[:n] {
			c.scores[i] += s.bias[f]
		}
	}
	c.keys = c.scores
	if !c.plain {
		c.rankScores(n)
	}
}

// latents lists the numbers of the latents at the places that are scored, and
// the last one again to a multiple of what Dots takes at once.
func (c *screenRows) latents() {
	c.latent = c.latent[:0]
	for _, place := range c.place {
		c.latent = append(c.latent, c.z.sel.latent(place))
	}
	for len(c.latent)%dotsAtOnce != 0 {
		c.latent = append(c.latent, c.latent[len(c.latent)-1])
	}
}

// dotsAtOnce is how many rows the kernels of Dots share the loads of x among.
const dotsAtOnce = 4

// rankScores makes the keys of n scores where they differ.
func (c *screenRows) rankScores(n int) {
	c.ranked = reuse.Slice(c.ranked, len(c.scores))
	copy(c.ranked[n:], c.scores[n:])
	for i, f := range c.latent[:n] {
		c.ranked[i] = c.z.sel.rule.key(c.scores[i], 0, int(f))
	}
	c.keys = c.ranked
}

// bound is about the K-th largest key of those scored, and no larger; or the
// floor where that is larger.
func (c *screenRows) bound(k int) float32 {
	return c.z.kernel.kthFrom(c.keys[:len(c.place)], k, c.z.sel.pass.floor, roughly)
}

// keepAbove keeps those scored whose keys are above must.
func (c *screenRows) keepAbove(must float32) {
	n := c.kept.len()
	c.kept.collect(c.z.sel.set, c.keys, c.scores, must, 0)
	for i, at := range c.kept.index[n:] {
		c.kept.index[n+i] = c.place[at]
	}
}
