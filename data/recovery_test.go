package data

import (
	"math"
	"testing"
)

func TestRecoveryOfItself(t *testing.T) {
	const f, d = 50, 32
	truth := make([]float32, f*d)
	NormalFill(truth, 1, 1)
	// Another order, other signs and lengths, and a row of zeros.
	learnt := make([]float32, (f+1)*d)
	for i := range f {
		for j := range d {
			learnt[(f-i)*d+j] = truth[i*d+j] * float32(1-2*(i%2)) * float32(i+1)
		}
	}
	s := Recovery(truth, learnt, d)
	if s.Features != f || s.Recovered != 1 || math.Abs(s.MeanMaxCosine-1) > 1e-6 {
		t.Errorf("%d features, %g recovered, mean cosine %g", s.Features, s.Recovered, s.MeanMaxCosine)
	}
	other := make([]float32, f*d)
	NormalFill(other, 2, 1)
	if s := Recovery(truth, other, d); s.Recovered != 0 || s.MeanMaxCosine > 0.6 {
		t.Errorf("of another dictionary: %g recovered, mean cosine %g", s.Recovered, s.MeanMaxCosine)
	}
}

// Axes turned by known angles.
func TestRecoveryByAngle(t *testing.T) {
	const d = 6
	truth, learnt := make([]float32, 3*d), make([]float32, 3*d)
	want := []float64{0.96, 0.94, 0.5}
	for i, c := range want {
		truth[i*d+2*i] = 2
		learnt[i*d+2*i], learnt[i*d+2*i+1] = float32(c), float32(math.Sqrt(1-c*c))
	}
	s := Recovery(truth, learnt, d)
	mean := 0.0
	for i, c := range want {
		if math.Abs(s.MaxCosine[i]-c) > 1e-6 {
			t.Errorf("feature %d has cosine %g, want %g", i, s.MaxCosine[i], c)
		}
		mean += c / 3
	}
	if math.Abs(s.Recovered-1.0/3) > 1e-12 || math.Abs(s.MeanMaxCosine-mean) > 1e-6 {
		t.Errorf("recovered %g, mean %g", s.Recovered, s.MeanMaxCosine)
	}
	if s := Recovery(truth, nil, d); s.Recovered != 0 || s.MeanMaxCosine != 0 {
		t.Errorf("of nothing: %+v", s)
	}
}
