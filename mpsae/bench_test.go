package mpsae

import (
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// The size that issues and reports compare: B 1024, D 768, F 6144, K 32.
const (
	benchB = 1024
	benchD = 768
	benchF = 6144
)

func benchPlan() sae.Plan {
	p := sae.Plan{
		Variant: New(), D: benchD, Threads: 2,
		Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Model.Latents, p.Train.Batch = benchF, benchB
	return p
}

// BenchmarkStep is one training step and its stages.
func BenchmarkStep(b *testing.B) {
	tr, err := sae.NewTrainer(benchPlan())
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	batch := saetest.NewToy(benchD, 2000, 8, 1).Batch(0, benchB)
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
}

// BenchmarkEncode encodes a batch with a dictionary that stays, each way.
func BenchmarkEncode(b *testing.B) {
	batch := saetest.NewToy(benchD, 2000, 8, 1).Batch(0, benchB)
	for _, forward := range []string{"direct", "gram"} {
		b.Run(forward, func(b *testing.B) {
			p := benchPlan()
			v := p.Variant.(*MPSAE)
			v.Forward = forward
			tr, err := sae.NewTrainer(p)
			if err != nil {
				b.Fatal(err)
			}
			defer tr.Close()
			m, err := tr.Model(sae.ModelOptions{Rows: benchB, Threads: 2})
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			if _, err := m.Encode(batch); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := m.Encode(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
