// Package reuse keeps the memory of buffers from one batch to the next.
package reuse

// Slice is s with a length of n entries, in its own memory where that is large
// enough and else in new memory of n entries. The values are unspecified.
func Slice[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}
