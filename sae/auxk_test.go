package sae

import "testing"

func TestAuxWeight(t *testing.T) {
	for _, c := range []struct {
		shrink bool
		dead   int
		want   float64
	}{{false, 0, 0}, {false, 3, 1}, {true, 0, 0}, {true, 3, 0.375}, {true, 20, 1}} {
		if got := (AuxK{K: 8, Shrink: c.shrink}).weight(c.dead); got != c.want {
			t.Errorf("%+v: weight %v", c, got)
		}
	}
}
