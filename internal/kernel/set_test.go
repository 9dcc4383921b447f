package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Each assembly kernel is held against its plain twin at every short length
// and some odd long ones, at several alignments, with guard values around
// what it writes.

var testOffsets = []int{0, 1, 5, 16}

func testLengths() []int {
	var n []int
	for i := range 131 {
		n = append(n, i)
	}
	return append(n, 255, 383, 384, 385, 767, 768, 769, 1031, 4099)
}

// eachSet runs f for every set of assembly that can run here.
func eachSet(t *testing.T, f func(t *testing.T, s *set)) {
	for _, s := range available() {
		if s != &generic {
			t.Run(s.name, func(t *testing.T) { f(t, s) })
		}
	}
}

// use puts s in the place of the set in use until t ends.
func (s *set) use(t *testing.T) {
	was := chosen
	chosen = s
	t.Cleanup(func() { chosen = was })
}

// eachShape runs f for every set, length and alignment.
func eachShape(t *testing.T, f func(t *testing.T, s *set, r *rand.Rand, n, offset int)) {
	eachSet(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range testLengths() {
			for _, offset := range testOffsets {
				f(t, s, r, n, offset)
			}
		}
	})
}

const guard = 1e30

// A guarded is a slice between guard values.
type guarded struct {
	all []float32
	x   []float32
}

func guardedFloats(r *rand.Rand, n, offset int) guarded {
	all := make([]float32, n+offset+20)
	for i := range all {
		all[i] = guard
	}
	copy(all[offset:], randomFloats(r, n))
	return guarded{all, all[offset : offset+n]}
}

func (g guarded) clone() guarded {
	all := append([]float32{}, g.all...)
	offset := cap(g.all) - cap(g.x)
	return guarded{all, all[offset : offset+len(g.x)]}
}

// compare holds got against want everywhere, guards included; slack [n] is
// how far an element may be off, nil for not at all.
func compare(t *testing.T, what string, got, want guarded, slack []float64) {
	t.Helper()
	offset := cap(got.all) - cap(got.x)
	for i, w := range want.all {
		g, allowed := got.all[i], 0.0
		if j := i - offset; slack != nil && j >= 0 && j < len(slack) {
			allowed = slack[j]
		}
		if !(math.Abs(float64(g)-float64(w)) <= allowed) {
			t.Fatalf("%s, n %d, offset %d: element %d is %g, want %g", what, len(got.x), offset, i-offset, g, w)
		}
	}
}

func TestDotTwin(t *testing.T) {
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		a, b := guardedFloats(r, n, offset), guardedFloats(r, n, 3)
		size := 0.0
		for i := range a.x {
			size += math.Abs(float64(a.x[i]) * float64(b.x[i]))
		}
		for name, f := range map[string]func(a, b []float32) float64{
			"dot":    func(a, b []float32) float64 { return float64(s.dot(a, b)) },
			"dotF64": s.dotF64,
		} {
			want, allowed := dotF64Generic(a.x, b.x), 1e-6*size
			if name == "dotF64" {
				allowed = 1e-15 * size
			}
			if got := f(a.x, b.x); math.Abs(got-want) > allowed {
				t.Fatalf("%s, n %d, offset %d: %g, want %g", name, n, offset, got, want)
			}
		}
		if got, want := s.sumSquares(a.x), s.dotF64(a.x, a.x); got != want {
			t.Fatalf("sumSquares, n %d, offset %d: %g, dotF64 gives %g", n, offset, got, want)
		}
		aligned := append([]float32{}, a.x...)
		if got, want := s.dot(a.x, b.x), s.dot(aligned, b.x); got != want {
			t.Fatalf("dot, n %d, offset %d: bits depend on alignment: %g and %g", n, offset, got, want)
		}
		want := squaredErrorGeneric(a.x, b.x)
		if got := s.squaredError(a.x, b.x); math.Abs(got-want) > 1e-14*want {
			t.Fatalf("squaredError, n %d, offset %d: %g, want %g", n, offset, got, want)
		}
		wantA, wantD := absSumsGeneric(a.x, b.x)
		if gotA, gotD := s.absSums(a.x, b.x); math.Abs(gotA-wantA) > 1e-13*wantA || math.Abs(gotD-wantD) > 1e-13*wantD {
			t.Fatalf("absSums, n %d, offset %d: %g and %g, want %g and %g", n, offset, gotA, gotD, wantA, wantD)
		}
	})
}

