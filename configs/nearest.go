package configs

import (
	"fmt"
	"strings"
)

// didYouMean names the candidate nearest to what was typed, when one is near.
func didYouMean(typed string, candidates []string) string {
	best, at := len(typed)/3+2, ""
	for _, c := range candidates {
		if d := distance(typed, c); d < best {
			best, at = d, c
		}
	}
	if at == "" {
		for _, c := range candidates { // the right name in the wrong section
			if typed[strings.LastIndexByte(typed, '.')+1:] == c[strings.LastIndexByte(c, '.')+1:] {
				at = c
			}
		}
	}
	if at == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", at)
}

// distance is Levenshtein's: insertions, deletions and replacements.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
