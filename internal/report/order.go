package report

import (
	"cmp"
	"slices"
)

// inReadingOrder puts the charts that a reader looks for first before others.
func inReadingOrder(list []chart) []chart {
	first := []string{"error_l0", "frequency", "frequency_histogram", "l0_histogram", "zf", "violin", "nearest_cosine", "encoder_cosine"}
	place := func(c chart) int {
		if i := slices.Index(first, c.ID); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(list, func(a, b chart) int { return cmp.Compare(place(a), place(b)) })
	return list
}
