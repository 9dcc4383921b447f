package kernel

import (
	"math"

	"github.com/saectl/saectl/internal/reuse"
)

// A finisher scores what screening left of the rows of an item. Their weights
// come from beyond the caches of a core, which waits for them longer than it
// computes; so they are brought in and scored while the next item is screened,
// which computes and hardly loads.
type finisher struct {
	c *screenRows
	*bank
	next int // row of the bank that is begun next

	// Of the row under way, in the order of the bank and of the call:
	i, row  int
	stage   finishStage
	guessed bool    // its bound is a guess
	least   float32 // the K-th largest estimate, about
	must    float32 // what its keys must exceed
	kept    picks   // what may be among its keys

	place   []int32   // of the latents that are scored
	latent  []int32   // and their numbers
	scores  []float32 // and scores
	keys    []float32 // and keys: the scores, or ranked
	ranked  []float32
	fetched int // latents whose weights were asked for
	scored  int // and that have scores, without the bias

	beside      bool                  // tiles make dot products
	ahead, near *[besideRows]*float32 // rows of weights to bring in, and that were by the tile before
	turns       [2][besideRows]*float32
	none        [besideRows]*float32 // rows that are in cache
	dots        [besideRows]float32
}

// finishStage says what the latents chosen of a row are.
type finishStage int

const (
	noRow      finishStage = iota
	firstPart              // those with the K largest estimates
	secondPart             // the others
)

// begin takes over a bank of rows.
func (f *finisher) begin(b *bank) {
	f.bank, f.next, f.row, f.stage, f.latent, f.fetched, f.scored = b, 0, 0, noRow, f.latent[:0], 0, 0
	f.beside = f.c.z.sel.d%(4*besideRows) == 0
	f.ahead, f.near = &f.turns[0], &f.turns[1]
	for i := range f.none {
		f.none[i] = &f.c.z.sel.x[0]
	}
}

// tile multiplies panels. Beside that it brings in weights and scores those
// that the tile before brought in; or, where it cannot, all of a stage are scored
// once they are there.
func (f *finisher) tile(a, b []byte, start, acc []int32) {
	if f.scored == len(f.latent) || !f.beside && f.fetched == len(f.latent) {
		f.work()
	}
	z, s := f.c.z, f.c.z.sel
	from, first := f.scored, f.fetched
	ahead := f.bring()
	if !f.beside || from == first {
		z.kernel.tile(z.depth, a, b, start, acc, ahead)
		return
	}
	z.kernel.tileDots(z.depth, a, b, start, acc, ahead, f.near, &s.x[f.row*s.d], &f.dots)
	f.scored += copy(f.scores[from:first], f.dots[:])
}

// bring gives the weights of the next latents chosen; those that it gave before
// are near.
func (f *finisher) bring() *[besideRows]*float32 {
	f.ahead, f.near = f.near, f.ahead
	next := f.latent[f.fetched:min(f.fetched+besideRows, len(f.latent))]
	if len(next) == 0 {
		return &f.none
	}
	s := f.c.z.sel
	for i, l := range next {
		f.ahead[i] = &s.w[int(l)*s.d]
	}
	copy(f.ahead[len(next):], f.none[len(next):])
	f.fetched += len(next)
	return f.ahead
}

// all goes through the rows that are left.
func (f *finisher) all() {
	for f.work() {
	}
}

// work goes on until there are latents to score, and is false when all rows
// are decided.
func (f *finisher) work() bool {
	for {
		switch f.stage {
		case noRow:
			if f.next == len(f.number) {
				f.latent, f.fetched, f.scored = f.latent[:0], 0, 0
				return false
			}
			f.first()
		case firstPart:
			f.score()
			f.second()
		case secondPart:
			f.score()
			f.decide()
		}
		if f.stage != noRow && len(f.latent) > 0 {
			return true
		}
	}
}

// first begins the next row. The latents with the K largest estimates come
// first: the K-th of their keys is a bound that rules out most of the others.
func (f *finisher) first() {
	f.i, f.row = f.next, f.number[f.next]
	f.next++
	s, state, p := f.c.z.sel, &f.rows[f.i], &f.picks[f.i]
	k, inf := s.pass.largest, float32(math.Inf(1))
	f.guessed, f.must = state.above > s.pass.floor, s.pass.floor
	f.kept.reset()
	switch {
	case state.wild:
		f.leave()
	case f.guessed && p.len() < k:
		f.c.usual.add(state.above / state.size / 2)
		f.leave()
	case f.guessed || k > 0 && p.len() > k:
		f.least = f.c.z.kernel.kthFrom(p.key, k, state.least, roughly)
		f.choose(f.least, inf, -inf)
		f.stage = firstPart
	default:
		f.choose(-inf, inf, -inf)
		f.stage = secondPart
	}
}

