package eval

import (
	"cmp"
	"math"
	"slices"
)

// An ROC says how well a score tells rows in distribution from others.
type ROC struct {
	AUROC     float64 // P(id > ood) + P(id = ood)/2
	FPR95     float64 // share of ood scores at or above Threshold
	Threshold float64 // the ceil(0.05 n)-th smallest of the n id scores: 95 % of id is kept
	AtTPR95   float64 // false positives at the first distinct threshold that keeps 95 % of id
	AUPR      float64 // area under precision and recall, id positive, by steps
}

// NewROC compares scores that are higher in distribution. Both lists must
// hold numbers.
func NewROC(id, ood []float64) ROC {
	if len(id) == 0 || len(ood) == 0 {
		return ROC{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
	type scored struct {
		score float64
		id    bool
	}
	var all []scored
	for _, s := range id {
		all = append(all, scored{s, true})
	}
	for _, s := range ood {
		all = append(all, scored{s, false})
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var r ROC
	nID, nOOD := float64(len(id)), float64(len(ood))
	trues, falses, reached := 0.0, 0.0, false
	for lo := 0; lo < len(all); {
		hi, t, f := lo, 0.0, 0.0
		for ; hi < len(all) && all[hi].score == all[lo].score; hi++ {
			if all[hi].id {
				t++
			} else {
				f++
			}
		}
		// Rows of ood at this score lie below trues id rows and level with t.
		r.AUROC += f * (trues + t/2) / (nID * nOOD)
		trues, falses = trues+t, falses+f
		r.AUPR += t / nID * trues / (trues + falses)
		if !reached && trues/nID >= 0.95 {
			reached, r.AtTPR95 = true, falses/nOOD
		}
		lo = hi
	}
	sorted := slices.Sorted(slices.Values(id))
	r.Threshold = sorted[int(math.Ceil(0.05*nID))-1]
	for _, s := range ood {
		if s >= r.Threshold {
			r.FPR95 += 1 / nOOD
		}
	}
	return r
}
