package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFloats: arrays of all sizes around that of a large page are zero and
// as long as asked, and asking for large pages keeps what they hold.
func TestFloats(t *testing.T) {
	for _, n := range []int{0, 1, largePage/4 - 1, largePage / 4, 3*largePage/4 + 5} {
		x := Floats(n)
		if len(x) != n {
			t.Fatalf("%d numbers, want %d", len(x), n)
		}
		for i, v := range x {
			if v != 0 {
				t.Fatalf("of %d numbers, number %d is %v", n, i, v)
			}
			x[i] = float32(i)
		}
		adviseLarge(x)
		for i, v := range x {
			if v != float32(i) {
				t.Fatalf("of %d numbers, number %d became %v", n, i, v)
			}
		}
	}
}

// TestStream: what is streamed equals a copy, wherever it begins and whatever
// its length, and touches nothing beside.
func TestStream(t *testing.T) {
	eachSet(t, func(t *testing.T, s *set) {
		s.use(t)
		for _, n := range []int{0, 1, 15, 16, 48, 100, 768} {
			for offset := range 17 {
				x, all := randomFloats(rand.New(rand.NewPCG(1, uint64(n))), n), make([]float32, n+40)
				Stream(all[offset:offset+n], x)
				Fence()
				want := make([]float32, n+40)
				copy(want[offset:], x)
				if !slices.Equal(all, want) {
					t.Fatalf("%s: %d numbers from place %d differ", s.name, n, offset)
				}
			}
		}
	})
}
