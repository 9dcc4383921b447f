package kernel

import "math"

// AdamStep holds the constants of one Adam step (Kingma and Ba, 2015,
// algorithm 1, with the bias corrections folded into the step size and the
// denominator as PyTorch does). Make it with NewAdamStep; filled by hand, a
// zero Gain means 1-Beta in float32.
type AdamStep struct {
	Beta1, Beta2 float32
	StepSize     float32 // learning rate / (1 - Beta1^t)
	InvBias2Sqrt float32 // 1 / sqrt(1 - Beta2^t)
	Eps          float32
	Clip         float32 // factor of the gradient
	Gain1, Gain2 float32 // 1-Beta1 and 1-Beta2 rounded once: 1-float32(0.999) is off by 1e-5
}

// NewAdamStep gives the constants of step t, counted from 1.
func NewAdamStep(rate, beta1, beta2, eps float64, t int) AdamStep {
	return AdamStep{
		Clip:  1,
		Beta1: float32(beta1), Beta2: float32(beta2), Eps: float32(eps),
		StepSize:     float32(rate / (1 - math.Pow(beta1, float64(t)))),
		InvBias2Sqrt: float32(1 / math.Sqrt(1-math.Pow(beta2, float64(t)))),
		Gain1:        float32(1 - beta1),
		Gain2:        float32(1 - beta2),
	}
}

// Adam updates weights w, first moment m and second moment v from gradient g,
// all of one length:
//
//	g = Clip·g (the slice keeps what it holds)
//	m = Beta1·m + Gain1·g
//	v = Beta2·v + Gain2·g²
//	w = w - StepSize·m / (sqrt(v)·InvBias2Sqrt + Eps)
func Adam(w, g, m, v []float32, s AdamStep) {
	if s.Gain1 == 0 {
		s.Gain1 = 1 - s.Beta1
	}
	if s.Gain2 == 0 {
		s.Gain2 = 1 - s.Beta2
	}
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	n := whole(len(w))
	s.run(chosen.adam, w[:n], g[:n], m[:n], v[:n])
	s.run(adamGeneric, w[n:], g[n:], m[n:], v[n:])
}

func (s *AdamStep) run(adam adamFunc, w, g, m, v []float32) {
	adam(w, g, m, v, s.Clip, s.Beta1, s.Beta2, s.Gain1, s.Gain2, s.StepSize, s.InvBias2Sqrt, s.Eps)
}
