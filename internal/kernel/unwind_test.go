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
				if !s.unwind(got[3:], w[3:], stride, rows, idx, c, slope, slices.Clone(grad), slices.Clone(found)) {
					t.Fatal("an entry is refused")
				}
				unwindBy(s.axpy, want[3:], w[3:], stride, rows, idx, c, slope, grad, found)
				if !slices.Equal(got, want) {
					t.Fatalf("%d columns, %d entries: other bits than axpys", n, entries)
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
		Unwind(got, w, stride, rows, idx, c, s, slices.Clone(grad), slices.Clone(found))
		unwindGeneric(want, w, stride, rows, idx, c, s, grad, found)
		for i := range got {
			if d := got[i] - want[i]; d > 1e-4 || d < -1e-4 {
				t.Fatalf("%d columns: number %d is %g, not %g", n, i, got[i], want[i])
			}
		}
	}
}
