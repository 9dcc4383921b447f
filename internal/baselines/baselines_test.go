package baselines

import (
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// toyPenalty suits the toy rows, each of two atoms.
var toyPenalty = Penalty{Coefficient: 0.3}

func relu(change func(v *ReLU)) func() sae.Variant {
	return func() sae.Variant {
		v := NewReLU().(*ReLU)
		v.Penalty = toyPenalty
		change(v)
		return v
	}
}

func TestReLU(t *testing.T) {
	t.Run("free rows", func(t *testing.T) {
		saetest.Run(t, relu(func(v *ReLU) { v.Warmup = 0.2 }), saetest.Options{MeanL0: 6})
	})
	t.Run("unit rows", func(t *testing.T) {
		saetest.Run(t, relu(func(v *ReLU) { v.Decoder, v.InputBias = "unit", false }), saetest.Options{MeanL0: 6})
	})
	t.Run("steered", func(t *testing.T) {
		saetest.Run(t, relu(func(v *ReLU) { v.TargetL0, v.Decoder = 4, "unit" }), saetest.Options{MeanL0: 5})
	})
}

func gated(change func(v *Gated)) func() sae.Variant {
	return func() sae.Variant {
		v := NewGated().(*Gated)
		v.Penalty = toyPenalty
		change(v)
		return v
	}
}

func TestGated(t *testing.T) {
	t.Run("paper", func(t *testing.T) {
		saetest.Run(t, gated(func(v *Gated) { v.Coefficient = 0.6 }), saetest.Options{MeanL0: 6, Recovered: 0.7})
	})
	t.Run("like SAELens", func(t *testing.T) {
		saetest.Run(t, gated(func(v *Gated) { v.Decoder, v.AuxDecoder = "free", "trained" }), saetest.Options{MeanL0: 7})
	})
	t.Run("steered", func(t *testing.T) {
		saetest.Run(t, gated(func(v *Gated) { v.TargetL0 = 3 }), saetest.Options{MeanL0: 4})
	})
}

func jumpReLU(change func(v *JumpReLU)) func() sae.Variant {
	return func() sae.Variant {
		v := NewJumpReLU().(*JumpReLU)
		v.Penalty = toyPenalty
		change(v)
		return v
	}
}

func TestJumpReLU(t *testing.T) {
	o := saetest.Options{MeanL0: 4, Recovered: 0.7, Straight: []string{"threshold"}}
	t.Run("step", func(t *testing.T) {
		saetest.Run(t, jumpReLU(func(*JumpReLU) {}), o)
	})
	t.Run("tanh", func(t *testing.T) {
		o := o
		o.Straight = []string{"threshold", "encoder.weight", "encoder.bias"} // the window reaches them too
		saetest.Run(t, jumpReLU(func(v *JumpReLU) {
			v.Sparsity, v.Decoder, v.InputBias, v.STEToInput = "tanh", "free", false, true
			v.PreActivation, v.DeadAfter = 0.01, 320
		}), o)
	})
	t.Run("quadratic", func(t *testing.T) {
		saetest.Run(t, jumpReLU(func(v *JumpReLU) { v.Sparsity, v.QuadraticL0 = "quadratic", 3 }), o)
	})
	t.Run("steered", func(t *testing.T) {
		saetest.Run(t, jumpReLU(func(v *JumpReLU) { v.TargetL0 = 2 }), o)
	})
}
