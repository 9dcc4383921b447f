package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func randomFloats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func TestHalfRoundTrip(t *testing.T) {
	src := make([]uint16, 1<<16)
	for i := range src {
		src[i] = uint16(i)
	}
	wide := make([]float32, len(src))
	HalfToFloat(wide, src)
	back := make([]uint16, len(src))
	FloatToHalf(back, wide)
	for i, h := range src {
		want := h
		if h&0x7c00 == 0x7c00 && h&0x3ff != 0 {
			want |= 0x200 // signalling NaN becomes quiet
		}
		if back[i] != want {
			t.Fatalf("half %#04x widened to %g and came back as %#04x", h, wide[i], back[i])
		}
	}
}

func TestFloatToHalfRounds(t *testing.T) {
	cases := map[float32]uint16{
		0: 0, 1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 65519: 0x7bff, 65520: 0x7c00, 1e9: 0x7c00,
		0x1p-24: 1, 0x1p-25: 0, 0x1.8p-25: 1, 0x1p-14: 0x400, 0x1.ff8p-15: 0x3ff, 0x1.ffcp-15: 0x400,
		1 + 0x1p-11: 0x3c00, 1 + 0x1.8p-10: 0x3c02, float32(math.Inf(-1)): 0xfc00,
	}
	for f, want := range cases {
		var got [1]uint16
		if FloatToHalf(got[:], []float32{f}); got[0] != want {
			t.Errorf("FloatToHalf(%g) = %#04x, want %#04x", f, got[0], want)
		}
	}
}

type countTask struct{ seen []int32 }

func (c *countTask) Do(_, item int) { c.seen[item]++ }

func TestPoolRunsEveryItemOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := NewPool(threads)
		for _, items := range []int{0, 1, 3, 1000} {
			c := &countTask{make([]int32, items)}
			p.Run(items, c)
			for i, n := range c.seen {
				if n != 1 {
					t.Fatalf("threads %d: item %d ran %d times", threads, i, n)
				}
			}
		}
		p.Close()
		c := &countTask{make([]int32, 9)}
		p.Run(9, c)
		if c.seen[8] != 1 {
			t.Error("a closed pool does not run on its caller")
		}
	}
}

type panicTask struct{}

func (panicTask) Do(_, item int) {
	if item == 7 {
		panic("seven")
	}
}

func TestPoolRaisesPanic(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for range 20 {
		func() {
			defer func() {
				if r := recover(); r != "seven" {
					t.Fatalf("recovered %v, want seven", r)
				}
			}()
			p.Run(100, panicTask{})
			t.Fatal("Run returned")
		}()
	}
	c := &countTask{make([]int32, 50)}
	p.Run(50, c)
	if c.seen[49] != 1 {
		t.Error("the pool does not work after a panic")
	}
}
