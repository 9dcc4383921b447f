package sae

import (
	"math"
	"strconv"
)

// rate is the learning rate of step t of total: linear from 0 over the
// warm-up, constant, then linear to 0 from the share DecayStart on, as in
// dictionary_learning 0.1.0. With a warm-up the rate of step 0 is 0.
func (o OptimizerSettings) rate(t, total int) float64 {
	decay := int(o.DecayStart * float64(total))
	switch {
	case t < o.Warmup:
		return o.LR * float64(t) / float64(o.Warmup)
	case o.DecayStart < 1 && t >= decay:
		return o.LR * float64(total-t) / float64(total-decay)
	default:
		return o.LR
	}
}

// AutoRate is the learning rate of a run that leaves it open: 7/F, the best
// that was found for TopK in 2,000 steps on two real dumps, at F 512 and 1,024
// (docs/bench); longer runs take less, by the square root of their length.
func AutoRate(latents, steps int) float64 {
	rate := 7 / float64(max(latents, 1)) * min(1, math.Sqrt(2000/float64(max(steps, 1))))
	three, err := strconv.ParseFloat(strconv.FormatFloat(min(rate, 0.02), 'g', 3, 64), 64) // digits, for people
	if err != nil {
		return rate
	}
	return three
}
