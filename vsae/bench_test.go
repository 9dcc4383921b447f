package vsae

import (
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// BenchmarkStep is one training step at the size that issues and reports
// compare, B 1024, d 768, F 6144, k 32, of TopK with and without screening and
// of each form.
func BenchmarkStep(b *testing.B) {
	form := func(variance, scope string, sigma float64) *VSAE {
		v := New().(*VSAE)
		v.Variance, v.KLScope, v.Sigma = variance, scope, sigma
		return v
	}
	for _, c := range []struct {
		name string
		v    sae.Variant
	}{
		{"topk", topK{k: 32, screen: kernel.ScreenOff}},
		{"topk-screened", topK{k: 32}},
		{"none-selected", form("none", "selected", 0)},
		{"none-all", form("none", "all", 0)},
		{"fixed-selected", form("fixed", "selected", 0.1)},
		{"fixed-selected-loud", form("fixed", "selected", 10)},
		{"fixed-all", form("fixed", "all", 0.1)},
		{"learned-selected", form("learned", "selected", 0)},
		{"learned-all", form("learned", "all", 0)},
	} {
		b.Run(c.name, func(b *testing.B) { benchmark(b, c.v) })
	}
}

func benchmark(b *testing.B, v sae.Variant) {
	p := plan(v, 1024, 768, 6144)
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
}
