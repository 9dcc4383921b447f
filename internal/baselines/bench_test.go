package baselines

import (
	"math"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// BenchmarkStep is one training step at the size that issues and reports
// compare, B 1024, d 768, F 6144, with the number of latents that a row keeps:
// dense, as training starts, and sparse, where it ends. topk.BenchmarkStep is
// what these are held against.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name  string
		v     sae.Variant
		shift float64 // of the encoder bias, which decides how many latents are kept
	}{
		{"relu/dense", NewReLU(), 0}, {"relu/sparse", NewReLU(), -0.26},
		{"gated/dense", NewGated(), 0}, {"gated/sparse", NewGated(), -2.6},
		{"jumprelu/dense", NewJumpReLU(), 0}, {"jumprelu/sparse", NewJumpReLU(), -2.5},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := sae.Plan{Variant: c.v, D: 768, Threads: 2, Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer()}
			p.Optimizer.LR = 1e-9 // the latents stay as they are
			bias := make([]float32, p.Model.Latents)
			for f := range bias {
				bias[f] = float32(c.shift)
			}
			p.Init = map[string][]float32{"encoder.bias": bias}
			if _, gated := c.v.(*Gated); gated {
				p.Init = map[string][]float32{"gate.bias": bias}
			}
			tr, err := sae.NewTrainer(p)
			if err != nil {
				b.Fatal(err)
			}
			defer tr.Close()
			batch := saetest.NewToy(p.D, 2000, 8, 1).Batch(0, p.Train.Batch)
			kernel.Scale(batch.X, float32(1/math.Sqrt(kernel.SumSquares(batch.X)/float64(len(batch.X))))) // as data.scale does
			for range 3 {                                                                                 // room for what is kept
				if err := tr.Step(batch); err != nil {
					b.Fatal(err)
				}
			}
			tr.TimeStages()
			for b.Loop() {
				if err := tr.Step(batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(tr.Codes().L0(), "L0")
			for stage, spent := range tr.Stages() {
				b.ReportMetric(float64(spent.Microseconds())/1e3/float64(b.N), "ms-"+strings.Fields(stage)[0])
			}
		})
	}
}
