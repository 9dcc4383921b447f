package vsae

import (
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// plan is a run of v with batches of b rows.
func plan(v sae.Variant, b, d, f int) sae.Plan {
	p := sae.Plan{
		Variant: v, D: d, Threads: 2,
		Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Model.Latents, p.Model.DecoderBias, p.Train.Batch, p.Train.Steps = f, "zero", b, 100
	return p
}

func step(t *testing.T, tr *sae.Trainer, in *activations.Batch) {
	t.Helper()
	if err := tr.Step(in); err != nil {
		t.Fatal(err)
	}
}

// small suits the toy rows of the conformance test: latents die after five
// batches, so that AuxK is tried too.
func small(change func(v *VSAE)) func() sae.Variant {
	return func() sae.Variant {
		v := New().(*VSAE)
		v.K, v.AuxK, v.DeadAfter, v.Sigma, v.KLCoefficient = 2, 8, 320, 0.1, 1e-3
		change(v)
		return v
	}
}

// TestVSAE runs what every variant promises in each form. Signed latents share
// a dictionary row for an atom and its opposite, so toy atoms, whose sums have
// positive coefficients, are recovered less well.
func TestVSAE(t *testing.T) {
	for _, form := range []struct {
		name   string
		change func(v *VSAE)
	}{
		{"none", func(v *VSAE) { v.Variance = "none" }},
		{"none/signed", func(v *VSAE) { v.Variance, v.ReluMu, v.KLScope = "none", false, "selected" }},
		{"none/squares/tied", func(v *VSAE) {
			v.Variance, v.Penalty, v.Bias, v.Constraint, v.ProjectGrad = "none", "squares", "tied", "unit", true
		}},
		{"fixed", func(v *VSAE) {}},
		{"fixed/signed/uniform", func(v *VSAE) { v.ReluMu, v.AuxBias, v.Init = false, true, "uniform" }},
		{"fixed/selected/tied", func(v *VSAE) { v.KLScope, v.Bias, v.Constraint = "selected", "tied", "unit" }},
		{"learned", func(v *VSAE) { v.Variance, v.LogVarInit = "learned", -4 }},
		{"learned/tied", func(v *VSAE) { v.Variance, v.LogVarInit, v.Bias = "learned", -4, "tied" }},
		{"learned/selected/signed", func(v *VSAE) {
			v.Variance, v.LogVarInit, v.KLScope, v.ReluMu = "learned", -4, "selected", false
		}},
	} {
		t.Run(form.name, func(t *testing.T) {
			o := saetest.Options{MaxL0: 2, MeanL0: 2}
			if !small(form.change)().(*VSAE).ReluMu {
				o.Recovered = 0.5
			}
			saetest.Run(t, small(form.change), o)
		})
	}
}
