// Package openblas calls OpenBLAS's float32 matrix product, so that package
// kernel's can be held against it in one run:
//
//	go test -tags openblas -run '^$' -bench GEMM ./internal/kernel/
//
// It needs cgo and the library's header (Debian: libopenblas-dev), which the
// build tag openblas asks for; without the tag it holds nothing.
package openblas
