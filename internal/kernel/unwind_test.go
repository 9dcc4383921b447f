package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestUnwindTwin holds each set against its own axpys, to the bit, with
// entries that come up twice and columns beside the ones asked for.
func TestUnwindTwin(t *testing.T) {
	const rows, stride = 7, 161
	eachSet(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(3, 4))
		for n := 0; n <= stride-3; n += s.unwindColumns {
			for entries := range 12 {
				idx := make([]int32, entries)
				for e := range idx {
					idx[e] = int32(r.IntN(rows))
				}
				c, slope := randomFloats(r, entries), randomFloats(r, entries)
				grad, found := randomFloats(r, n), randomFloats(r, n)
				w, got := randomFloats(r, rows*stride), randomFloats(r, rows*stride)
				want := slices.Clone(got)
				keptGrad, keptFound := slices.Clone(grad), slices.Clone(found)
				if !s.unwind(got[3:], w[3:], stride, rows, idx, c, slope, grad, found) {
					t.Fatal("an entry is refused")
				}
				for lo := 0; lo < n; lo += unwindRest {
					hi := min(lo+unwindRest, n)
					unwindBy(s.axpy, want[3+lo:], w[3+lo:], stride, rows, idx, c, slope, grad[lo:hi], found[lo:hi])
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%d columns, %d entries: other bits than axpys", n, entries)
				}
				if !slices.Equal(grad, keptGrad) || !slices.Equal(found, keptFound) {
					t.Fatalf("%d columns, %d entries: grad or found moved", n, entries)
				}
			}
		}
		one := randomFloats(r, rows*stride)
		for _, bad := range []int32{-1, rows} {
			if s.unwind(one, one, stride, rows, []int32{0, bad}, one[:2], one[:2], one[:s.unwindColumns], one[:s.unwindColumns]) {
				t.Errorf("row %d of %d is taken", bad, rows)
			}
		}
	})
}

// TestUnwind holds whole calls, with columns that fill no vector, against
// plain sums.
func TestUnwind(t *testing.T) {
	const rows, stride = 5, 100
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 33, 64, 71, 100} {
		idx, c, s := []int32{4, 0, 4, 2}, randomFloats(r, 4), randomFloats(r, 4)
		grad, found := randomFloats(r, n), randomFloats(r, n)
		w, got := randomFloats(r, rows*stride), randomFloats(r, rows*stride)
		want := slices.Clone(got)
		kept := slices.Concat(grad, found)
		Unwind(got, w, stride, rows, idx, c, s, grad, found)
		if !slices.Equal(slices.Concat(grad, found), kept) {
			t.Fatalf("%d columns: grad or found moved", n)
		}
		for lo := 0; lo < n; lo += unwindRest {
			hi := min(lo+unwindRest, n)
			unwindBy(axpyGeneric, want[lo:], w[lo:], stride, rows, idx, c, s, grad[lo:hi], found[lo:hi])
		}
		for i := range got {
			if d := got[i] - want[i]; d > 1e-4 || d < -1e-4 {
				t.Fatalf("%d columns: number %d is %g, not %g", n, i, got[i], want[i])
			}
		}
	}
}
