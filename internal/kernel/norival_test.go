//go:build !openblas

package kernel

var rival func(dst, a, b []float32, m, n, k int, transA, transB bool)
