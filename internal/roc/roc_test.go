package roc

import (
	"math"
	"testing"
)

func TestIdenticalSeparatedAndTies(t *testing.T) {
	same := []float64{1, 2, 2, 5}
	for _, c := range []struct {
		name     string
		id, ood  []float64
		auroc    float64
		fpr95    float64
		harmonic float64
		f1       float64
	}{
		{"identical", same, same, 0.5, 1, 2 * 0.75 * 0.25, 8. / 12},
		{"separated", []float64{3, 4}, []float64{1, 2}, 1, 0, 1, 1},
		{"turned round", []float64{1, 2}, []float64{3, 4}, 0, 1, 0, 2. / 3},
		{"all tied", []float64{1, 1}, []float64{1}, 0.5, 1, 0, 0.8},
	} {
		r := New(c.id, c.ood)
		for i, x := range [][2]float64{{r.AUROC, c.auroc}, {r.FPR95, c.fpr95}, {r.F1, c.f1}} {
			if math.Abs(x[0]-x[1]) > 1e-12 {
				t.Errorf("%s: figure %d is %v, want %v", c.name, i, x[0], x[1])
			}
		}
		if c.name != "identical" && math.Abs(r.Harmonic-c.harmonic) > 1e-12 {
			t.Errorf("%s: harmonic mean %v, want %v", c.name, r.Harmonic, c.harmonic)
		}
	}
	if r := New(nil, same); !math.IsNaN(r.AUROC) || !math.IsNaN(r.F1) {
		t.Errorf("without scores of one kind: %+v", r)
	}
}
