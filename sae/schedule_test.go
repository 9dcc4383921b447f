package sae

import (
	"math"
	"testing"
)

// TestCovered adds the rates up step by step.
func TestCovered(t *testing.T) {
	for _, o := range []OptimizerSettings{
		{LR: 0.01, Warmup: 7, DecayStart: 0.8},
		{LR: 3, Warmup: 0, DecayStart: 0.5},
		{LR: 3, Warmup: 0, DecayStart: 0},
		{LR: 1, Warmup: 30, DecayStart: 1},
		{LR: 1, Warmup: 45, DecayStart: 0.5}, // the decay starts in the warm-up
		{LR: 1, Warmup: 80, DecayStart: 0.8}, // longer than the run
	} {
		const total = 50
		all := 0.0
		for s := range total {
			all += o.rate(s, total)
		}
		sum := 0.0
		for s := range total + 1 {
			if got, want := o.covered(s, total), sum/all; math.Abs(got-want) > 1e-12 {
				t.Errorf("%+v: before step %d %v is covered, want %v", o, s, got, want)
			}
			if s < total {
				sum += o.rate(s, total)
			}
		}
	}
	if got := (OptimizerSettings{LR: 1, Warmup: 5, DecayStart: 1}).covered(1, 1); got != 1 {
		t.Errorf("a run of one step, whose rate is 0, covered %v at its end, want 1", got)
	}
}
