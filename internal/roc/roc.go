// Package roc measures how well a score tells two kinds of things apart.
package roc

import (
	"cmp"
	"math"
	"slices"
)

// A Curve says how well a score tells rows in distribution from others.
type Curve struct {
	AUROC     float64 // P(id > ood) + P(id = ood)/2
	FPR95     float64 // share of ood scores at or above Threshold
	Threshold float64 // the ceil(0.05 n)-th smallest of the n id scores: 95 % of id is kept
	AtTPR95   float64 // false positives at the first distinct threshold that keeps 95 % of id
	AUPR      float64 // area under precision and recall, id positive, by steps

	Harmonic float64 // most over thresholds of 2·TPR·TNR/(TPR + TNR), which is not F1
	F1       float64 // most over thresholds of 2·P·R/(P + R)
}

// New compares scores that are higher in distribution. Both lists must
// hold numbers.
func New(id, ood []float64) Curve {
	if len(id) == 0 || len(ood) == 0 {
		nan := math.NaN()
		return Curve{nan, nan, nan, nan, nan, nan, nan}
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
	var r Curve
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
		r.F1 = max(r.F1, 2*trues/(trues+falses+nID))
		if tpr, tnr := trues/nID, 1-falses/nOOD; tpr+tnr > 0 {
			r.Harmonic = max(r.Harmonic, 2*tpr*tnr/(tpr+tnr))
		}
		if !reached && trues/nID >= 0.95 {
			reached, r.AtTPR95 = true, falses/nOOD
		}
		lo = hi
	}
	sorted := slices.Sorted(slices.Values(id))
	r.Threshold = sorted[int(math.Ceil(0.05*nID))-1]
	for _, s := range ood {
		if s >= r.Threshold {
			r.FPR95++
		}
	}
	r.FPR95 /= nOOD
	return r
}

// OfLabels is New of the scores that carry a label and of those that do not.
func OfLabels(scores []float64, is []bool) Curve {
	var in, out []float64
	for i, v := range scores {
		if is[i] {
			in = append(in, v)
		} else {
			out = append(out, v)
		}
	}
	return New(in, out)
}
