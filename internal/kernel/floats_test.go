package kernel

import "testing"

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
