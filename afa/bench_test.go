package afa

import (
	"math/rand/v2"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
)

// BenchmarkPick is the selection at B 1024, D 768, F 6144. "start" keeps what
// fresh weights do, about half of the latents, "trained" about 40.
func BenchmarkPick(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		bias float64 // of each latent against the rows' mean direction
	}{{"start", 0}, {"trained", 3}} {
		s := randomScene(r, 1024, 768, 6144)
		for i := range s.norms {
			s.norms[i] = 1
		}
		for i := range s.x { // rows share a direction that latents avoid
			if i%s.d == 0 {
				s.x[i] = 20
			}
		}
		for i := range s.w {
			if i%s.d == 0 {
				s.w[i] = float32(-0.02 * c.bias)
			}
		}
		b.Run(c.name, func(b *testing.B) {
			pool := kernel.NewPool(0)
			defer pool.Close()
			p, got := newPicker(pool, kernel.NewSelector(pool)), &kernel.Support{}
			p.norms = s.norms
			for b.Loop() {
				if err := p.pick(got, s.x, s.w, nil, s.b, s.d, s.f); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(got.Index))/float64(s.b), "latents/row")
		})
	}
}
