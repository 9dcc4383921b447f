package topk

import (
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// BenchmarkStep is one training step at the size that issues and reports
// compare: B 1024, d 768, F 6144, k 32.
func BenchmarkStep(b *testing.B) {
	for name, v := range map[string]sae.Variant{"topk": New(), "batchtopk": NewBatch(), "abstopk": NewAbs(), "matryoshka": NewMatryoshka()} {
		b.Run(name, func(b *testing.B) {
			p := sae.Plan{
				Variant: v, D: 768, Threads: 2,
				Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
			}
			tr, err := sae.NewTrainer(p)
			if err != nil {
				b.Fatal(err)
			}
			defer tr.Close()
			batch := saetest.NewToy(p.D, 2000, 8, 1).Batch(0, p.Train.Batch)
			tr.TimeStages()
			b.ReportAllocs()
			for b.Loop() {
				if err := tr.Step(batch); err != nil {
					b.Fatal(err)
				}
			}
			for stage, spent := range tr.Stages() {
				b.ReportMetric(float64(spent.Microseconds())/1e3/float64(b.N), "ms-"+strings.Fields(stage)[0])
			}
		})
	}
}
