package gradsae

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

const (
	toyRows    = 32
	toyWidth   = 16
	toyLatents = 40
)

// trained is the trainer after 25 steps of v on toy rows whose gradients were
// changed.
func trained(t *testing.T, v sae.Variant, change func(i int, g float32) float32) *sae.Trainer {
	t.Helper()
	toy := saetest.NewToy(toyWidth, 24, 2, 7)
	tr := newTrainer(t, v, toyRows, toyWidth, toyLatents)
	for step := range 25 {
		in := toy.Batch(step, toyRows)
		for i, g := range in.Gradient {
			in.Gradient[i] = change(i, g)
		}
		if err := tr.Step(in); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

func asItIs(_ int, g float32) float32 { return g }

func times(c float32) func(int, float32) float32 {
	return func(_ int, g float32) float32 { return c * g }
}

func sameWeights(t *testing.T, got, want *sae.Trainer) {
	t.Helper()
	for name, w := range want.Weights() {
		saetest.Same(t, name, got.Weights()[name], w)
	}
}

func differ(t *testing.T, a, b *sae.Trainer) {
	t.Helper()
	if slices.Equal(a.Weights()["encoder.weight"], b.Weights()["encoder.weight"]) {
		t.Error("the gradient makes no difference; the test shows nothing")
	}
}

// modes are the settings on which the gradient enters in different ways.
func modes(change func(v *GradSAE)) map[string]func() sae.Variant {
	all := map[string]func() sae.Variant{}
	for _, kept := range []string{"raw", "scored"} {
		for _, detach := range []bool{true, false} {
			for _, relu := range []string{"before", "none"} {
				all[fmt.Sprintf("%s/detach %v/relu %s", kept, detach, relu)] = small(func(v *GradSAE) {
					v.KeptValues, v.DetachScore, v.Relu, v.DeadAfter = kept, detach, relu, 64
					change(v)
				})
			}
		}
	}
	return all
}

// TestSignFlip: the other sign of g changes no bit.
func TestSignFlip(t *testing.T) {
	for _, unit := range []string{"gradient", "median"} {
		for name, v := range modes(func(v *GradSAE) { v.BetaUnit = unit }) {
			t.Run(unit+"/"+name, func(t *testing.T) {
				sameWeights(t, trained(t, v(), times(-1)), trained(t, v(), asItIs))
			})
		}
	}
}

// TestScale: gradients a power of two larger, with a β as much smaller, change
// no bit; where β counts in medians it stays.
func TestScale(t *testing.T) {
	const c = 1 << 20
	for name, v := range modes(func(*GradSAE) {}) {
		t.Run(name, func(t *testing.T) {
			smaller := v().(*GradSAE)
			smaller.Beta /= c
			want := trained(t, v(), asItIs)
			sameWeights(t, trained(t, smaller, times(c)), want)
			differ(t, trained(t, v(), times(c)), want)
		})
	}
	for name, v := range modes(func(v *GradSAE) { v.BetaUnit = "median" }) {
		t.Run("median/"+name, func(t *testing.T) {
			want, got := trained(t, v(), asItIs), trained(t, v(), times(c))
			sameWeights(t, got, want)
			if ratio := got.State(stateMedian)[0] / want.State(stateMedian)[0]; ratio != c {
				t.Errorf("the median grew %v times, want %v", ratio, float64(c))
			}
		})
	}
}

// TestNothingToAdd: gradients of 0, or so small that 1 + β|<g,d>| is 1, are
// β = 0.
func TestNothingToAdd(t *testing.T) {
	for name, v := range modes(func(*GradSAE) {}) {
		t.Run(name, func(t *testing.T) {
			plain := v().(*GradSAE)
			plain.Beta = 0
			want := trained(t, plain, asItIs)
			sameWeights(t, trained(t, v(), times(0)), want)
			sameWeights(t, trained(t, v(), times(1e-40)), want)
			differ(t, trained(t, v(), asItIs), want)
		})
	}
}

// TestTinyMedian: gradients without a median that can be divided by are no
// gradients, and larger ones count again.
func TestTinyMedian(t *testing.T) {
	v := small(func(v *GradSAE) { v.BetaUnit = "median" })
	plain := v().(*GradSAE)
	plain.Beta = 0
	want := trained(t, plain, asItIs)
	sameWeights(t, trained(t, v(), times(0)), want)
	sameWeights(t, trained(t, v(), times(1e-42)), want)
	differ(t, trained(t, v(), times(1e-30)), want)
}

// TestHurtfulGradients trains on huge gradients, denormal ones, both in turns,
// and rows without one, and looks at all that came out.
func TestHurtfulGradients(t *testing.T) {
	changes := map[string]func(int, float32) float32{
		"huge":       times(1e8),
		"far beyond": times(1e30),
		"denormal":   times(1e-41),
		"mixed": func(i int, g float32) float32 {
			return g * []float32{1e8, 1e-41, 0, 1}[i/toyWidth%4]
		},
		"one coordinate": func(i int, g float32) float32 {
			return g * []float32{1e8, 0, 0, 0}[i%4]
		},
	}
	for _, unit := range []string{"gradient", "median"} {
		for what, change := range changes {
			for name, v := range modes(func(v *GradSAE) { v.BetaUnit = unit }) {
				if what == "far beyond" && v().(*GradSAE).KeptValues == "scored" && unit == "gradient" {
					continue // values of 1e30 have no squares
				}
				t.Run(unit+"/"+what+"/"+name, func(t *testing.T) { finite(t, trained(t, v(), change)) })
			}
		}
	}
}

func finite(t *testing.T, tr *sae.Trainer) {
	t.Helper()
	for name, w := range tr.Weights() {
		if i := kernel.AllFinite(w); i >= 0 {
			t.Errorf("%s: entry %d is %v", name, i, w[i])
		}
	}
	if i := kernel.AllFinite(tr.Recon()); i >= 0 {
		t.Errorf("reconstruction: entry %d is %v", i, tr.Recon()[i])
	}
	if m := tr.State(stateMedian)[0]; math.IsNaN(m) || math.IsInf(m, 0) {
		t.Errorf("the median is %v", m)
	}
	for i := range tr.Codes().N {
		if index, _ := tr.Codes().Row(i); len(index) != 2 {
			t.Errorf("row %d keeps %d latents, want 2", i, len(index))
		}
	}
}

// TestOverflowStops: scores that leave float32 as values stop the run and say
// so, and change nothing.
func TestOverflowStops(t *testing.T) {
	tr := newTrainer(t, small(func(v *GradSAE) { v.KeptValues = "scored" })(), toyRows, toyWidth, toyLatents)
	before := slices.Clone(tr.Weights()["decoder.weight"])
	in := saetest.NewToy(toyWidth, 24, 2, 7).Batch(0, toyRows)
	kernel.Scale(in.Gradient, 1e30)
	if err := tr.Step(in); err == nil {
		t.Error("values of 1e30 give no error")
	}
	saetest.Same(t, "decoder", tr.Weights()["decoder.weight"], before)
}

// TestPairing: rows take their gradients along when they change places, and
// gradients of other rows make other choices.
func TestPairing(t *testing.T) {
	tr := trained(t, small(func(*GradSAE) {})(), asItIs)
	v := small(func(v *GradSAE) { v.EvalScore, v.Beta = "gradient", 3 })()
	m, err := sae.NewModel(v, sae.Dims{D: toyWidth, F: toyLatents}, tr.Weights(), nil, sae.ModelOptions{Rows: toyRows, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	dense := func(in *activations.Batch) []float32 {
		e, err := m.Encode(in)
		if err != nil {
			t.Fatal(err)
		}
		return saetest.Dense(e)
	}
	in := saetest.NewToy(toyWidth, 24, 2, 7).Batch(1000, toyRows)
	want := dense(in)
	got := dense(&activations.Batch{N: toyRows, D: toyWidth, X: backwards(in.X, toyWidth), Gradient: backwards(in.Gradient, toyWidth)})
	saetest.Same(t, "rows in reverse", got, backwards(want, toyLatents))
	if slices.Equal(dense(reversed(in)), want) {
		t.Error("gradients in reverse make no difference")
	}
}

// backwards is the rows of x [.,d], the last first.
func backwards(x []float32, d int) (y []float32) {
	for i := len(x); i > 0; i -= d {
		y = append(y, x[i-d:i]...)
	}
	return y
}

// TestPlainEvaluationIsTopK: without gradients the latents of a row are those
// of TopK's rule, whatever β is and whatever was kept in training.
func TestPlainEvaluationIsTopK(t *testing.T) {
	in := saetest.NewToy(toyWidth, 24, 2, 7).Batch(1000, toyRows)
	for name, v := range modes(func(*GradSAE) {}) {
		t.Run(name, func(t *testing.T) {
			tr := trained(t, v(), asItIs)
			m, err := tr.Model(sae.ModelOptions{Rows: toyRows, Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			got, err := m.Encode(in)
			if err != nil {
				t.Fatal(err)
			}
			centered := slices.Clone(in.X)
			for i := range centered {
				centered[i] -= m.Weight("decoder.bias")[i%toyWidth]
			}
			pool := kernel.NewPool(1)
			defer pool.Close()
			var want kernel.Support
			err = kernel.NewSelector(pool).Select(&want, centered, m.Weight("encoder.weight"), m.Weight("encoder.bias"),
				toyRows, toyWidth, toyLatents, kernel.Rule{Kind: kernel.TopK, K: 2})
			if err != nil {
				t.Fatal(err)
			}
			saetest.Same(t, "latents", got.Index, want.Index)
			saetest.Same(t, "values", got.Value, want.Score)
		})
	}
}
