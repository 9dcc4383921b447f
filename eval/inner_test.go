package eval

import (
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// linear is topK with the reconstruction of the variants that have a bias;
// twice gives twice that, which is not what codes decode to.
type linear struct {
	topK
	twice bool
}

func (v linear) Build(b *sae.Builder) sae.Out {
	out := v.topK.Build(b)
	dec := b.Matrix("decoder.weight", b.F, b.D, sae.Zero, sae.Flags{})
	center := b.Vector("decoder.bias", b.D, sae.Zero, sae.Flags{})
	out.Recon = b.G.SpMMAdd(out.Codes.Values, dec.Use(), center.Use(), out.Codes.Support)
	if v.twice {
		out.Recon = b.G.Add(out.Recon, out.Recon)
	}
	return out
}

// What a model tells of its own units is what the rows and codes say.
func TestInner(t *testing.T) {
	const d, f, n = 24, 60, 50
	weights := map[string][]float32{}
	for i, name := range []string{"encoder.weight", "decoder.weight", "encoder.bias", "decoder.bias"} {
		weights[name] = make([]float32, []int{f * d, f * d, f, d}[i])
		data.NormalFill(weights[name], uint64(i), 7)
	}
	for _, v := range []linear{{topK{5}, false}, {topK{5}, true}} {
		m, err := sae.NewModel(v, sae.Dims{D: d, F: f}, weights, nil, sae.ModelOptions{Rows: 64, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		m.Scale = data.Scale{Kind: data.ScaleMeanNorm, Factor: 0.7}
		x := make([]float32, n*d)
		data.NormalFill(x, 9, 9)
		s := &Sample{Batch: &activations.Batch{N: n, D: d, X: x}, Width: d, pool: kernel.NewPool(2), scaler: scaler{scale: m.Scale}}
		defer s.pool.Close()
		if err := s.encode(Of(m, false)); err != nil {
			t.Fatal(err)
		}
		if told := s.decoded != nil; told == v.twice {
			t.Fatalf("twice %v: what codes decode to is told: %v", v.twice, told)
		}
		told := s.decoded
		s.decoded = nil
		decoding := newDecoding(Of(m, false), 0)
		for i, want := range s.scaler.rows(s) {
			if got := s.Scaled[i]; got != want {
				t.Fatalf("number %d of the scaled rows is %g, want %g", i, got, want)
			}
		}
		for i := 0; i < n && told != nil; i++ {
			for j, want := range decoding.decode(s, i, make([]float32, d)) {
				if got := told[i*d+j]; math.Abs(float64(got-want)) > 1e-5 {
					t.Fatalf("row %d decodes to %g at %d, want %g", i, got, j, want)
				}
			}
		}
	}
}