func TestDotsGivesBitsOfDot(t *testing.T) {
	const rows = 7
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		x, w := guardedFloats(r, n, offset), guardedFloats(r, rows*n, 1)
		for count := range 10 {
			idx := make([]int32, count)
			for i := range idx {
				idx[i] = int32(r.IntN(rows))
			}
			dst := guardedFloats(r, count, offset)
			want := dst.clone()
			for i, f := range idx {
				want.x[i] = s.dot(x.x, w.x[int(f)*n:int(f+1)*n])
			}
			for _, ahead := range [][]int32{nil, idx, wild(r, count)} {
				if !s.dots(dst.x, x.x, w.x, idx, ahead, rows) {
					t.Fatal("dots refused its indices")
				}
			}
			compare(t, fmt.Sprintf("dots of %d", count), dst, want, nil)
		}
	})
}

// wild are numbers of rows ahead that there are not: nothing depends on them.
func wild(r *rand.Rand, n int) []int32 {
	ahead := make([]int32, n)
	for i := range ahead {
		ahead[i] = int32(r.Uint32())
	}
	return ahead
}

func TestDotBlockGivesBitsOfDot(t *testing.T) {
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, d, offset int) {
		if d > 1100 {
			return
		}
		m, n := 1+r.IntN(7), 1+r.IntN(10)
		x, w := guardedFloats(r, m*d, offset), guardedFloats(r, n*d, 3)
		ld := n + r.IntN(3)
		dst := guardedFloats(r, m*ld, offset)
		want := dst.clone()
		for i := range m {
			for j := range n {
				want.x[i*ld+j] = s.dot(x.x[i*d:(i+1)*d], w.x[j*d:(j+1)*d])
			}
		}
		s.dotBlock(dst.x, ld, x.x, w.x, m, n, d)
		compare(t, fmt.Sprintf("dotBlock %dx%dx%d", m, n, d), dst, want, nil)
	})
}

func TestSumRowsGivesBitsOfAxpy(t *testing.T) {
	const rows = 5
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		w := guardedFloats(r, rows*n, 2)
		for _, count := range []int{0, 1, 2, 9} {
			v, idx := randomFloats(r, count), make([]int32, count)
			for i := range idx {
				idx[i] = int32(r.IntN(rows))
			}
			dst := guardedFloats(r, n, offset)
			exact, plain := dst.clone(), dst.clone()
			for e, f := range idx {
				s.axpy(exact.x, v[e], w.x[int(f)*n:int(f+1)*n])
			}
			sumRowsGeneric(plain.x, v, w.x, idx, nil, rows, true)
			if !s.sumRows(dst.x, v, w.x, idx, wild(r, count), rows, true) {
				t.Fatal("sumRows refused its indices")
			}
			compare(t, fmt.Sprintf("sumRows of %d against axpy", count), dst, exact, nil)
			compare(t, fmt.Sprintf("sumRows of %d against its twin", count), dst, plain, constant(n, 1e-5))
			fromZeros := dst.clone()
			clear(fromZeros.x)
			s.sumRows(fromZeros.x, v, w.x, idx, idx, rows, true)
			s.sumRows(dst.x, v, w.x, idx, wild(r, count), rows, false)
			compare(t, fmt.Sprintf("sumRows that sets, of %d", count), dst, fromZeros, nil)
		}
	})
}

func constant(n int, c float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = c
	}
	return x
}

func TestIndexOutOfRangePanics(t *testing.T) {
	w, x := make([]float32, 3*20), make([]float32, 20)
	for _, s := range available() {
		for _, bad := range []int32{-1, 3, math.MaxInt32, math.MinInt32} {
			for at := range 6 {
				idx := make([]int32, 6)
				idx[at] = bad
				if s.dots(make([]float32, 6), x, w, idx, nil, 3) || s.sumRows(make([]float32, 20), x[:6], w, idx, idx, 3, true) {
					t.Fatalf("%s accepts row %d of 3 at place %d", s.name, bad, at)
				}
			}
		}
	}
	defer func() {
		if r := recover(); r != "kernel: entry 1 is row 3 of 3" {
			t.Errorf("recovered %v", r)
		}
	}()
	Dots(make([]float32, 2), x, w, []int32{0, 3}, nil)
}

