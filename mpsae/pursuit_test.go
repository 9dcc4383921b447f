package mpsae

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// scene is a batch to pursue.
type scene struct {
	rows, d, f int
	x, w, bias []float32
}

// newScene draws rows and atoms of norm near 1.
func newScene(seed uint64, rows, d, f int) *scene {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &scene{rows: rows, d: d, f: f, x: make([]float32, rows*d), w: make([]float32, f*d)}
	for i := range s.x {
		s.x[i] = float32(r.NormFloat64())
	}
	for i := range s.w {
		s.w[i] = float32(r.NormFloat64() / math.Sqrt(float64(d)))
	}
	return s
}

// unit brings atoms to norm 1.
func (s *scene) unit() *scene {
	for i := 0; i < len(s.w); i += s.d {
		kernel.Scale(s.w[i:i+s.d], float32(1/math.Sqrt(kernel.SumSquares(s.w[i:i+s.d]))))
	}
	return s
}

// run pursues the scene.
func (s *scene) run(t testing.TB, r rule, force string, threads int) (*pursuit, *kernel.Support) {
	t.Helper()
	pool := kernel.NewPool(threads)
	t.Cleanup(pool.Close)
	p, dst := newPursuit(pool, r, scoring{force: force, budget: 1 << 30}), &kernel.Support{}
	if err := p.pick(dst, s.x, s.w, s.bias, nil, s.rows, s.d, s.f); err != nil {
		t.Fatal(err)
	}
	return p, dst
}

// plain is one row pursued by a look at every score in every step. It returns
// the latents, coefficients and what is left after each step.
func (s *scene) plain(r rule, row int) (atoms []int32, coefficients []float32, left [][]float32) {
	d := s.d
	x := append([]float32{}, s.x[row*d:(row+1)*d]...)
	enough := r.tolerance
	if r.relative {
		enough *= math.Sqrt(kernel.SumSquares(x))
	}
	for len(atoms) < r.steps {
		best, at := float32(math.Inf(-1)), -1
		for f := range s.f {
			score := kernel.Dot(x, s.w[f*d:(f+1)*d])
			if s.bias != nil {
				score += s.bias[f]
			}
			if score > best && !(r.ban && slices.Contains(atoms, int32(f))) {
				best, at = score, f
			}
		}
		if at < 0 || best == 0 || best < 0 && !r.signed {
			break
		}
		again := slices.Contains(atoms, int32(at))
		kernel.Axpy(x, -best, s.w[at*d:(at+1)*d])
		atoms, coefficients = append(atoms, int32(at)), append(coefficients, best)
		left = append(left, append([]float32{}, x...))
		if r.stop && again || math.Sqrt(kernel.SumSquares(x)) < enough {
			break
		}
	}
	return atoms, coefficients, left
}

// rules are the modes that a row may be pursued by.
func rules(steps int) map[string]rule {
	return map[string]rule{
		"relu":     {steps: steps},
		"signed":   {steps: steps, signed: true},
		"ban":      {steps: steps, ban: true},
		"stop":     {steps: steps, stop: true},
		"norm":     {steps: steps, tolerance: 1},
		"relative": {steps: steps, tolerance: 0.4, relative: true, stop: true},
	}
}

// TestScoringIsExact compares both ways to have scores, on one thread and on
// two, with a look at every score, to the last bit.
func TestScoringIsExact(t *testing.T) {
	for name, s := range map[string]*scene{
		"unit":   newScene(1, 40, 48, 300).unit(),
		"norms":  newScene(2, 40, 48, 300),
		"narrow": newScene(3, 40, 3, 200).unit(),
		"few":    newScene(4, 40, 48, 20).unit(),
		"tiled":  newScene(5, 600, 6, 50).unit(),
		"bias":   biased(newScene(6, 40, 48, 300).unit()),
		"twins":  twins(newScene(7, 40, 48, 300).unit()),
		"words":  newScene(12, 110, 64, 300).unit(),
		"mixed":  tiny(biased(twins(newScene(13, 60, 65, 320)))),
	} {
		for mode, r := range rules(64) {
			if s.bias != nil && r.steps > 8 {
				r.steps = 8 // a bias that is large is chosen for ever
			}
			t.Run(name+"/"+mode, func(t *testing.T) { checkExact(t, s, r) })
		}
	}
}

func biased(s *scene) *scene {
	for i := range s.f {
		s.bias = append(s.bias, float32(math.Sin(float64(i))))
	}
	return s
}

// tiny makes one row too small to be estimated in words.
func tiny(s *scene) *scene {
	kernel.Scale(s.x[5*s.d:6*s.d], 1e-25)
	return s
}

// twins repeats each atom, so that every choice is a tie.
func twins(s *scene) *scene {
	for i := 0; i+1 < s.f; i += 2 {
		copy(s.w[(i+1)*s.d:(i+2)*s.d], s.w[i*s.d:(i+1)*s.d])
	}
	return s
}

func checkExact(t *testing.T, s *scene, r rule) {
	var want []int32
	var values, left []float32
	for row := range s.rows {
		atoms, coefficients, after := s.plain(r, row)
		want, values = append(want, atoms...), append(values, coefficients...)
		if len(after) == 0 {
			after = [][]float32{s.x[row*s.d : (row+1)*s.d]}
		}
		left = append(left, after[len(after)-1]...)
	}
	for _, force := range []string{"direct", "gram"} {
		for threads := 1; threads <= 2; threads++ {
			p, _ := s.run(t, r, force, threads)
			at := func(what string) string { return fmt.Sprintf("%s, %d threads: %s", force, threads, what) }
			saetest.Same(t, at("latents"), p.path.atom, want)
			saetest.Same(t, at("coefficients"), p.single.coefficient, values)
			saetest.Same(t, at("what is left"), p.single.residual, left)
		}
	}
}

