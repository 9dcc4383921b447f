package vsae

import "github.com/saectl/saectl/internal/kernel"

// top is the latents that a row may keep, ascending, with bounds of what ranks
// them. It gathers some more than k before it drops what cannot be among the k
// largest. Of equal ones those of lower latents stay.
type top struct {
	k         int
	guessed   bool      // scores and log variances are estimates
	above     float32   // what an upper bound must exceed to be added
	low, high []float32 // bounds of |z|
	score     []float32
	logVar    []float32
	latent    []int32
	buf       []float32
}

// begin empties it. What is not above 0 is never kept.
func (t *top) begin(k int, guessed bool) {
	t.k, t.guessed, t.above = k, guessed, 0
	t.cut(0)
}

func (t *top) cut(n int) {
	t.low, t.high, t.score, t.logVar, t.latent = t.low[:n], t.high[:n], t.score[:n], t.logVar[:n], t.latent[:n]
}

// add reports whether so many have come together that some should go.
func (t *top) add(low, high, score, logVar float32, latent int32) (full bool) {
	t.low, t.high, t.score = append(t.low, low), append(t.high, high), append(t.score, score)
	t.logVar, t.latent = append(t.logVar, logVar), append(t.latent, latent)
	return len(t.latent) >= 2*t.k+32
}

func (t *top) move(to, from int) {
	t.low[to], t.high[to], t.score[to] = t.low[from], t.high[from], t.score[from]
	t.logVar[to], t.latent[to] = t.logVar[from], t.latent[from]
}

// drop drops what k others are not below, going by the bounds. A later latent
// must be above all of these.
func (t *top) drop() {
	if len(t.latent) <= t.k {
		return
	}
	t.buf = append(t.buf[:0], t.low...)
	bound := kernel.KthLargest(t.buf, t.k)
	if !(bound > 0) { // or NaN, which bounds nothing
		bound = 0
	}
	n := 0
	for i, high := range t.high {
		if !(high < bound) {
			t.move(n, i)
			n++
		}
	}
	t.cut(n)
	t.above = bound
}

// keep keeps the k largest of what is above 0, whose bounds are the numbers
// themselves.
func (t *top) keep() {
	n := 0
	for i, z := range t.low {
		if z > 0 {
			t.move(n, i)
			n++
		}
	}
	t.cut(n)
	if n <= t.k {
		return
	}
	t.buf = append(t.buf[:0], t.low...)
	bound := kernel.KthLargest(t.buf, t.k)
	ties := t.k
	for _, z := range t.low {
		if z > bound {
			ties--
		}
	}
	n = 0
	for i, z := range t.low {
		if z < bound || z == bound && ties == 0 {
			continue
		}
		if z == bound {
			ties--
		}
		t.move(n, i)
		n++
	}
	t.cut(n)
	t.above = bound
}
