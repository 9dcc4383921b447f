package baselines

import (
	"math"
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// trainedOnToys makes so many steps on toy rows.
func trainedOnToys(t *testing.T, v sae.Variant, steps, rows int) (*sae.Trainer, *saetest.Toy) {
	t.Helper()
	toy := saetest.NewToy(16, 24, 2, 7)
	p := sae.Plan{Variant: v, D: toy.D, Seed: 1, Threads: 1, Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer()}
	p.Model.Latents, p.Train.Batch, p.Train.Steps = 48, rows, steps
	p.Optimizer.LR, p.Optimizer.Warmup = 1e-2, 10
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	for i := range steps {
		if err := tr.Step(toy.Batch(i, rows)); err != nil {
			t.Fatal(err)
		}
	}
	return tr, toy
}

// TestStraightThrough compares the gradient of the thresholds with differences
// of values whose slope it is, at all three penalties.
func TestStraightThrough(t *testing.T) {
	for _, sparsity := range []string{"step", "tanh", "quadratic"} {
		t.Run(sparsity, func(t *testing.T) {
			v := jumpReLU(func(v *JumpReLU) {
				v.Sparsity, v.QuadraticL0, v.Bandwidth, v.smooth = sparsity, 3, 0.3, true
				v.PreActivation, v.DeadAfter = 0.01, 64
			})()
			tr, toy := trainedOnToys(t, v, 30, 64)
			slopes, err := tr.Slopes(toy.Batch(1_000_000, 64))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range slopes {
				if s.Param != "threshold" {
					continue
				}
				// A step across the edge of a window costs some digits.
				if d := math.Abs(s.Backward - s.Difference); !(d <= 1e-4*math.Abs(s.Difference)) || s.Backward == 0 {
					t.Errorf("backpropagation gives a slope of %.10g, differences give %.10g", s.Backward, s.Difference)
				}
			}
		})
	}
}

// TestThresholdsStayPositive: thresholds that would fall below 0 stay there.
func TestThresholdsStayPositive(t *testing.T) {
	tr, _ := trainedOnToys(t, jumpReLU(func(v *JumpReLU) { v.ThresholdInit, v.Coefficient = 0.01, 0 })(), 100, 64)
	at := 0
	for _, v := range tr.Weights()["threshold"] {
		if v < 0 {
			t.Fatalf("a threshold is %v", v)
		}
		if v == 0 {
			at++
		}
	}
	if at == 0 {
		t.Error("no threshold came down to 0; the test shows nothing")
	}
}

// TestEvaluationKeepsWhatTrainingDoes: without the window the same latents
// remain, those above their thresholds.
func TestEvaluationKeepsWhatTrainingDoes(t *testing.T) {
	tr, toy := trainedOnToys(t, jumpReLU(func(*JumpReLU) {})(), 100, 64)
	b := toy.Batch(1_000_000, 64)
	m, err := tr.Model(sae.ModelOptions{Rows: 64, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	codes, err := m.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	w, bias, dec := tr.Weights()["encoder.weight"], tr.Weights()["encoder.bias"], tr.Weights()["decoder.bias"]
	want := make([]float64, b.N*codes.F)
	for i := range b.N {
		for f := range codes.F {
			h := float64(bias[f])
			for j := range b.D {
				h += float64(w[f*b.D+j]) * float64(b.X[i*b.D+j]-dec[j])
			}
			if h > float64(tr.Weights()["threshold"][f]) {
				want[i*codes.F+f] = h
			}
		}
	}
	saetest.Within(t, "latents", saetest.Dense(codes), want, 1e-5)
}
