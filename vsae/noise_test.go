package vsae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// bare is a model whose latents have mean 0 and a log variance that is its
// bias, of all which it keeps k: what it keeps is noise.
func bare(t *testing.T, v *VSAE, rows, d, f int, bias float64) *sae.Model {
	t.Helper()
	w := map[string][]float32{
		"encoder.weight": make([]float32, f*d), "encoder.bias": make([]float32, f),
		"decoder.weight": normal(f*d, 1, 1), "decoder.bias": make([]float32, d),
	}
	if v.Variance == "learned" {
		w["log_variance.weight"], w["log_variance.bias"] = make([]float32, f*d), make([]float32, f)
		for i := range w["log_variance.bias"] {
			w["log_variance.bias"][i] = float32(bias)
		}
	}
	m, err := sae.NewModel(v.Sampled(1), sae.Dims{D: d, F: f, DOut: d}, w, nil, sae.ModelOptions{Rows: rows, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// TestDeviation is section 7.5: 10⁵ draws with log σ² = -2 have a standard
// deviation of 0.3679, and beyond the clamps that of the clamps.
func TestDeviation(t *testing.T) {
	const rows, f = 500, 200
	for bias, want := range map[float64]float64{-2: math.Exp(-1), -100: math.Exp(-3), 100: math.E} {
		v := New().(*VSAE)
		v.Variance, v.K = "learned", f
		codes := encode(t, bare(t, v, rows, 4, f, bias), &activations.Batch{N: rows, D: 4, X: make([]float32, rows*4)})
		sum, squares, n := 0.0, 0.0, float64(len(codes.Value))
		for _, z := range codes.Value {
			sum, squares = sum+float64(z), squares+float64(z)*float64(z)
		}
		if n != rows*f {
			t.Fatalf("%v latents are kept of %d", n, rows*f)
		}
		saetest.Near(t, "standard deviation", math.Sqrt(squares/n-sum*sum/n/n), want, 0.01)
		if math.Abs(sum/n) > 0.01*want {
			t.Errorf("the mean is %v", sum/n)
		}
	}
}

// jaccard is the mean over rows of the overlap of what two codes keep.
func jaccard(a, b sae.Encoded) float64 {
	sum := 0.0
	for i := range a.N {
		x, _ := a.Row(i)
		y, _ := b.Row(i)
		seen, both := map[int32]bool{}, 0
		for _, f := range x {
			seen[f] = true
		}
		for _, f := range y {
			if seen[f] {
				both++
			}
		}
		sum += float64(both) / float64(len(x)+len(y)-both)
	}
	return sum / float64(a.N)
}

func copied(e sae.Encoded) sae.Encoded {
	e.RowPtr, e.Index = append([]int32{}, e.RowPtr...), append([]int32{}, e.Index...)
	return e
}

// TestChurn is section 7.6: two draws keep the less in common the larger σ is,
// down to what k random latents of F have in common, k/(2F - k).
func TestChurn(t *testing.T) {
	const rows, d, f, k = 400, 32, 256, 32
	in := &activations.Batch{N: rows, D: d, X: normal(rows*d, 3, 1)}
	w := map[string][]float32{
		"encoder.weight": normal(f*d, 3, 2), "encoder.bias": make([]float32, f),
		"decoder.weight": normal(f*d, 3, 3), "decoder.bias": make([]float32, d),
	}
	last := 1.1
	for _, sigma := range []float64{0.01, 0.1, 0.5, 2, 10, 1e4} {
		v := New().(*VSAE)
		v.K, v.Sigma = k, sigma
		var draws []sae.Encoded
		for draw := range uint64(2) {
			m, err := sae.NewModel(v.Sampled(draw+1), sae.Dims{D: d, F: f, DOut: d}, w, nil, sae.ModelOptions{Rows: rows, Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			draws = append(draws, copied(encode(t, m, in)))
		}
		overlap := jaccard(draws[0], draws[1])
		if overlap >= last {
			t.Errorf("σ %g: overlap %.3f, with less noise it was %.3f", sigma, overlap, last)
		}
		last = overlap
	}
	if chance := float64(k) / (2*f - k); math.Abs(last-chance) > 0.1*chance {
		t.Errorf("with noise alone the overlap is %.4f, chance gives %.4f", last, chance)
	}
}

// TestNoiseNumbers: ε is the number of the stream that the documentation says,
// of a step in training and of a draw in evaluation, which goes on from one
// batch to the next.
func TestNoiseNumbers(t *testing.T) {
	const rows, d, f = 5, 3, 7
	v := New().(*VSAE)
	v.K, v.Sigma, v.ReluMu = f, 1, false
	m := bare(t, v, rows, d, f, 0)
	in := &activations.Batch{N: rows, D: d, X: make([]float32, rows*d)}
	stream := streamOf("vsae draw") + 1
	for batch := range 2 {
		codes := encode(t, m, in)
		for i, z := range codes.Value {
			row, latent := batch*rows+i/f, i%f
			if want := data.Normal(0, stream, uint64(row*8+latent)); z != want { // 8 is f in whole blocks
				t.Fatalf("batch %d, row %d, latent %d: %g, want %g", batch, row, latent, z, want)
			}
		}
	}
	p := plan(v, rows, d, f)
	p.Seed = 9
	p.Init = map[string][]float32{"encoder.weight": make([]float32, f*d), "encoder.bias": make([]float32, f)}
	p.Optimizer.LR = 1e-30
	tr := newTrainer(t, p)
	for i := range 3 {
		step(t, tr, in)
		for e, z := range tr.Codes().Value {
			if want := data.Normal(9, streamOf("vsae noise")+uint64(i), uint64(e/f*8+e%f)); z != want {
				t.Fatalf("step %d, row %d, latent %d: %g, want %g", i, e/f, e%f, z, want)
			}
		}
	}
}

// TestEvaluationHasNoNoise: without a draw z = μ, whatever σ.
func TestEvaluationHasNoNoise(t *testing.T) {
	v := New().(*VSAE)
	v.K, v.Sigma = 4, 100
	const d, f, rows = 8, 20, 6
	w := map[string][]float32{
		"encoder.weight": normal(f*d, 3, 2), "encoder.bias": make([]float32, f),
		"decoder.weight": normal(f*d, 3, 3), "decoder.bias": make([]float32, d),
	}
	in := &activations.Batch{N: rows, D: d, X: normal(rows*d, 3, 1)}
	m, err := sae.NewModel(v, sae.Dims{D: d, F: f, DOut: d}, w, nil, sae.ModelOptions{Rows: rows, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	none := *v
	none.Variance = "none"
	other, err := sae.NewModel(&none, sae.Dims{D: d, F: f, DOut: d}, w, nil, sae.ModelOptions{Rows: rows, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	a, b := encode(t, m, in), encode(t, other, in)
	saetest.Same(t, "latents", a.Index, b.Index)
	saetest.Same(t, "values", a.Value, b.Value)
}
