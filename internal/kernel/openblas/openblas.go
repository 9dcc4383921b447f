//go:build openblas

package openblas

// #cgo LDFLAGS: -lopenblas
// #include <cblas.h>
import "C"

// Product sets dst [m,n] to a·b, where a is [m,k], or [k,m] and transposed
// when transA is true, and b is [k,n], or [n,k] and transposed when transB is.
func Product(dst, a, b []float32, m, n, k int, transA, transB bool) {
	ta, lda := C.enum_CBLAS_TRANSPOSE(C.CblasNoTrans), k
	if transA {
		ta, lda = C.CblasTrans, m
	}
	tb, ldb := C.enum_CBLAS_TRANSPOSE(C.CblasNoTrans), n
	if transB {
		tb, ldb = C.CblasTrans, k
	}
	C.cblas_sgemm(C.CblasRowMajor, ta, tb, C.blasint(m), C.blasint(n), C.blasint(k), 1,
		(*C.float)(&a[0]), C.blasint(lda), (*C.float)(&b[0]), C.blasint(ldb), 0, (*C.float)(&dst[0]), C.blasint(n))
}

// SetThreads sets how many threads Product uses.
func SetThreads(n int) { C.openblas_set_num_threads(C.int(n)) }
