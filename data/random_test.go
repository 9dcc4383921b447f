package data

import (
	"math"
	"testing"
)

// The known answer tests of Random123 for philox4x32-10.
func TestPhiloxKnownAnswers(t *testing.T) {
	if got, want := Block(0, 0, 0), [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}; got != want {
		t.Errorf("zero key and counter give %08x, want %08x", got, want)
	}
	ones := ^uint64(0)
	if got, want := Block(ones, ones, ones), [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}; got != want {
		t.Errorf("all ones give %08x, want %08x", got, want)
	}
}

func TestNormalMoments(t *testing.T) {
	const n = 1 << 18
	x := make([]float32, n)
	NormalFill(x, 7, 3)
	var m1, m2, m4 float64
	for _, v := range x {
		m1 += float64(v)
		m2 += float64(v) * float64(v)
		m4 += math.Pow(float64(v), 4)
	}
	m1, m2, m4 = m1/n, m2/n, m4/n
	if math.Abs(m1) > 0.01 || math.Abs(m2-1) > 0.01 || math.Abs(m4-3) > 0.1 {
		t.Errorf("mean %g, variance %g, fourth moment %g of normal deviates", m1, m2, m4)
	}
}

func TestNormalByNumber(t *testing.T) {
	x := make([]float32, 23)
	NormalFill(x, 5, 9)
	tail := make([]float32, 16)
	NormalFillFrom(tail, 5, 9, 7)
	for i, v := range x {
		if got := Normal(5, 9, uint64(i)); got != v {
			t.Errorf("number %d alone is %g, in a fill %g", i, got, v)
		}
		if i >= 7 && tail[i-7] != v {
			t.Errorf("number %d of a fill from 7 is %g, want %g", i, tail[i-7], v)
		}
	}
}
