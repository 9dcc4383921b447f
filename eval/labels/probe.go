package labels

import (
	"cmp"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/roc"
)

// A Score is how well a probe of one class against the rest does: the share of
// rows on the right side of 0, and the AUROC of its scores.
type Score struct {
	Accuracy float64 `json:"accuracy"`
	AUROC    float64 `json:"auroc"`
}

// ScoreOf scores numbers that are above 0 for rows of the class.
func ScoreOf(scores []float64, is []bool) Score {
	right := 0.0
	for i, v := range scores {
		if is[i] == (v > 0) {
			right++
		}
	}
	return Score{right / float64(len(scores)), roc.OfLabels(scores, is).AUROC}
}

// Members says which rows are of class c.
func Members(class []int, c int) []bool {
	is := make([]bool, len(class))
	for i, v := range class {
		is[i] = v == c
	}
	return is
}

// SparseProbe fits a logistic regression on the k columns whose mean differs
// most between the classes, after SAEBench's sparse probing. Without rows of
// the class on either side the score is NaN.
func SparseProbe(train, test *Features, is, isTest []bool, k int) Score {
	if !slices.Contains(is, true) || !slices.Contains(is, false) || !slices.Contains(isTest, true) || !slices.Contains(isTest, false) {
		return Score{math.NaN(), math.NaN()}
	}
	keep := RankByMean(train, is)
	keep = slices.Clone(keep[:min(k, len(keep))])
	slices.Sort(keep)
	m := FitLogistic(train.Columns(keep), is, 1)
	return ScoreOf(m.Scores(test.Columns(keep)), isTest)
}

// RankByMean lists the columns by |mean over the class - mean over the rest|,
// largest first, ties to the lower column.
func RankByMean(f *Features, is []bool) []int {
	in, out, n := make([]float64, f.P), make([]float64, f.P), 0.0
	for i := range f.N {
		to := out
		if is[i] {
			to = in
			n++
		}
		index, value := f.Row(i)
		for e, j := range index {
			to[j] += float64(value[e])
		}
	}
	gap, order := make([]float64, f.P), make([]int, f.P)
	for j := range order {
		order[j] = j
		gap[j] = math.Abs(in[j]/n - out[j]/(float64(f.N)-n))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(gap[b], gap[a]) })
	return order
}
