package topk

import (
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// The baselines of Lee et al. 2025 (arXiv 2503.24277) have no encoder bias,
// count dead latents in batches, and revive them by a plain error that trains
// the others too.
func baselineTopK(k int) *TopK {
	v := New().(*TopK)
	v.K, v.AuxK, v.DeadAfter = k, 8, 5
	v.EncoderBias, v.AuxLoss = false, "plain"
	return v
}

func baselineBatch(k int) *BatchTopK {
	v := NewBatch().(*BatchTopK)
	v.K, v.AuxK, v.DeadAfter, v.Inference = k, 8, 5, "batch"
	v.EncoderBias, v.AuxLoss = false, "plain"
	return v
}

func baselineOrder(p *sae.Plan) {
	p.Train.DeadUnit, p.Model.DecoderBias = "batches", "zero"
	p.Optimizer.Beta2, p.Optimizer.Warmup, p.Optimizer.DecayStart, p.Optimizer.Clip = 0.99, 0, 1, 0
}

func TestBaselines(t *testing.T) {
	o := saetest.Options{MaxL0: 2, MeanL0: 2, Adjust: baselineOrder}
	t.Run("topk", func(t *testing.T) { saetest.Run(t, func() sae.Variant { return baselineTopK(2) }, o) })
	o.MaxL0, o.BatchDependent = 0, true
	t.Run("batchtopk", func(t *testing.T) { saetest.Run(t, func() sae.Variant { return baselineBatch(2) }, o) })
}

// TestAllPositiveKept: once k exceeds the positive latents of every row, TopK
// and BatchTopK are one and the same model, to the last bit.
func TestAllPositiveKept(t *testing.T) {
	const d, f, rows = 16, 40, 24
	toy := saetest.NewToy(d, 24, 2, 7)
	trained := func(v sae.Variant) map[string][]float32 {
		p := sae.Plan{Variant: v, D: d, Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(), Seed: 3}
		p.Model.Latents, p.Train.Batch, p.Train.Steps = f, rows, 100
		baselineOrder(&p)
		tr, err := sae.NewTrainer(p)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		for i := range 30 {
			if err := tr.Step(toy.Batch(i, rows)); err != nil {
				t.Fatal(err)
			}
		}
		return tr.Weights()
	}
	one, other, fewer := trained(baselineTopK(f)), trained(baselineBatch(f)), trained(baselineTopK(2))
	for name, w := range one {
		saetest.Same(t, name, other[name], w)
	}
	if fewer["encoder.weight"][0] == one["encoder.weight"][0] {
		t.Error("k makes no difference; the test shows nothing")
	}
}
