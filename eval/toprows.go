package eval

import (
	"cmp"
	"slices"
)

// topRows keeps the 16 rows on which each latent is strongest, and measures
// how many latents share them.
type topRows struct {
	best  []best[mark] // [F]
	floor []float32    // [F] what a value must be above to be among them
	rows  int64
}

const topRowCount = 16

func newTopRows(f int) *topRows {
	m := &topRows{best: make([]best[mark], f), floor: make([]float32, f)}
	larger := func(a, b mark) int { return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.row, b.row)) }
	for i := range m.best {
		m.best[i] = best[mark]{n: topRowCount, compare: larger}
	}
	return m
}

func (m *topRows) serial() {}

func (m *topRows) Add(s *Sample) {
	for i := range s.N {
		index, values := s.Codes.Row(i)
		for e, f := range index {
			if values[e] > m.floor[f] {
				m.add(f, mark{row: s.First + int64(i), value: values[e]})
			}
		}
	}
	m.rows += int64(s.N)
}

// add takes in a row of latent f. Of equal values the row that came first stays.
func (m *topRows) add(f int32, row mark) {
	b := &m.best[f]
	b.add(row)
	if len(b.heap) == b.n {
		m.floor[f] = b.heap[0].value
	}
}

// Report goes over the pairs of latents that share a row; all other pairs have
// an index of 0.
func (m *topRows) Report(r *Report) {
	var used []int
	for f := range m.best {
		if len(m.best[f].heap) == topRowCount {
			used = append(used, f)
		}
	}
	users := map[int64][]int32{}
	sum, largest := 0.0, 0.0
	shared := make([]int32, len(m.best))
	for _, f := range used {
		var met []int32
		for _, mark := range m.best[f].heap {
			for _, other := range users[mark.row] {
				if shared[other]++; shared[other] == 1 {
					met = append(met, other)
				}
			}
			users[mark.row] = append(users[mark.row], int32(f))
		}
		slices.Sort(met) // so that the sum does not depend on the heap's order
		for _, other := range met {
			jaccard := float64(shared[other]) / float64(2*topRowCount-int(shared[other]))
			shared[other] = 0
			sum, largest = sum+jaccard, max(largest, jaccard)
		}
	}
	r.Set("top16_features_used", float64(len(used)), m.rows)
	if n := int64(len(used)); n > 1 {
		r.Set("top16_jaccard_mean", mean(sum, n*(n-1)/2), m.rows)
		r.Set("top16_jaccard_max", largest, m.rows)
	}
}

func topRowDefinitions() []Definition {
	return inFamily("concepts", []Definition{
		{Name: "top16_jaccard_mean", Formula: "mean over pairs of latents of the Jaccard index of the 16 rows with the largest f of each, ties to the lower row; latents with fewer than 16 left out", Source: "uniqueness, Pach et al. 2025"},
		{Name: "top16_jaccard_max", Formula: "largest such Jaccard index", Source: "uniqueness, Pach et al. 2025"},
		{Name: "top16_features_used", Formula: "latents that fire on 16 rows or more", Unit: "latents", Source: "what the index is over"},
		{Name: "dictionary_ood_score", Formula: "1 - mean over latents of the largest cosine of its decoder row with a row x, of up to 1,024 rows drawn at random", Source: "distance of latents from the data, overcomplete"},
	})
}