// second chooses among the other latents of the row.
func (f *finisher) second() {
	bound := f.bound(f.c.z.sel.pass.largest)
	if f.guessed && !(bound > f.rows[f.i].above) {
		f.c.usual.add(max(0, bound) / f.rows[f.i].size)
		f.leave() // the guess was not below it
		return
	}
	f.must = max(f.must, math.Nextafter32(bound, 0)) // a key at the bound may win its tie
	f.keepAbove()
	f.choose(float32(math.Inf(-1)), f.least, f.must)
	f.stage = secondPart
}

// leave gives the row up: it will be scored exactly.
func (f *finisher) leave() {
	f.c.open = append(f.c.open, f.row)
	f.stage = noRow
}

// decide ends the row.
func (f *finisher) decide() {
	f.keepAbove()
	s := f.c.z.sel
	out, k := &s.perRow[f.row], s.pass.largest
	f.order(out)
	if k > 0 {
		f.c.usual.add(max(0, f.must) / f.rows[f.i].size)
		if out.len() > k {
			bound := f.c.z.kernel.kthFrom(out.key, k, f.must, 0)
			out.keep(bound, k-countAbove(out.key, bound))
		}
	}
	f.c.decided++
	f.stage = noRow
}

// order sets out to what is kept, in ascending order.
func (f *finisher) order(out *picks) {
	if f.kept.len() > orderRoom {
		f.kept.sort()
		out.copy(&f.kept)
		return
	}
	n := f.kept.len()
	out.reset()
	out.reserve(n)
	out.cut(n)
	f.c.z.kernel.order(f.kept.index, out.index, f.kept.key, out.key, f.kept.score, out.score)
}

// roughly is how many places in the order of float32 a bound may be too low
// where this costs no more than a latent scored in vain.
const roughly = 1 << 11

// choose lists those picks of the row whose estimate is in [least, below) and
// may reach above must.
func (f *finisher) choose(least, below, must float32) {
	p := &f.picks[f.i]
	f.place = reuse.Slice(f.place, p.len()+block)
	f.place = f.place[:f.c.z.kernel.choose(p.key, p.score, p.index, least, below, must, f.place)]
	f.latent = f.latent[:0]
	for _, place := range f.place {
		f.latent = append(f.latent, f.c.z.sel.latent(place))
	}
	for len(f.latent)%dotsAtOnce != 0 { // the last one again
		f.latent = append(f.latent, f.latent[len(f.latent)-1])
	}
	f.scores = reuse.Slice(f.scores, roundUp(len(f.place), block))
	f.fetched, f.scored = 0, 0
}

// dotsAtOnce is how many rows the kernels of Dots share the loads of x among.
const dotsAtOnce = 4

// score scores those of the latents chosen that have no score yet.
func (f *finisher) score() {
	s, n := f.c.z.sel, len(f.place)
	f.c.scored += n
	if left := f.latent[f.scored:]; len(left) > 0 {
		s.set.dots(f.scores[f.scored:len(f.latent)], s.x[f.row*s.d:(f.row+1)*s.d], s.w, left, nil, s.f)
	}
	for i := n; i < len(f.scores); i++ {
		f.scores[i] = float32(math.NaN()) // which nothing keeps
	}
	if s.bias != nil {
		for i, l := range f.latent[:n] {
			f.scores[i] += s.bias[l]
		}
	}
	f.keys = f.scores
	if !f.c.plain {
		f.rankScores(n)
	}
}

// rankScores makes the keys of n scores where they differ.
func (f *finisher) rankScores(n int) {
	f.ranked = reuse.Slice(f.ranked, len(f.scores))
	copy(f.ranked[n:], f.scores[n:])
	for i, l := range f.latent[:n] {
		f.ranked[i] = f.c.z.sel.rule.key(f.scores[i], 0, int(l))
	}
	f.keys = f.ranked
}

// bound is about the K-th largest key of those scored, and no larger; or the
// floor where that is larger.
func (f *finisher) bound(k int) float32 {
	return f.c.z.kernel.kthFrom(f.keys[:len(f.place)], k, f.c.z.sel.pass.floor, roughly)
}

// keepAbove keeps those scored whose keys are above what they must exceed.
func (f *finisher) keepAbove() {
	n := f.kept.len()
	f.kept.collect(f.c.z.sel.set, f.keys, f.scores, f.must, 0)
	for i, at := range f.kept.index[n:] {
		f.kept.index[n+i] = f.place[at]
	}
}
