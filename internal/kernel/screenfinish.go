package kernel

import "math"

// finish scores what is left of row i, whose number is row, and reports
// whether that decides it.
func (c *screenRows) finish(i, row int) bool {
	s, state, p := c.z.sel, &c.rows[i], &c.picks[i]
	if state.wild {
		return false
	}
	c.sort(p)
	for j := range p.score {
		p.score[j] = float32(math.NaN())
	}
	k, guessed := s.pass.largest, state.above > s.pass.floor
	if guessed && p.len() < k {
		return false
	}
	if guessed || k > 0 && p.len() > k {
		bound := c.bound(p, row, k)
		if guessed && !(bound > state.above) {
			return false // the guess was not below it
		}
		c.drop(state, p, below(bound))
	}
	c.score(p, row, float32(math.Inf(-1)))
	out := &s.perRow[row]
	out.reset()
	for j, f := range p.index {
		if key := s.key(p.score[j], f); key > s.pass.floor {
			out.add(key, p.score[j], f)
		}
	}
	if k > 0 && out.len() > k {
		out.keepLargest(k, &c.rank)
	}
	return true
}

// sort merges the latents of the sample, which stand first, with the others.
func (c *screenRows) sort(p *picks) {
	split := 1
	for split < p.len() && p.index[split] > p.index[split-1] {
		split++
	}
	if split >= p.len() {
		return
	}
	m := &c.merged
	m.reset()
	m.reserve(p.len())
	i, j := 0, split
	for i < split || j < p.len() {
		from := &i
		if i == split || j < p.len() && p.index[j] < p.index[i] {
			from = &j
		}
		m.add(p.key[*from], 0, p.index[*from])
		*from++
	}
	copy(p.key, m.key)
	copy(p.index, m.index)
}

// below is the next number below a positive one: a key equal to a bound may
// win its tie.
func below(x float32) float32 { return math.Nextafter32(x, 0) }

// bound scores the latents with the K largest estimates. The K-th of their
// keys is a bound that no smaller key is kept at.
func (c *screenRows) bound(p *picks, row, k int) float32 {
	s := c.z.sel
	c.rank.take(p.key)
	c.score(p, row, c.rank.kth(k))
	c.rank.take(nil)
	for _, j := range c.place {
		if key := s.key(p.score[j], p.index[j]); key > s.pass.floor {
			c.rank.add(key)
			continue
		}
		c.rank.add(s.pass.floor)
	}
	return c.rank.kth(k)
}

// score scores those picks of a row whose estimate is not below least and that
// have no score.
func (c *screenRows) score(p *picks, row int, least float32) {
	s := c.z.sel
	c.place, c.latent = c.place[:0], c.latent[:0]
	for j, key := range p.key {
		if key >= least && p.score[j] != p.score[j] {
			c.place, c.latent = append(c.place, j), append(c.latent, s.latent(p.index[j]))
		}
	}
	c.scored += len(c.place)
	c.scores = grow(c.scores, len(c.place))
	s.set.dots(c.scores, s.x[row*s.d:(row+1)*s.d], s.w, c.latent, s.f)
	for i, j := range c.place {
		p.score[j] = c.scores[i]
		if s.bias != nil {
			p.score[j] += s.bias[c.latent[i]]
		}
	}
}
