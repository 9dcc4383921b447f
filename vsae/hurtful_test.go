package vsae

import (
	"math"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// TestHurtfulSettings: every step is finite, in all that it leaves.
func TestHurtfulSettings(t *testing.T) {
	for name, change := range map[string]func(v *VSAE){
		"no penalty":                 func(v *VSAE) { v.KLCoefficient = 0 },
		"β 1e6":                      func(v *VSAE) { v.KLCoefficient = 1e6 },
		"β 1e6, learned":             func(v *VSAE) { v.KLCoefficient, v.Variance = 1e6, "learned" },
		"β 1e6, squares":             func(v *VSAE) { v.KLCoefficient, v.Penalty = 1e6, "squares" },
		"σ 0":                        func(v *VSAE) { v.Sigma = 0 },
		"σ 0, selected":              func(v *VSAE) { v.Sigma, v.KLScope = 0, "selected" },
		"σ 1e-30":                    func(v *VSAE) { v.Sigma = 1e-30 },
		"σ 1e6":                      func(v *VSAE) { v.Sigma = 1e6 },
		"log variance at the lower":  func(v *VSAE) { v.Variance, v.LogVarInit = "learned", -1e4 },
		"log variance at the upper":  func(v *VSAE) { v.Variance, v.LogVarInit = "learned", 1e4 },
		"log variance held":          func(v *VSAE) { v.Variance, v.LogVarMin, v.LogVarMax = "learned", -2, -2 },
		"upper, selected":            func(v *VSAE) { v.Variance, v.LogVarInit, v.KLScope = "learned", 1e4, "selected" },
		"more than there are":        func(v *VSAE) { v.K, v.AuxK = 1000, 1000 },
		"all latents dead":           func(v *VSAE) { v.DeadAfter = 1 },
		"all latents dead, learned":  func(v *VSAE) { v.DeadAfter, v.Variance = 1, "learned" },
		"one latent of each row":     func(v *VSAE) { v.K = 1 },
		"a clamp of means at nearly": func(v *VSAE) { v.MuClamp = 1e-30 },
	} {
		t.Run(name, func(t *testing.T) {
			v := small(change)().(*VSAE)
			v.KLWarmup = 0
			in := rows(12, 16)
			clear(in.X[3*16 : 4*16])
			tr := newTrainer(t, plan(v, in.N, in.D, 40))
			for range 4 {
				step(t, tr, in)
			}
			finite(t, tr)
		})
	}
}

func rows(n, d int) *activations.Batch {
	return &activations.Batch{N: n, D: d, X: normal(n*d, 7, 7)}
}

func finite(t *testing.T, tr *sae.Trainer) {
	t.Helper()
	for name, w := range tr.Weights() {
		if i := kernel.AllFinite(w); i >= 0 {
			t.Errorf("%s: entry %d is %v", name, i, w[i])
		}
		if i := kernel.AllFinite(tr.RawGradient(name)); i >= 0 {
			t.Errorf("gradient of %s: entry %d is not finite", name, i)
		}
	}
	if i := kernel.AllFinite(tr.Recon()); i >= 0 {
		t.Errorf("reconstruction: entry %d is not finite", i)
	}
	for name, v := range tr.Terms() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("term %s is %v", name, v)
		}
	}
}

// TestHurtfulRows: zero rows, equal rows and rows of very different norms train;
// what overflows is an error that names the step and the term, and changes
// nothing.
func TestHurtfulRows(t *testing.T) {
	for _, variance := range []string{"none", "fixed", "learned"} {
		for _, scope := range []string{"all", "selected"} {
			t.Run(variance+"/"+scope, func(t *testing.T) {
				v := small(func(v *VSAE) { v.Variance, v.KLScope, v.KLWarmup, v.DeadAfter = variance, scope, 0, 1 })()
				tr := newTrainer(t, plan(v, 12, 16, 40))
				zero, apart := rows(12, 16), rows(12, 16)
				clear(zero.X)
				for i := range 12 {
					kernel.Scale(apart.X[i*16:(i+1)*16], []float32{1, 1e6, 1e-6}[i%3])
				}
				for _, in := range []*activations.Batch{zero, apart, zero} {
					step(t, tr, in)
					finite(t, tr)
				}
				huge := rows(12, 16)
				kernel.Scale(huge.X, 1e20)
				before := append([]float32{}, tr.Weights()["encoder.weight"]...)
				err := tr.Step(huge)
				if err == nil || !strings.Contains(err.Error(), "step 3") || !strings.Contains(err.Error(), "mse") || strings.Contains(err.Error(), "panic") {
					t.Errorf("rows of 1e20: error %v", err)
				}
				for i, w := range tr.Weights()["encoder.weight"] {
					if w != before[i] {
						t.Fatal("a step that failed changed the weights")
					}
				}
			})
		}
	}
}

// TestBoundsMustFit: the compile step turns a mistake in the settings into an
// error.
func TestBoundsMustFit(t *testing.T) {
	v := small(func(v *VSAE) { v.Variance, v.LogVarMin, v.LogVarMax = "learned", 1, -1 })()
	if _, err := sae.NewTrainer(plan(v, 4, 4, 8)); err == nil || !strings.Contains(err.Error(), "vsae.log_var_min") {
		t.Errorf("bounds the wrong way round: error %v", err)
	}
}

// TestTermsThatOverflow: each is named, with the step.
func TestTermsThatOverflow(t *testing.T) {
	for _, c := range []struct {
		term   string
		size   float32 // of the rows
		change func(v *VSAE)
	}{
		{"kl +Inf", 1, func(v *VSAE) { v.Variance, v.LogVarInit, v.LogVarMax = "learned", 200, 200 }},
		{"mse +Inf", 1, func(v *VSAE) { v.Sigma = 1e30 }},
		{"squares +Inf", 1e20, func(v *VSAE) { v.Variance, v.Penalty, v.KLScope = "none", "squares", "selected" }},
	} {
		v, in := small(c.change)().(*VSAE), rows(12, 16)
		v.KLWarmup = 0
		kernel.Scale(in.X, c.size)
		err := newTrainer(t, plan(v, in.N, in.D, 40)).Step(in)
		if err == nil || !strings.Contains(err.Error(), "step 0") || !strings.Contains(err.Error(), c.term) {
			t.Errorf("%s: error %v", c.term, err)
		}
	}
}
