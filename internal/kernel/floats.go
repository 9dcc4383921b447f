package kernel

// Floats allocates n zeros for an array whose rows are read in no order, such
// as a weight: a large one is asked to lie in large pages where the system
// gives them, so that each row does not cost a walk of the page tables.
func Floats(n int) []float32 {
	x := make([]float32, n)
	if 4*n >= largePage {
		adviseLarge(x)
	}
	return x
}

// largePage is the size of one in bytes, and what it is aligned to.
const largePage = 2 << 20
