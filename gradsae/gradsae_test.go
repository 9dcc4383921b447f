package gradsae

import (
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// small suits the toy rows of the conformance test: latents die after five
// batches, so that AuxK is tried too. The gradients of toy rows have nothing to
// do with the rows, so that a large β would only disturb.
func small(change func(v *GradSAE)) func() sae.Variant {
	return func() sae.Variant {
		v := New().(*GradSAE)
		v.K, v.AuxK, v.DeadAfter, v.Beta = 2, 8, 320, 0.3
		change(v)
		return v
	}
}

func TestGradSAE(t *testing.T) {
	saetest.Run(t, small(func(*GradSAE) {}), saetest.Options{MaxL0: 2, MeanL0: 2})
}

func TestScored(t *testing.T) {
	saetest.Run(t, small(func(v *GradSAE) {
		v.KeptValues, v.DetachScore, v.EvalScore, v.Relu = "scored", false, "gradient", "none"
	}), saetest.Options{MaxL0: 2, MeanL0: 2})
}

func TestMedianAndSchedule(t *testing.T) {
	saetest.Run(t, small(func(v *GradSAE) {
		v.BetaUnit, v.BetaSteps, v.BetaStart, v.EvalScore = "median", 60, 1, "gradient"
		v.Relu, v.Loss = "after", "fvu"
	}), saetest.Options{MaxL0: 2, MeanL0: 2})
}

// TestWithoutConstraints has no biases and lets decoder rows grow.
func TestWithoutConstraints(t *testing.T) {
	saetest.Run(t, small(func(v *GradSAE) {
		v.EncoderBias, v.DecoderBias, v.UnitRows, v.AuxK = false, false, false, 0
	}), saetest.Options{MaxL0: 2, MeanL0: 2})
}

// TestColumns: the gradient is asked for where β is ever more than 0, and only
// there, so that a dump without it can be refused before anything is computed.
func TestColumns(t *testing.T) {
	for _, c := range []struct {
		change func(v *GradSAE)
		want   activations.Columns
	}{
		{func(*GradSAE) {}, activations.Gradient},
		{func(v *GradSAE) { v.Beta = 0 }, 0},
		{func(v *GradSAE) { v.Beta, v.BetaSteps, v.BetaStart = 0, 10, 1 }, activations.Gradient},
		{func(v *GradSAE) { v.KeptValues, v.EvalScore = "scored", "gradient" }, activations.Gradient},
	} {
		got, err := sae.Columns(small(c.change)(), 16)
		if err != nil || got != c.want {
			t.Errorf("columns %v (error %v), want %v", got, err, c.want)
		}
	}
}

// TestNoGradient: rows without the column stop training and a gradient-scored
// evaluation, by name, and do not disturb a plain one.
func TestNoGradient(t *testing.T) {
	blind := saetest.NewToy(16, 24, 2, 7).Batch(0, 8)
	blind.Gradient = nil
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "gradient") {
			t.Errorf("%s without a gradient: error %v", what, err)
		}
	}
	tr := newTrainer(t, small(func(*GradSAE) {})(), 8, 16, 48)
	refused("a step", tr.Step(blind))
	for _, score := range []string{"plain", "gradient"} {
		v := small(func(v *GradSAE) { v.EvalScore = score })()
		m, err := sae.NewModel(v, sae.Dims{D: 16, F: 48}, tr.Weights(), nil, sae.ModelOptions{Rows: 8, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		_, err = m.Encode(blind)
		if score == "gradient" {
			refused("an evaluation", err)
		} else if err != nil {
			t.Error(err)
		}
	}
}

// newTrainer trains v on batches of b rows of width d with f latents.
func newTrainer(t *testing.T, v sae.Variant, b, d, f int) *sae.Trainer {
	t.Helper()
	p := sae.Plan{
		Variant: v, D: d, Seed: 3, Threads: 2,
		Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Model.Latents, p.Train.Batch, p.Train.Steps = f, b, 200
	p.Optimizer.LR, p.Optimizer.Warmup = 1e-2, 10
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}
