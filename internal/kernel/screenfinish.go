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
		c.rank.take(p.key)
		least := c.rank.kth(k)
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
	c.kept.sort()
	s.perRow[row].copy(&c.kept)
	if out := &s.perRow[row]; k > 0 && out.len() > k {
		out.keepLargest(k, &c.rank)
	}
	return true
}

// score scores those picks of a row whose estimate is in [least, below) and
// may reach above must.
func (c *screenRows) score(p *picks, row int, least, below, must float32) {
	s := c.z.sel
	c.place, c.latent = c.place[:0], c.latent[:0]
	for j, key := range p.key {
		if key >= least && key < below && !(p.score[j] <= must) {
			c.place = append(c.place, p.index[j])
			c.latent = append(c.latent, s.latent(p.index[j]))
		}
	}
	c.scored += len(c.place)
	c.scores, c.keys = reuse.Slice(c.scores, len(c.place)), reuse.Slice(c.keys, len(c.place))
	s.set.dots(c.scores, s.x[row*s.d:(row+1)*s.d], s.w, c.latent, s.f)
	for i, f := range c.latent {
		if s.bias != nil {
			c.scores[i] += s.bias[f]
		}
		c.keys[i] = c.scores[i]
		if !c.plain {
			c.keys[i] = s.rule.key(c.scores[i], 0, int(f))
		}
	}
}

// bound is the K-th largest key of those scored, or the floor where it is no
// larger.
func (c *screenRows) bound(k int) float32 {
	floor := c.z.sel.pass.floor
	c.rank.take(c.keys)
	for i, key := range c.rank.x {
		if !(key > floor) {
			c.rank.x[i] = floor
		}
	}
	return c.rank.kth(k)
}

// keepAbove keeps those scored whose keys are above must.
func (c *screenRows) keepAbove(must float32) {
	for i, key := range c.keys {
		if key > must {
			c.kept.add(key, c.scores[i], c.place[i])
		}
	}
}
