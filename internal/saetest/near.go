package saetest

import (
	"math"
	"testing"
)

// Number is what the comparisons take.
type Number interface{ ~float32 | ~float64 }

// Within fails unless no entry of got is further than tol from want's.
func Within[A, B Number](t *testing.T, what string, got []A, want []B, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	worst, at := -1.0, 0
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) {
			t.Errorf("%s: entry %d is %v, want %v", what, i, got[i], want[i])
			return
		}
		if d > worst {
			worst, at = d, i
		}
	}
	if worst > tol {
		t.Errorf("%s: entry %d is %v, want %v; the difference %.3g is more than %.3g", what, at, got[at], want[at], worst, tol)
	}
}

// WithinNorm fails unless the norm of got - want is at most tol times the
// norm of want.
func WithinNorm[A, B Number](t *testing.T, what string, got []A, want []B, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	missed, size := 0.0, 0.0
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		missed, size = missed+d*d, size+float64(want[i])*float64(want[i])
	}
	if missed, size = math.Sqrt(missed), math.Sqrt(size); !(missed <= tol*size) {
		t.Errorf("%s: off by %.3g of a norm of %.6g, more than %.3g of it", what, missed, size, tol)
	}
}

// Near fails unless got is within tol of want, relative to want.
func Near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Abs(want)) {
		t.Errorf("%s is %v, want %v; the difference is more than %.3g of it", what, got, want, tol)
	}
}

// Same fails unless got and want are equal entry by entry; NaN equals NaN.
func Same[E comparable](t *testing.T, what string, got, want []E) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d entries, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if got[i] != want[i] && (got[i] == got[i] || want[i] == want[i]) {
			t.Errorf("%s: entry %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}