// TestCodesSumSteps: each latent of a row stands once, ascending, with the sum
// of its coefficients.
func TestCodesSumSteps(t *testing.T) {
	s := newScene(8, 30, 6, 24).unit()
	p, codes := s.run(t, rule{steps: 20}, "gram", 2)
	again := 0
	for row := range s.rows {
		sums := map[int32]float32{}
		for e := p.path.ptr[row]; e < p.path.ptr[row+1]; e++ {
			f := p.path.atom[e]
			if _, ok := sums[f]; ok {
				again++
			}
			sums[f] += p.single.coefficient[e]
			if codes.Index[p.path.entry[e]] != f {
				t.Fatalf("row %d: step for latent %d has the entry of %d", row, f, codes.Index[p.path.entry[e]])
			}
		}
		lo, hi := codes.RowPtr[row], codes.RowPtr[row+1]
		if int(hi-lo) != len(sums) || !slices.IsSorted(codes.Index[lo:hi]) {
			t.Fatalf("row %d: latents %v for steps of %d", row, codes.Index[lo:hi], len(sums))
		}
		for e := lo; e < hi; e++ {
			if codes.Score[e] != sums[codes.Index[e]] {
				t.Errorf("row %d: latent %d has %v, its steps sum to %v", row, codes.Index[e], codes.Score[e], sums[codes.Index[e]])
			}
		}
	}
	if again == 0 {
		t.Error("no latent came up twice; the test shows nothing")
	}
}

// TestStepsAreOrthogonal: with atoms of norm 1, what is left after a step is
// orthogonal to its atom, and its squared norm falls by c².
func TestStepsAreOrthogonal(t *testing.T) {
	s := newScene(9, 50, 32, 128).unit()
	for row := range s.rows {
		x := s.x[row*s.d : (row+1)*s.d]
		norm, before := math.Sqrt(kernel.SumSquares(x)), kernel.SumSquares(x)
		atoms, coefficients, left := s.plain(rule{steps: 32}, row) // TestScoringIsExact: what the pursuit does
		for i, r := range left {
			w := s.w[int(atoms[i])*s.d : (int(atoms[i])+1)*s.d]
			if dot := math.Abs(kernel.DotF64(w, r)); dot >= 1e-5*norm {
				t.Fatalf("row %d, step %d: <w,r> is %g of ||x||", row, i, dot/norm)
			}
			c, after := float64(coefficients[i]), kernel.SumSquares(r)
			if math.Abs(before-after-c*c) > 1e-5*norm*norm {
				t.Fatalf("row %d, step %d: the squared norm falls by %g, c² is %g", row, i, before-after, c*c)
			}
			before = after
		}
	}
}

// TestOrthonormal: rows that are sums of orthonormal atoms are found in the
// order of their coefficients; what is negative in them never is.
func TestOrthonormal(t *testing.T) {
	const d = 24
	s := newScene(10, 20, d, d)
	for i := range d { // Gram-Schmidt, twice
		row := s.w[i*d : (i+1)*d]
		for range 2 {
			for j := range i {
				other := s.w[j*d : (j+1)*d]
				kernel.Axpy(row, -float32(kernel.DotF64(row, other)), other)
			}
			kernel.Scale(row, float32(1/math.Sqrt(kernel.SumSquares(row))))
		}
	}
	a := make([]float32, s.rows*d)
	for i := range a {
		a[i] = s.x[i]
		if i < len(a)/2 {
			a[i] = float32(math.Abs(float64(a[i]))) + 0.05
		}
	}
	for i := range s.rows {
		x := s.x[i*d : (i+1)*d]
		clear(x)
		for j := range d {
			kernel.Axpy(x, a[i*d+j], s.w[j*d:(j+1)*d])
		}
	}
	p, codes := s.run(t, rule{steps: d}, "direct", 1)
	for i := range s.rows {
		got := make([]float32, d)
		for e := codes.RowPtr[i]; e < codes.RowPtr[i+1]; e++ {
			got[codes.Index[e]] = codes.Score[e]
		}
		want := make([]float32, d)
		for j, v := range a[i*d : (i+1)*d] {
			want[j] = max(v, 0)
		}
		saetest.Within(t, fmt.Sprintf("row %d", i), got, want, 1e-5)
		steps := p.single.coefficient[p.path.ptr[i]:p.path.ptr[i+1]]
		for len(steps) > 0 && steps[len(steps)-1] < 1e-5 { // rounding
			steps = steps[:len(steps)-1]
		}
		if !slices.IsSortedFunc(steps, func(a, b float32) int { return int(math.Copysign(1, float64(b-a))) }) {
			t.Errorf("row %d: coefficients %v do not fall", i, steps)
		}
	}
}

// TestFirstStepsAgree: the steps of a run with few are the first of one with
// more.
func TestFirstStepsAgree(t *testing.T) {
	s := newScene(11, 20, 16, 64).unit()
	long, _ := s.run(t, rule{steps: 24}, "gram", 2)
	short, _ := s.run(t, rule{steps: 7}, "direct", 1)
	for i := range s.rows {
		lo, from := short.path.ptr[i], long.path.ptr[i]
		n := short.path.ptr[i+1] - lo
		saetest.Same(t, "latents", short.path.atom[lo:lo+n], long.path.atom[from:from+n])
		saetest.Same(t, "coefficients", short.single.coefficient[lo:lo+n], long.single.coefficient[from:from+n])
	}
}
