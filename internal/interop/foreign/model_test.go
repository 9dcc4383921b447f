package foreign

import (
	"fmt"
	"math"
	"math/rand"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// planted is a random autoencoder.
func planted(rule Rule, d, f int) *SAE {
	r := rand.New(rand.NewSource(1))
	random := func(n int, scale float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64() * scale)
		}
		return x
	}
	s := &SAE{
		Format: "test", Architecture: string(rule), D: d, F: f, DOut: d, Rule: rule, K: 32, InputBias: true, OutputBias: true,
		Normalize: NormNone, Scale: 1, MaxIterations: 8, StopOnDuplicate: true,
		Tensors: Tensors{Encoder: random(f*d, 1/math.Sqrt(float64(d))), EncoderBias: random(f, 0.1), DecoderBias: random(d, 0.1), Threshold: random(f, 1)},
	}
	for i, t := range s.Threshold {
		s.Threshold[i] = 2 + t*t
	}
	s.Decoder = append([]float32{}, s.Encoder...)
	s.GateBias, s.MagnitudeBias, s.MagnitudeLog = random(f, 1), random(f, 1), random(f, 0.3)
	return s
}

func rowsOf(n, d int) *activations.Batch {
	r := rand.New(rand.NewSource(2))
	b := &activations.Batch{N: n, D: d, X: make([]float32, n*d)}
	for i := range b.X {
		b.X[i] = float32(r.NormFloat64())
	}
	return b
}

// TestThreads encodes with one thread and with two: equal bits.
func TestThreads(t *testing.T) {
	for _, rule := range []Rule{ReLU, JumpReLU, TopK, AbsTopK, BatchTopK, GroupMax, Gated, Pursuit} {
		s, b := planted(rule, 24, 192), rowsOf(70, 24)
		var first []float32
		for threads := 1; threads <= 2; threads++ {
			m, err := NewModel(s, sae.ModelOptions{Rows: 70, Threads: threads})
			if err != nil {
				t.Fatal(err)
			}
			codes, err := m.Encode(b)
			if err != nil {
				t.Fatal(err)
			}
			recon := m.Recon()
			if threads == 1 {
				first = append([]float32{}, recon...)
				if len(codes.Value) == 0 {
					t.Errorf("%s: no latent is active", rule)
				}
			}
			for i, v := range recon {
				if v != first[i] {
					t.Fatalf("%s: %d threads give %g, one %g", rule, threads, v, first[i])
				}
			}
			m.Close()
		}
	}
}

// TestPartBatches encodes rows one at a time and together: equal bits, but for
// the rule that looks at a whole batch.
func TestPartBatches(t *testing.T) {
	for _, rule := range []Rule{ReLU, JumpReLU, TopK, AbsTopK, GroupMax, Gated, Pursuit} {
		s, b := planted(rule, 24, 192), rowsOf(37, 24)
		m, err := NewModel(s, sae.ModelOptions{Rows: 37, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Encode(b); err != nil {
			t.Fatal(err)
		}
		whole := append([]float32{}, m.Recon()...)
		for i := range b.N {
			if _, err := m.Encode(&activations.Batch{N: 1, D: b.D, X: b.X[i*b.D : (i+1)*b.D]}); err != nil {
				t.Fatal(err)
			}
			for j, v := range m.Recon() {
				if v != whole[i*b.D+j] {
					t.Fatalf("%s: row %d alone gives %g, in a batch %g", rule, i, v, whole[i*b.D+j])
				}
			}
		}
		m.Close()
	}
}

func BenchmarkEncode(b *testing.B) {
	const d, f, rows = 512, 8192, 512
	batch := rowsOf(rows, d)
	for _, rule := range []Rule{TopK, JumpReLU, Gated, ReLU, Pursuit} {
		b.Run(fmt.Sprint(rule), func(b *testing.B) {
			m, err := NewModel(planted(rule, d, f), sae.ModelOptions{Rows: rows, Threads: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			for b.Loop() {
				if _, err := m.Encode(batch); err != nil {
					b.Fatal(err)
				}
				m.Recon()
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
