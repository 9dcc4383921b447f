package eval

import (
	"context"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// TestTranscoder evaluates a model that predicts another column of another
// width.
func TestTranscoder(t *testing.T) {
	m := &stored{z: []float32{1, 0, 0, 2, 1, 1}, f: 2, d: 3, xHat: []float32{1, 0, 0, 0, 2, 0, 1, 1, 0}, weights: map[string][]float32{
		"encoder.weight": {1, 0, 0, 1}, "encoder.bias": {0, 0}, "decoder.weight": {1, 0, 0, 0, 1, 0}, "decoder.bias": {0, 0, 0}}}
	s := Subject{Model: m, Dims: sae.Dims{D: 2, DOut: 3, F: 2, B: 3}, Transcoder: true}
	batch := activations.Batch{N: 3, D: 2, X: []float32{1, 0, 0, 2, 1, 1}, DOut: 3,
		Target: []float32{1, 0, 1, 0, 2, 0, 1, 0, 0}, Gradient: make([]float32, 6)}
	r, err := Run(context.Background(), s, source(batch, 2), Options{Metrics: []Metric{NewTruncation(s, []int{1})}})
	if err != nil {
		t.Fatal(err)
	}
	r.want(t, "mse", 2.0/3, 1e-12)
	r.want(t, "l0", 4.0/3, 1e-12)
	r.want(t, "coherence_max", 0, 1e-7)
	for _, name := range []string{"eps_lbo_mean", "loss_change_first_order", "encoder_decoder_cosine_mean"} {
		if _, ok := r.Metrics[name]; ok {
			t.Errorf("%s is in the report of a transcoder, which it does not apply to", name)
		}
	}
	s.Transcoder = false
	if _, err := Run(context.Background(), s, source(batch, 2), Options{}); err == nil || !strings.Contains(err.Error(), "predicts 3 values a row") {
		t.Errorf("a transcoder evaluated as an autoencoder gives %v", err)
	}
}

// TestSmallest evaluates one latent on one row, and a latent that never fires.
func TestSmallest(t *testing.T) {
	for _, z := range []float32{2, 0} {
		m := &stored{z: []float32{z}, f: 1, d: 1, xHat: []float32{2}, weights: map[string][]float32{"decoder.weight": {1}, "encoder.weight": {1}}}
		r, err := Run(context.Background(), Subject{Model: m, Dims: sae.Dims{D: 1, F: 1, B: 1}}, source(activations.Batch{N: 1, D: 1, X: []float32{3}}, 1), Options{})
		if err != nil {
			t.Fatal(err)
		}
		r.want(t, "mse", 1, 0)
		if _, ok := r.Metrics["fvu"]; ok {
			t.Error("one row has an fvu")
		}
		if _, err := r.SAEBench(SAEBenchInfo{}); err != nil {
			t.Error(err)
		}
	}
}

func TestNoRows(t *testing.T) {
	if _, err := Run(context.Background(), identity(2), source(activations.Batch{D: 2}, 1), Options{}); err == nil {
		t.Error("no rows give a report")
	}
}

func TestReconstructionThatIsNotFinite(t *testing.T) {
	s := identity(2)
	s.Model.(*formula).decode = func(dst, x []float32, _ []int32, _ []float32) {
		dst[0], dst[1] = x[0]/(x[0]-3), 0
	}
	_, err := Run(context.Background(), s, source(activations.Batch{N: 2, D: 2, X: []float32{1, 1, 3, 1}}, 1), Options{})
	if err == nil || !strings.Contains(err.Error(), "row 1") {
		t.Errorf("the error is %v, want one that names row 1", err)
	}
}
