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

// covered is the sum of the rates of steps before t, as a share of all total's;
// where these are 0 the share of the steps.
func (o OptimizerSettings) covered(t, total int) float64 {
	if all := o.rateSum(total, total); all > 0 {
		return o.rateSum(t, total) / all
	}
	return float64(t) / float64(max(total, 1))
}

// rateSum is the sum of rate(s, total) over s below t, for an LR of 1.
func (o OptimizerSettings) rateSum(t, total int) float64 {
	warm, decay := o.Warmup, total
	if o.DecayStart < 1 {
		decay = int(o.DecayStart * float64(total))
	}
	peak := max(warm, decay) // the first step of the decay
	sum := 0.0
	if n := float64(min(t, warm)); warm > 0 {
		sum += n * (n - 1) / (2 * float64(warm))
	}
	if n := min(t, peak) - warm; n > 0 {
		sum += float64(n)
	}
	if n := t - peak; n > 0 { // (total-s)/(total-decay) for s from peak to t-1
		first, last := total-peak, total-t+1
		sum += float64(n) * float64(first+last) / 2 / float64(total-decay)
	}
	return sum
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
