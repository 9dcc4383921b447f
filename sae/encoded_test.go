package sae

import "testing"

func TestL0Spread(t *testing.T) {
	e := Encoded{N: 4, F: 9, RowPtr: []int32{0, 0, 3, 4, 9}, Index: make([]int32, 9), Value: []float32{1, 0, 2, 5, 1, 1, -1, 1, 1}}
	if got, want := e.L0Spread(), (Spread{0, 0.75, 1.5, 2.75, 5}); got != want {
		t.Errorf("rows of 0, 2, 1 and 5 values: %v, want %v", got, want)
	}
	if got := (Encoded{}).L0Spread(); got != (Spread{}) {
		t.Errorf("no rows: %v", got)
	}
	if got := e.L0(); got != 2 {
		t.Errorf("L0 is %v, want 2", got)
	}
}
