package vsae

import (
	"math"
	"path/filepath"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// topK is TopK with an untied bias and a free decoder, and nothing else. Its
// selection is exact from the start, or screened in bytes first.
type topK struct {
	k      int
	screen kernel.Screen
}

func (v topK) Build(b *sae.Builder) sae.Out {
	c := b.Coder()
	c.Decoder = b.Matrix("decoder.weight", b.F, b.D, sae.UnitNormal(1), sae.Flags{})
	c.Encoder = b.Matrix("encoder.weight", b.F, b.D, sae.CopyOf("decoder.weight", 1), sae.Flags{})
	c.EncoderBias = b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
	c.DecoderBias = b.Vector("decoder.bias", b.D, sae.Zero, sae.Flags{FromData: true})
	c.Input = b.X()
	selector := kernel.NewSelector(b.G.Pool)
	selector.Screen = v.screen
	kept := c.Code(v.k*b.B, func(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
		return selector.Select(dst, x, w, bias, rows, d, f, kernel.Rule{Kind: kernel.TopK, K: v.k})
	})
	out := sae.Out{Codes: kept, Recon: c.Decode(kept)}
	if b.Train {
		out.Loss = b.MeanSquared(out.Recon, b.X())
		out.Terms = map[string]*gorgonia.Node{"mse": out.Loss}
	}
	return out
}

func normal(n int, seed, stream uint64) []float32 {
	x := make([]float32, n)
	data.NormalFill(x, seed, stream)
	return x
}

func newTrainer(t *testing.T, p sae.Plan) *sae.Trainer {
	t.Helper()
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// TestLossIsTopKPlusPenalty is section 7.1 of the specification, on weights of
// several norms and a batch: the loss without variance is that of TopK and
// ½β||μ||² of all latents, before the choice; the null model with ½β has the
// same loss and gradient.
func TestLossIsTopKPlusPenalty(t *testing.T) {
	const b, d, f, k, beta = 40, 24, 96, 5, 0.3
	in := &activations.Batch{N: b, D: d, X: normal(b*d, 1, 1)}
	p := plan(topK{k: k}, b, d, f)
	p.Init = map[string][]float32{
		"encoder.weight": normal(f*d, 1, 2), "encoder.bias": normal(f, 1, 3),
		"decoder.weight": normal(f*d, 1, 4), "decoder.bias": normal(d, 1, 5),
	}
	plain := newTrainer(t, p)
	step(t, plain, in)
	half := 0.0
	for i := range b {
		for l := range f {
			w := p.Init["encoder.weight"][l*d : (l+1)*d]
			mu := max(0, kernel.DotF64(in.X[i*d:(i+1)*d], w)+float64(p.Init["encoder.bias"][l]))
			half += mu * mu / 2 / b
		}
	}
	v := New().(*VSAE)
	v.K, v.Variance, v.AuxK, v.KLWarmup, v.KLCoefficient, v.MuClamp = k, "none", 0, 0, beta, 1000
	p.Variant = v
	trained := newTrainer(t, p)
	step(t, trained, in)
	saetest.Near(t, "loss", trained.Loss(), plain.Loss()+beta*half, 1e-6)
	saetest.Near(t, "kl", trained.Terms()["kl"], half, 1e-6)

	null := *v
	null.Penalty, null.KLCoefficient = "squares", beta/2
	p.Variant = &null
	other := newTrainer(t, p)
	step(t, other, in)
	saetest.Near(t, "loss of the null model", other.Loss(), trained.Loss(), 1e-6)
	for name := range p.Init {
		saetest.WithinNorm(t, "gradient of "+name, other.RawGradient(name), trained.RawGradient(name), 1e-6)
	}
}

// TestNoPenaltyIsTopK is section 7.2: without variance and penalty the model is
// TopK with an untied bias and a free decoder, to the last bit.
func TestNoPenaltyIsTopK(t *testing.T) {
	const b, d, f, k = 24, 16, 40, 3
	toy := saetest.NewToy(d, 24, 2, 7)
	trained := func(v sae.Variant) *sae.Trainer {
		tr := newTrainer(t, plan(v, b, d, f))
		for i := range 30 {
			step(t, tr, toy.Batch(i, b))
		}
		return tr
	}
	v := New().(*VSAE)
	v.K, v.Variance, v.AuxK, v.KLCoefficient = k, "none", 0, 0
	one, other := trained(v), trained(topK{k: k})
	for name, w := range one.Weights() {
		saetest.Same(t, name, w, other.Weights()[name])
	}
	saetest.Same(t, "reconstruction", one.Recon(), other.Recon())
}

// TestZeroSigmaIsNone: no noise, no constant in the divergence.
func TestZeroSigmaIsNone(t *testing.T) {
	toy := saetest.NewToy(16, 24, 2, 7)
	trained := func(change func(v *VSAE)) *sae.Trainer {
		tr := newTrainer(t, plan(small(change)(), 24, 16, 40))
		for i := range 30 {
			step(t, tr, toy.Batch(i, 24))
		}
		return tr
	}
	zero, none := trained(func(v *VSAE) { v.Sigma = 0 }), trained(func(v *VSAE) { v.Variance = "none" })
	for name, w := range zero.Weights() {
		saetest.Same(t, name, w, none.Weights()[name])
	}
	saetest.Near(t, "loss", zero.Loss(), none.Loss(), 0)
}

// TestWarmup is section 7.4: the penalty adds nothing at step 0, and β from the
// end of its warm-up on.
func TestWarmup(t *testing.T) {
	v := small(func(v *VSAE) { v.KLCoefficient, v.KLWarmup = 0.5, 0.25 })().(*VSAE)
	p := plan(v, 24, 16, 40)
	p.Train.Steps, p.Optimizer.Warmup = 40, 10
	tr, toy := newTrainer(t, p), saetest.NewToy(16, 24, 2, 7)
	for i := range 20 {
		step(t, tr, toy.Batch(i, 24))
		want := 0.5 * min(1, float64(i)/10)
		saetest.Near(t, "weight", tr.Terms()["scaled_kl"], want*tr.Terms()["kl"], 1e-6)
		saetest.Near(t, "rate", tr.Rate(), p.Optimizer.LR*min(1, float64(i)/10), 1e-9)
		if tr.Terms()["kl"] <= 0 {
			t.Fatal("there is no divergence; the test shows nothing")
		}
	}
}

// TestSavingKeepsNorms is section 7.7: decoder rows far from norm 1 come back
// as they were, and choose the same latents.
func TestSavingKeepsNorms(t *testing.T) {
	const b, d, f = 32, 16, 64
	p := plan(small(func(v *VSAE) { v.Variance = "none" })(), b, d, f)
	p.Init = map[string][]float32{"decoder.weight": normal(f*d, 2, 1), "encoder.weight": normal(f*d, 2, 2)}
	for r := range f {
		kernel.Scale(p.Init["decoder.weight"][r*d:(r+1)*d], 0.1*float32(r+1))
	}
	tr, in := newTrainer(t, p), &activations.Batch{N: b, D: d, X: normal(b*d, 2, 3)}
	step(t, tr, in)
	dir := t.TempDir()
	if err := tr.SaveWeights(filepath.Join(dir, "weights.safetensors"), nil); err != nil {
		t.Fatal(err)
	}
	loaded, err := sae.Load(dir, p.Variant, sae.ModelOptions{Rows: b, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	own, err := tr.Model(sae.ModelOptions{Rows: b, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	for name, w := range tr.Weights() {
		saetest.Same(t, name, loaded.Weight(name), w)
	}
	saetest.Same(t, "latents", encode(t, loaded, in).Index, encode(t, own, in).Index)
	saetest.Same(t, "reconstruction", loaded.Recon(), own.Recon())
	first, last := kernel.SumSquares(loaded.Weight("decoder.weight")[:d]), kernel.SumSquares(loaded.Weight("decoder.weight")[(f-1)*d:])
	if math.Sqrt(last/first) < 10 {
		t.Error("norms hardly differ; the test shows nothing")
	}
}
