package reuse

import "testing"

func TestSlice(t *testing.T) {
	was := make([]int, 2, 5)
	for _, c := range []struct {
		n    int
		same bool
	}{{0, true}, {5, true}, {6, false}} {
		got := Slice(was, c.n)
		if len(got) != c.n {
			t.Errorf("%d entries asked for, %d given", c.n, len(got))
		}
		if c.n > 0 && (&got[0] == &was[0]) != c.same {
			t.Errorf("%d entries: the memory is the same: %v", c.n, !c.same)
		}
	}
	if got := Slice[int](nil, 3); len(got) != 3 || cap(got) != 3 {
		t.Errorf("of nothing %d entries in room for %d", len(got), cap(got))
	}
	buffer := make([]float32, 8)
	if n := testing.AllocsPerRun(10, func() { buffer = Slice(buffer, 4); buffer = Slice(buffer, 8) }); n != 0 {
		t.Errorf("%v allocations where there is room", n)
	}
}
