package baselines

import (
	"math"
	"strings"
	"testing"

	"github.com/saectl/saectl/sae"
)

// TestSteersToTarget: rows keep the number of latents that was asked for,
// within 5 %.
func TestSteersToTarget(t *testing.T) {
	steer := func(target, start float64) Penalty {
		return Penalty{TargetL0: target, Coefficient: start, Warmup: 0.05}
	}
	for name, v := range map[string]func(target float64) sae.Variant{
		"relu":  func(target float64) sae.Variant { return relu(func(v *ReLU) { v.Penalty = steer(target, 0.3) })() },
		"gated": func(target float64) sae.Variant { return gated(func(v *Gated) { v.Penalty = steer(target, 0.3) })() },
		"jumprelu": func(target float64) sae.Variant {
			return jumpReLU(func(v *JumpReLU) { v.Penalty = steer(target, 0.03) })()
		},
	} {
		for _, target := range []float64{4, 6} {
			tr, _ := trainedOnToys(t, v(target), 1500, 256)
			if l0 := tr.Codes().L0(); math.Abs(l0-target) > 0.05*target {
				t.Errorf("%s: rows keep %.3g latents, want %g; %v", name, l0, target, tr.Figures())
			}
			if tr.Warning() != "" || tr.Figures()["sparsity/coefficient_saturated"] != 0 {
				t.Errorf("%s: the run warns without reason: %s", name, tr.Warning())
			}
		}
	}
}

// TestSaysWhenSaturated: all 48 latents in a row cannot be had from rows of
// width 16 at any coefficient.
func TestSaysWhenSaturated(t *testing.T) {
	tr, _ := trainedOnToys(t, relu(func(v *ReLU) { v.TargetL0 = 48 })(), 2000, 64)
	if w := tr.Warning(); !strings.Contains(w, "is saturated") {
		t.Errorf("the warning is %q", w)
	}
	if tr.Figures()["sparsity/coefficient_saturated"] == 0 {
		t.Error("the log does not say that the coefficient is saturated")
	}
}

// TestWarmup: the penalty's weight rises from 0.
func TestWarmup(t *testing.T) {
	tr, _ := trainedOnToys(t, relu(func(v *ReLU) { v.Coefficient, v.Warmup = 2, 1 })(), 10, 64)
	if got := tr.Figures()["sparsity/coefficient"]; math.Abs(got-1.8) > 1e-9 {
		t.Errorf("at step 9 of 10 the coefficient is %v, want 1.8", got)
	}
}

// TestDensePath: products go over whole tiles while ReLU keeps half of the
// latents, and over codes when the penalty has made them sparse; the log says
// which.
func TestDensePath(t *testing.T) {
	v := relu(func(v *ReLU) { v.TargetL0 = 3 })()
	first, toy := trainedOnToys(t, v, 1, 256)
	if m := first.Metrics(toy.Batch(0, 256)); !m.Dense || m.Density < 0.3 {
		t.Errorf("the first step keeps a share of %v and takes the dense path: %v", m.Density, m.Dense)
	}
	last, toy := trainedOnToys(t, v, 400, 256)
	m := last.Metrics(toy.Batch(399, 256))
	if m.Dense || m.Density > 0.2 {
		t.Errorf("the last step keeps a share of %v and takes the dense path: %v", m.Density, m.Dense)
	}
	if line, err := m.MarshalJSON(); err != nil || !strings.Contains(string(line), `"details/dense_path":false`) {
		t.Errorf("the log's line is %s, %v", line, err)
	}
}
