package eval

import (
	"context"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// TestTruncation cuts the codes of an orthonormal dictionary, where each
// latent left out costs its square.
func TestTruncation(t *testing.T) {
	s := identity(3)
	s.Model.(*formula).weights = map[string][]float32{"decoder.weight": {1, 0, 0, 0, 1, 0, 0, 0, 1}, "decoder.bias": {0, 0, 0}}
	src := source(activations.Batch{N: 2, D: 3, X: []float32{1, -3, 2, -1, 3, -2}}, 1)
	r, err := Run(context.Background(), s, src, Options{Metrics: []Metric{NewTruncation(s, []int{3, 1, 2, 8})}})
	if err != nil {
		t.Fatal(err)
	}
	got := r.Series["fvu_by_k"]
	for i, want := range []float64{5.0 / 14, 1.0 / 14, 0, 0} {
		near(t, "fvu", got.Y[i], want, 1e-12)
		near(t, "k", got.X[i], []float64{1, 2, 3, 8}[i], 0)
	}
}

// TestTruncationAtFullLength equals the FVU of the whole code.
func TestTruncationAtFullLength(t *testing.T) {
	s := randomSubject(40, 8, 5)
	x := randomRows(200, 8)
	src := source(activations.Batch{N: 200, D: 8, X: x}, 64)
	r, err := Run(context.Background(), Subject{Model: s.Model, Dims: sae.Dims{D: 8, F: 40}}, src, Options{Metrics: []Metric{NewTruncation(s, []int{40})}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "fvu at 40", r.Series["fvu_by_k"].Y[0], r.Metrics["fvu"].Value, 1e-5)
}
