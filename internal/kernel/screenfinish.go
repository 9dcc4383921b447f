package kernel

import "math"

// What screening leaves of an item's rows is scored in the order of latents:
// their weights are then read once and in sequence, while the rows, which are
// few, stay in the second-level cache.

// A rescore is a pick whose score is wanted.
type rescore struct {
	row   int32 // of the item
	place int32 // in the row's picks
}

// want asks for the scores of those picks of row i whose estimate is not below
// least and that have no score.
func (c *screenRows) want(i int, least float32) {
	p := &c.picks[i]
	for j, key := range p.key {
		if key >= least && p.score[j] != p.score[j] {
			c.wanted = append(c.wanted, rescore{int32(i), int32(j)})
		}
	}
}

// rescore scores what is wanted.
func (c *screenRows) rescore() {
	s := c.z.sel
	c.sortWanted()
	for lo := 0; lo < len(c.sorted); {
		hi, f := lo, c.latentOf(c.sorted[lo])
		c.rowOf = c.rowOf[:0]
		for ; hi < len(c.sorted) && c.latentOf(c.sorted[hi]) == f; hi++ {
			c.rowOf = append(c.rowOf, int32(c.number[c.sorted[hi].row]))
		}
		c.scores = grow(c.scores, hi-lo)
		latent := int(s.latent(f))
		s.set.dots(c.scores, s.w[latent*s.d:(latent+1)*s.d], s.x, c.rowOf, s.b)
		for i, r := range c.sorted[lo:hi] {
			score := c.scores[i]
			if s.bias != nil {
				score += s.bias[latent]
			}
			c.picks[r.row].score[r.place] = score
		}
		lo = hi
	}
	c.scored += len(c.wanted)
	c.wanted = c.wanted[:0]
}

func (c *screenRows) latentOf(r rescore) int32 { return c.picks[r.row].index[r.place] }

// sortWanted orders by latent, then by row: a counting sort.
func (c *screenRows) sortWanted() {
	c.start = grow(c.start, c.z.sel.n+1)
	clear(c.start)
	for _, r := range c.wanted {
		c.start[c.latentOf(r)+1]++
	}
	for f := range c.z.sel.n {
		c.start[f+1] += c.start[f]
	}
	c.sorted = grow(c.sorted, len(c.wanted))
	for _, r := range c.wanted {
		f := c.latentOf(r)
		c.sorted[c.start[f]] = r
		c.start[f]++
	}
}

// finish scores what is left of the rows and decides them; open are those
// that it cannot.
func (c *screenRows) finish() {
	s := c.z.sel
	k := s.pass.largest
	for i := range c.number {
		state, p := &c.rows[i], &c.picks[i]
		state.guessed = state.above > s.pass.floor
		if state.wild = state.wild || state.guessed && p.len() < k; state.wild {
			p.reset()
			continue
		}
		c.sort(p)
		for j := range p.score {
			p.score[j] = float32(math.NaN())
		}
		if state.bounded = state.guessed || k > 0 && p.len() > k; state.bounded {
			c.rank.take(p.key)
			c.want(i, c.rank.kth(k))
		}
	}
	c.rescore()
	c.open = c.open[:0]
	for i := range c.number {
		c.tighten(i)
		c.want(i, float32(math.Inf(-1)))
	}
	c.rescore()
	for i, row := range c.number {
		if c.rows[i].wild {
			c.open = append(c.open, row)
			continue
		}
		c.decide(&c.picks[i], &s.perRow[row])
	}
}

// tighten drops the picks of row i that cannot be among its K largest, now
// that those with the K largest estimates have scores: the K-th of their keys
// is a bound that no smaller key is kept at.
func (c *screenRows) tighten(i int) {
	s, state, p := c.z.sel, &c.rows[i], &c.picks[i]
	if state.wild || !state.bounded {
		return
	}
	c.rank.take(nil)
	for j, score := range p.score {
		if key := s.key(score, p.index[j]); key > s.pass.floor {
			c.rank.add(key)
		}
	}
	for len(c.rank.x) < s.pass.largest {
		c.rank.add(s.pass.floor)
	}
	bound := c.rank.kth(s.pass.largest)
	if state.guessed && !(bound > state.above) {
		state.wild = true // the guess was not below it
		p.reset()
		return
	}
	c.drop(state, p, math.Nextafter32(bound, 0)) // a key equal to the bound may win its tie
}

// decide leaves the picks of a row whose keys, from their scores, are kept.
func (c *screenRows) decide(p, out *picks) {
	s := c.z.sel
	out.reset()
	for j, f := range p.index {
		if key := s.key(p.score[j], f); key > s.pass.floor {
			out.add(key, p.score[j], f)
		}
	}
	if k := s.pass.largest; k > 0 && out.len() > k {
		out.keepLargest(k, &c.rank)
	}
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
	*p, *m = *m, *p
}
