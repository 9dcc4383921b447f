package afa

import (
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// TestAFA runs what every variant promises in each reading of the AFA loss. To
// recover toy atoms takes an L1 term: without one, many small latents meet a
// row's norm as well as two do.
func TestAFA(t *testing.T) {
	for _, norm := range []string{"latents", "weighted"} {
		for _, target := range []string{"input", "centered"} {
			t.Run(norm+"/"+target, func(t *testing.T) {
				saetest.Run(t, func() sae.Variant {
					v := New().(*AFA)
					v.Norm, v.Target, v.L1Coefficient = norm, target, 0.03
					v.AuxK, v.DeadAfter = 8, 320
					return v
				}, saetest.Options{LR: 1e-2, Steps: 800})
			})
		}
	}
}
