package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMoments holds the assembly against its plain twin, to the bit, and sees
// that nothing is written past the end.
func TestMoments(t *testing.T) {
	eachSet(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(3, 4))
		for n := 0; n <= 96; n += block {
			x, y := randomFloats(r, n+1), randomFloats(r, n+1)
			sum, squares, shift := randomDoubles(r, n+1), randomDoubles(r, n+1), randomDoubles(r, n+1)
			wantSum, wantSquares := slices.Clone(sum), slices.Clone(squares)
			for range 3 {
				s.moments(sum[:n], squares[:n], shift[:n], x[1:n+1], y[:n])
				momentsGeneric(wantSum[:n], wantSquares[:n], shift[:n], x[1:n+1], y[:n])
			}
			if !slices.Equal(sum, wantSum) || !slices.Equal(squares, wantSquares) {
				t.Fatalf("n %d: the sums differ from the plain twin's", n)
			}
		}
	})
}

func randomDoubles(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}
