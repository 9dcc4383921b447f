package mpsae

import (
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// small suits the toy rows of the conformance test, sums of two atoms.
func small(change func(v *MPSAE)) func() sae.Variant {
	return func() sae.Variant {
		v := New().(*MPSAE)
		v.K = 2
		change(v)
		return v
	}
}

func TestMPSAE(t *testing.T) {
	for name, c := range map[string]struct {
		change func(v *MPSAE)
		o      saetest.Options
	}{
		"defaults": {func(*MPSAE) {}, saetest.Options{MaxL0: 2, MeanL0: 2}},
		"direct":   {func(v *MPSAE) { v.Forward = "direct" }, saetest.Options{MaxL0: 2, MeanL0: 2}},
		"gram":     {func(v *MPSAE) { v.Forward = "gram" }, saetest.Options{MaxL0: 2, MeanL0: 2}},
		"signed": {func(v *MPSAE) {
			v.Coefficient, v.Loss, v.Bias, v.UnitRows, v.ReviveCoefficient = "signed", "mean", true, "never", 0.001
		}, saetest.Options{MaxL0: 2, MeanL0: 2}},
		"tolerance": {func(v *MPSAE) {
			v.K, v.Tolerance, v.Reselect, v.UnitRows = 0, 0.4, "stop", "start"
		}, saetest.Options{MaxL0: 16}},
		"relative": {func(v *MPSAE) {
			v.K, v.Tolerance, v.ToleranceOf, v.Reselect = 4, 0.2, "row", "ban"
		}, saetest.Options{MaxL0: 4}},
		"untied":     {func(v *MPSAE) { v.Tied, v.EncoderBias, v.Bias, v.Reselect = false, true, true, "ban" }, saetest.Options{MaxL0: 2, MeanL0: 2}},
		"scale":      {func(v *MPSAE) { v.Scale, v.L1Coefficient = true, 0.01 }, saetest.Options{MaxL0: 2, MeanL0: 2}},
		"dropout":    {func(v *MPSAE) { v.Dropout, v.DropoutSteps = 0.2, 200 }, saetest.Options{MaxL0: 2, MeanL0: 2}},
		"orthogonal": {func(v *MPSAE) { v.Inference = "orthogonal" }, saetest.Options{MaxL0: 2, MeanL0: 2}},
		"projected":  {func(v *MPSAE) { v.Inference, v.InferenceIterations = "projected", 50 }, saetest.Options{MaxL0: 2, MeanL0: 2}},
	} {
		t.Run(name, func(t *testing.T) { saetest.Run(t, small(c.change), c.o) })
	}
}
