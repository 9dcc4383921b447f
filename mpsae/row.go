package mpsae

import (
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// A row is how far the pursuit of one row is.
type row struct {
	x, left []float32 // [D] the row, and what is left of it
	norm    float64   // of what is left
	widest  float64   // the largest that norm has been
	enough  float64   // the norm below which the row is done
	drift   float64   // a score's estimate is off the inner product by at most this times its encoder row's norm
	touched float64   // the largest norm that the sums of the last step went through
	done    bool

	atoms        []int32   // latents in the order of their steps
	coefficients []float32 // what each step took; when solved for, the value of each latent
	solution     solution

	index []int32   // the latents in ascending order, each once
	value []float32 // theirs
	entry []int32   // place of each step's latent in index
	order []int32   // steps in the order of their latents
}

func (r *row) reset(p *pursuit, x, left []float32) {
	r.x, r.left, r.done, r.touched = x, left, false, 0
	r.norm = math.Sqrt(kernel.SumSquares(x))
	r.widest, r.enough = r.norm, p.tolerance
	if p.relative {
		r.enough *= r.norm
	}
	r.atoms, r.coefficients = r.atoms[:0], r.coefficients[:0]
	r.solution.reset()
}

// sort sums the steps of each latent, in their order.
func (r *row) sort() {
	r.order, r.entry = r.order[:0], reuse.Slice(r.entry, len(r.atoms))
	for t := range r.atoms {
		r.order = append(r.order, int32(t))
	}
	slices.SortStableFunc(r.order, func(a, b int32) int { return int(r.atoms[a]) - int(r.atoms[b]) })
	r.index, r.value = r.index[:0], r.value[:0]
	for _, t := range r.order {
		if n := len(r.index); n == 0 || r.index[n-1] != r.atoms[t] {
			r.index, r.value = append(r.index, r.atoms[t]), append(r.value, 0)
		}
		r.value[len(r.value)-1] += r.coefficients[t]
		r.entry[t] = int32(len(r.index) - 1)
	}
}

// A worker makes steps of rows, one at a time, and owns what that takes.
type worker struct {
	p          *pursuit
	tops       []float32 // largest estimate of each block of latents
	candidates []int32
	scores     []float32 // [F] of the candidates
	block      wordBlock

	// What the last step did: the latents whose values moved, and by how much.
	moved  []int32
	by     []float32
	before float64 // norm of what was left before it
}

// step chooses the latent with the largest score, given estimates [F] of all,
// and takes it off the row, or ends the row.
func (w *worker) step(r *row, estimates []float32) {
	p := w.p
	atom, score := w.best(r, estimates)
	if atom < 0 || !(score > 0) && !(p.signed && score < 0) {
		r.done = true
		return
	}
	if p.usedGram && p.gram.inWords {
		p.gram.words.Expect(int(atom)) // while the row is brought up to date
	}
	again := p.stop && slices.Contains(r.atoms, atom)
	w.before = r.norm
	r.atoms = append(r.atoms, atom)
	if !w.take(r, atom, score) {
		r.done = true
		return
	}
	r.norm = math.Sqrt(kernel.SumSquares(r.left))
	r.widest = max(r.widest, r.norm)
	r.done = again || len(r.atoms) >= p.steps || r.norm < r.enough
}

// take changes the values of the row's latents and what is left of it. It
// reports false, with no step made, when the atom adds nothing to the others.
func (w *worker) take(r *row, atom int32, score float32) bool {
	p := w.p
	if p.orthogonal || p.projected {
		return w.solve(r)
	}
	r.coefficients = append(r.coefficients, score)
	kernel.Axpy(r.left, -score, p.dec[int(atom)*p.d:(int(atom)+1)*p.d])
	w.moved, w.by = append(w.moved[:0], atom), append(w.by[:0], score)
	r.touched = w.before + math.Abs(float64(score))*p.longest.decoder
	return true
}

// follow makes all steps of a row, with the largest estimates known.
func (w *worker) follow(r *row, estimates []float32) {
	for w.step(r, estimates); !r.done; w.step(r, estimates) {
		w.move(r, estimates)
	}
}

// look finds the largest estimate of each block, of latents that may be chosen.
func (w *worker) look(r *row, estimates []float32) {
	if w.p.ban {
		ban(estimates, r.atoms)
	}
	w.tops = kernel.Tops(reuse.Slice(w.tops, len(estimates)/kernel.TopBlock+1), estimates)
}

// move takes what the last step did off the estimates, and looks at them.
func (w *worker) move(r *row, estimates []float32) {
	p := w.p
	if p.ban {
		ban(estimates, r.atoms)
	}
	if len(w.moved) == 0 {
		w.look(r, estimates)
		return
	}
	for e, atom := range w.moved {
		w.tops = p.gram.axpyTops(w.tops, estimates, -w.by[e], int(atom))
	}
	w.widen(r)
}

// best is the latent with the largest score, of equal ones the lowest; -1 when
// there is none.
func (w *worker) best(r *row, estimates []float32) (int32, float32) {
	p, slack := w.p, w.slack(r)
	top := w.top()
	if !(slack < 1e30) || p.f <= exactUpTo {
		return w.exact(r, estimates)
	}
	if math.IsInf(float64(top), -1) {
		return -1, 0
	}
	w.list(estimates, float32(float64(top)-slack))
	if len(w.candidates) > max(exactUpTo, p.f/8) {
		return w.exact(r, estimates)
	}
	w.scores = reuse.Slice(w.scores, len(w.candidates))
	kernel.Dots(w.scores, r.left, p.enc, w.candidates, nil)
	at, best := int32(-1), float32(math.Inf(-1))
	for i, f := range w.candidates {
		s := w.scores[i]
		if p.bias != nil {
			s += p.bias[f]
		}
		if s > best {
			best, at = s, f
		}
	}
	return at, best
}

// top is the largest estimate: slices.Max, without its look for NaN.
func (w *worker) top() float32 {
	top := float32(math.Inf(-1))
	for _, t := range w.tops {
		if t > top {
			top = t
		}
	}
	return top
}

// exactUpTo is how many candidates are not worth telling apart.
const exactUpTo = 32

// exact replaces all estimates by scores.
func (w *worker) exact(r *row, estimates []float32) (int32, float32) {
	p := w.p
	kernel.Dots(estimates, r.left, p.enc, p.every[:p.f], nil)
	if p.bias != nil {
		kernel.Add(estimates, p.bias)
	}
	r.drift = rounding(w.p.d) * r.norm
	w.look(r, estimates)
	top := w.top()
	if math.IsInf(float64(top), -1) {
		return -1, 0
	}
	w.list(estimates, top)
	return w.candidates[0], top
}

// ban keeps latents from being chosen.
func ban(scores []float32, atoms []int32) {
	for _, f := range atoms {
		scores[f] = float32(math.Inf(-1))
	}
}

// list makes the candidates: latents whose estimate is at least as given.
func (w *worker) list(estimates []float32, least float32) {
	w.candidates = w.candidates[:0]
	for i, top := range w.tops {
		if top < least {
			continue
		}
		lo := i * kernel.TopBlock
		for j, s := range estimates[lo:min(lo+kernel.TopBlock, len(estimates))] {
			if s >= least {
				w.candidates = append(w.candidates, int32(lo+j))
			}
		}
	}
}
