package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMoments holds the kernels against the plain twin, to the bit, and sees that
// nothing is written past the end.
func TestMoments(t *testing.T) {
	eachSet(t, func(t *testing.T, s *set) {
		s.use(t)
		r := rand.New(rand.NewPCG(3, 4))
		for _, n := range []int{0, 1, 63, 64, 70, 128, 200} {
			for _, rows := range []int{0, 1, 2, 9} {
				ld := n + 3
				for _, y := range [][]float32{nil, randomFloats(r, rows*ld+1)} {
					x := randomFloats(r, rows*ld+1)
					sum, squares, shift := randomDoubles(r, n+1), randomDoubles(r, n+1), randomDoubles(r, n+1)
					wantSum, wantSquares := slices.Clone(sum), slices.Clone(squares)
					AddMoments(sum[:n], squares[:n], shift[:n], x[1:], y, ld, rows)
					momentsGeneric(wantSum[:n], wantSquares[:n], shift[:n], x[1:], y, ld, rows)
					if !slices.Equal(sum, wantSum) || !slices.Equal(squares, wantSquares) {
						t.Fatalf("%s, %d columns, %d rows, y %v: the sums differ from the plain twin's", s.name, n, rows, y != nil)
					}
				}
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
