package configs

import "strings"

// nearest is the candidate that is typed with the fewest changes; the name
// alone, in another section, counts one change more.
func nearest(typed string, candidates []string) string {
	typed = strings.ToLower(cut(typed))
	best, at := -1, ""
	for _, c := range candidates {
		d := min(distance(typed, c), distance(leaf(typed), leaf(c))+1)
		if best < 0 || d < best {
			best, at = d, c
		}
	}
	return at
}

// leaf is the part of a key below its section.
func leaf(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// distance is Levenshtein's: insertions, deletions and replacements of bytes.
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
