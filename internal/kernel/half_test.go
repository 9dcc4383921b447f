package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

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

func TestHalfTwin(t *testing.T) {
	eachSet(t, func(t *testing.T, s *set) {
		halves := make([]uint16, 1<<16)
		for i := range halves {
			halves[i] = uint16(i)
		}
		got, want := make([]float32, len(halves)), make([]float32, len(halves))
		s.halfToFloat(got, halves)
		halfToFloatGeneric(want, halves)
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("half %#04x widens to %g, want %g", i, got[i], want[i])
			}
		}
		r := rand.New(rand.NewPCG(3, 4))
		for i := range want {
			want[i] = math.Float32frombits(r.Uint32())
			if i%2 == 0 { // near the rounding borders of halves
				want[i] = widenHalf(uint16(i)) * (1 + float32(r.IntN(5)-2)*0x1p-12)
			}
		}
		narrow, plain := make([]uint16, len(want)), make([]uint16, len(want))
		s.floatToHalf(narrow, want)
		floatToHalfGeneric(plain, want)
		for i := range narrow {
			if narrow[i] != plain[i] {
				t.Fatalf("%g (%#08x) narrows to %#04x, want %#04x", want[i], math.Float32bits(want[i]), narrow[i], plain[i])
			}
		}
	})
}
