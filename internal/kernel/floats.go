package kernel

import "unsafe"

// Floats allocates n zeros for an array whose rows are read in no order, such
// as a weight: a large one is asked to lie in large pages where the system
// gives them, so that each row does not cost a walk of the page tables.
func Floats(n int) []float32 {
	const page = largePage / 4
	if n < page {
		return make([]float32, n)
	}
	x := make([]float32, n+2*page) // to begin and end where a page does
	adviseLarge(x)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(x)))) & (largePage - 1) / 4
	return x[skip : skip+n : skip+n]
}

// largePage is the size of one in bytes, and what it is aligned to.
const largePage = 2 << 20
