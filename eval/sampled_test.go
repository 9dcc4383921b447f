package eval

import (
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDrawn: what is kept is what ends in the fewest zero bits that let it fit,
// in the order in which it came, and the sums are of everything.
func TestDrawn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		orders := rapid.SliceOfN(rapid.Uint32(), 0, 200).Draw(rt, "orders")
		s := newSampled(rapid.IntRange(0, 50).Draw(rt, "most"))
		sum := 0.0
		for i, o := range orders {
			s.add(o, float64(i))
			sum += float64(i)
		}
		var want []float64
		for zeros := 0; zeros <= 32; zeros++ {
			want = nil
			for i, o := range orders {
				if bits.TrailingZeros32(o) >= zeros {
					want = append(want, float64(i))
				}
			}
			if len(want) <= s.most {
				break
			}
		}
		if len(want) <= s.most && !slices.Equal(s.kept, want) {
			rt.Errorf("kept %v, want %v", s.kept, want)
		}
		if s.sum != sum || s.n != int64(len(orders)) {
			rt.Errorf("sum %v of %d, want %v of %d", s.sum, s.n, sum, len(orders))
		}
		last := uint32(0)
		for _, v := range s.first(5) {
			if o := orders[int(v)]; o < last {
				rt.Errorf("order %d comes after %d", o, last)
			} else {
				last = o
			}
		}
		if n := min(5, len(s.kept)); len(s.first(5)) != n {
			rt.Errorf("%d are first, want %d", len(s.first(5)), n)
		}
	})
}
