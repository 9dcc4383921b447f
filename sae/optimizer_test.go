package sae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

// stepped makes one step of the variant plain with other settings.
func stepped(t *testing.T, change func(*OptimizerSettings)) *Trainer {
	t.Helper()
	p := toyOptions("", 10).Plan
	p.Optimizer.Warmup, p.Optimizer.Clip = 0, 0.1
	change(&p.Optimizer)
	tr, err := NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	var b activations.Batch
	if err := (&toyRows{batch: toyBatch, d: toyD}).Next(&b); err != nil {
		t.Fatal(err)
	}
	if err := tr.Step(&b); err != nil {
		t.Fatal(err)
	}
	return tr
}

// squares sums the squares of all gradients.
func squares(tr *Trainer, of func(string) []float32) (sum float64) {
	for _, p := range tr.Params() {
		sum += kernel.SumSquares(of(p.Name))
	}
	return sum
}

// TestClipOrder: what Adam sees has norm Clip when clipped after the
// projection, and less when clipped before it, by the part that was removed.
func TestClipOrder(t *testing.T) {
	after := stepped(t, func(o *OptimizerSettings) { o.ClipOrder = "after-projection" })
	if n := math.Sqrt(squares(after, after.Gradient)); math.Abs(n-0.1) > 1e-5 {
		t.Errorf("after the projection: clipped to a norm of %v, want 0.1", n)
	}
	before := stepped(t, func(o *OptimizerSettings) { o.ClipOrder = "before-projection" })
	if want := math.Sqrt(squares(before, before.RawGradient)); math.Abs(before.GradientNorm()-want) > 1e-6*want {
		t.Errorf("before the projection: a norm of %v, backward left %v", before.GradientNorm(), want)
	}
	if after.GradientNorm() >= before.GradientNorm() {
		t.Errorf("the projection takes nothing: norms %v and %v", after.GradientNorm(), before.GradientNorm())
	}
	none := stepped(t, func(o *OptimizerSettings) { o.Clip = 0 })
	if none.ClipFactor() != 1 {
		t.Errorf("clip 0 scales the gradient by %v", none.ClipFactor())
	}
}

// TestTangent: the gradient that Adam sees is orthogonal to each row.
func TestTangent(t *testing.T) {
	const name = "decoder.weight"
	p := toyOptions("", 10).Plan
	tr := stepped(t, func(o *OptimizerSettings) { o.LR = 1e-30 }) // the rows stay as they were
	w, g, raw := tr.Weights()[name], tr.Gradient(name), tr.RawGradient(name)
	along, was := 0.0, 0.0
	for i := 0; i < len(w); i += p.D {
		along = max(along, math.Abs(kernel.DotF64(w[i:i+p.D], g[i:i+p.D])))
		was = max(was, math.Abs(kernel.DotF64(w[i:i+p.D], raw[i:i+p.D])))
	}
	if along > 1e-6 || was < 1e-3 {
		t.Errorf("the largest part along a row is %v, and was %v", along, was)
	}
}

// TestUnitRows: rows leave a step with norm 1 unless they are brought to it
// before the update.
func TestUnitRows(t *testing.T) {
	for kind, moved := range map[string]bool{"after": false, "before": true, "between": true} {
		tr := stepped(t, func(o *OptimizerSettings) { o.UnitRows = kind })
		w, worst := tr.Weights()["decoder.weight"], 0.0
		for i := 0; i < len(w); i += toyD {
			worst = max(worst, math.Abs(math.Sqrt(kernel.SumSquares(w[i:i+toyD]))-1))
		}
		if moved != (worst > 1e-6) {
			t.Errorf("unit_rows %s: a row is off norm 1 by %v", kind, worst)
		}
	}
}

// TestRate is the schedule of 10 steps: 4 of warm-up, decay from step 8 on.
func TestRate(t *testing.T) {
	o := OptimizerSettings{LR: 8, Warmup: 4, DecayStart: 0.8}
	for step, want := range []float64{0, 2, 4, 6, 8, 8, 8, 8, 8, 4} {
		if got := o.rate(step, 10); got != want {
			t.Errorf("step %d: rate %v, want %v", step, got, want)
		}
	}
	o.DecayStart = 1
	if got := o.rate(9, 10); got != 8 {
		t.Errorf("without decay the last rate is %v, want 8", got)
	}
}

func TestAutoRate(t *testing.T) {
	for _, c := range []struct {
		latents, steps int
		want           float64
	}{{512, 2000, 0.0137}, {1024, 2000, 0.00684}, {1024, 8000, 0.00342}, {4, 10, 0.02}, {0, 0, 0.02}, {131072, 100000, 7.55e-6}} {
		if got := AutoRate(c.latents, c.steps); math.Abs(got-c.want) > 1e-3*c.want {
			t.Errorf("AutoRate(%d, %d) = %g, want %g", c.latents, c.steps, got, c.want)
		}
	}
}