// The element-wise kernels have the bits of their twins, at any length
// through the exported functions.
func TestElementwiseTwin(t *testing.T) {
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		n = whole(n)
		dst, a, b := guardedFloats(r, n, offset), guardedFloats(r, n, 3), guardedFloats(r, n, 0)
		cases := map[string][2]func(dst []float32){
			"add":              {func(d []float32) { s.add(d, a.x) }, func(d []float32) { addGeneric(d, a.x) }},
			"sub":              {func(d []float32) { s.sub(d, a.x, b.x) }, func(d []float32) { subGeneric(d, a.x, b.x) }},
			"sub in place":     {func(d []float32) { s.sub(d, a.x, d) }, func(d []float32) { subGeneric(d, a.x, d) }},
			"rank":             {func(d []float32) { s.rank(d, a.x, d, b.x, 0.7, math.MaxInt32) }, func(d []float32) { rankGeneric(d, a.x, d, b.x, 0.7, math.MaxInt32) }},
			"rank, signed":     {func(d []float32) { s.rank(d, a.x, d, b.x, 0, math.MaxUint32) }, func(d []float32) { rankGeneric(d, a.x, d, b.x, 0, math.MaxUint32) }},
			"scale":            {func(d []float32) { s.scale(d, 1.7) }, func(d []float32) { scaleGeneric(d, 1.7) }},
			"scaledDifference": {func(d []float32) { s.scaledDifference(d, -0.3, a.x, b.x) }, func(d []float32) { scaledDifferenceGeneric(d, -0.3, a.x, b.x) }},
		}
		for name, f := range cases {
			got, want := dst.clone(), dst.clone()
			f[0](got.x)
			f[1](want.x)
			compare(t, name, got, want, nil)
		}
	})
}

func TestAdamTwin(t *testing.T) {
	step := NewAdamStep(1e-3, 0.9, 0.999, 1e-8, 3)
	step.Clip = 0.37
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		n = whole(n)
		var got, want [4]guarded
		for i := range got {
			got[i] = guardedFloats(r, n, offset)
		}
		for i, v := range got[3].x {
			got[3].x[i] = v * v // a second moment is not negative
		}
		for i := range want {
			want[i] = got[i].clone()
		}
		step.run(s.adam, got[0].x, got[1].x, got[2].x, got[3].x)
		step.run(adamGeneric, want[0].x, want[1].x, want[2].x, want[3].x)
		for i := range got {
			compare(t, fmt.Sprintf("adam, slice %d", i), got[i], want[i], nil)
		}
	})
}

func TestAllFiniteFindsTheFirst(t *testing.T) {
	bad := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		x := guardedFloats(r, n, offset)
		check := func(want int) {
			t.Helper()
			if got := s.allFinite(x.x[:whole(n)]); got != whole(min(want, n)) {
				t.Fatalf("n %d: the block of %d is reported at %d", n, want, got)
			}
		}
		check(n)
		if n > 0 {
			at := r.IntN(n)
			x.x[at], x.x[n-1] = bad[r.IntN(3)], bad[0]
			check(min(at, n-1))
		}
	})
	x := make([]float32, 40)
	if AllFinite(x) != -1 {
		t.Error("zeros are not finite")
	}
	for _, at := range []int{39, 33, 31, 16, 0} {
		x[at] = bad[1]
		if got := AllFinite(x); got != at {
			t.Errorf("infinity at %d is reported at %d", at, got)
		}
	}
}

func TestChoice(t *testing.T) {
	for _, s := range available() {
		if got, err := choose(s.name); got != s || err != nil {
			t.Errorf("choose(%q) gives %s, %v", s.name, got.name, err)
		}
	}
	got, err := choose("sse9")
	if got != available()[0] || err == nil || !strings.Contains(err.Error(), "generic") {
		t.Errorf("choose of an unknown set gives %s, %v", got.name, err)
	}
	if name, err := Name(); name == "" || (err != nil) != (choiceErr != nil) {
		t.Errorf("Name gives %q, %v", name, err)
	}
}
