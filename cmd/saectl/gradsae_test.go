package main

import (
	"testing"

	"github.com/saectl/saectl/gradsae"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
	"github.com/saectl/saectl/topk"
)

// smallTopK and smallGSAE let latents die after a few batches.
func smallTopK() *topk.TopK {
	v := topk.New().(*topk.TopK)
	v.K, v.AuxK, v.DeadAfter = 3, 8, 200
	return v
}

func smallGSAE(beta float64) *gradsae.GradSAE {
	v := gradsae.New().(*gradsae.GradSAE)
	v.K, v.AuxK, v.DeadAfter, v.Beta = 3, 8, 200, beta
	return v
}

// trainToy trains on 40 batches of toy rows.
func trainToy(t *testing.T, v sae.Variant) map[string][]float32 {
	t.Helper()
	p := sae.Plan{
		Variant: v, D: 16, Seed: 3, Threads: 1, Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Model.Latents, p.Model.DecoderInit, p.Train.Batch, p.Train.Steps = 40, "data", 32, 200
	p.Optimizer.LR, p.Optimizer.Warmup = 1e-2, 10
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	toy := saetest.NewToy(p.D, 24, 2, 7)
	for i := range 40 {
		if err := tr.Step(toy.Batch(i, p.Train.Batch)); err != nil {
			t.Fatal(err)
		}
	}
	return tr.Weights()
}

// TestGSAEWithoutBetaIsTopK: at β = 0 the two train the same weights, to the
// last bit, dead latents and all.
func TestGSAEWithoutBetaIsTopK(t *testing.T) {
	want, got, other := trainToy(t, smallTopK()), trainToy(t, smallGSAE(0)), trainToy(t, smallGSAE(1))
	for name, w := range want {
		saetest.Same(t, name, got[name], w)
	}
	if len(got) != len(want) {
		t.Errorf("%d parameters, TopK has %d", len(got), len(want))
	}
	if got["decoder.weight"][0] == other["decoder.weight"][0] {
		t.Error("β makes no difference; the test shows nothing")
	}
}

// TestGSAEIsATopKAfterTraining: weights of a g-SAE, taken for those of a TopK,
// encode and decode the same.
func TestGSAEIsATopKAfterTraining(t *testing.T) {
	w, in := trainToy(t, smallGSAE(1)), saetest.NewToy(16, 24, 2, 7).Batch(1000, 32)
	encode := func(v sae.Variant) (sae.Encoded, []float32) {
		m, err := sae.NewModel(v, sae.Dims{D: 16, F: 40, DOut: 16}, w, nil, sae.ModelOptions{Rows: 32, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		e, err := m.Encode(in)
		if err != nil {
			t.Fatal(err)
		}
		return e, m.Recon()
	}
	got, recon := encode(smallGSAE(1))
	want, same := encode(smallTopK())
	saetest.Same(t, "latents", got.Index, want.Index)
	saetest.Same(t, "values", got.Value, want.Value)
	saetest.Same(t, "reconstruction", recon, same)
}
