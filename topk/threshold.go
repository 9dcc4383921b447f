package topk

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// threshold is a running mean of the smallest value that a batch keeps. At
// inference it can take the place of a ranking, so that what a row keeps does
// not depend on other rows. It is negative until the first update, which sets
// it (dictionary_learning 0.1.0).
type threshold struct {
	state *sae.State
	beta  float64 // decay
	start int     // no update up to this step
}

// threshold is one that follows the settings; from "zero" it starts at 0 and is
// updated at every step (SAELens).
func (t *BatchTopK) threshold(b *sae.Builder) threshold {
	if t.ThresholdFrom == "zero" {
		return threshold{state: b.State("threshold", 1, 0), beta: t.ThresholdBeta, start: -1}
	}
	return newThreshold(b, t.ThresholdBeta, t.ThresholdStart)
}

func newThreshold(b *sae.Builder, beta float64, start int) threshold {
	return threshold{state: b.State("threshold", 1, -1), beta: beta, start: start}
}

func (h threshold) update(step int, least float64) {
	t := &h.state.Data[0]
	switch {
	case step <= h.start:
	case *t < 0:
		*t = least
	default:
		*t = h.beta**t + (1-h.beta)*least
	}
}

// rule keeps all above the threshold; what is positive while it is unset.
func (h threshold) rule() kernel.Rule {
	return kernel.Rule{Kind: kernel.Threshold, Threshold: float32(max(h.state.Data[0], 0))}
}

// leastOfRows is the mean over rows of the smallest key [nnz] that each keeps;
// rows that keep none are left out.
func leastOfRows(s *sparseop.Support, keys []float32) float64 {
	sum, n := 0.0, 0
	for b := range s.B {
		if lo, hi := s.Row(b); hi > lo {
			sum += leastOf(keys[lo:hi])
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// leastOf is the smallest key, 0 when there is none.
func leastOf(keys []float32) float64 {
	if len(keys) == 0 {
		return 0
	}
	least := math.Inf(1)
	for _, v := range keys {
		least = min(least, float64(v))
	}
	return least
}
