package kernel

import "fmt"

// Dot is the inner product of a and b[:len(a)]. It is the one routine that
// scores a latent: its order of summation depends on len(a) only, so equal
// inputs give equal bits wherever they lie in memory.
func Dot(a, b []float32) float32 {
	return chosen.dot(a, b[:len(a)])
}

// Dots scores rows of w [F,D], D = len(x): dst[i] = Dot(x, w[idx[i]]), with
// the bits of Dot. len(dst) must be at least len(idx).
func Dots(dst, x, w []float32, idx []int32) {
	if len(x) == 0 {
		clear(dst[:len(idx)])
		return
	}
	rows := len(w) / len(x)
	if !chosen.dots(dst[:len(idx)], x, w, idx, rows) {
		panicIndex(idx, rows)
	}
}

// Axpy adds a*x to dst; len(x) must be at least len(dst).
func Axpy(dst []float32, a float32, x []float32) {
	chosen.axpy(dst, a, x[:len(dst)])
}

// SumRows adds Σ_e v[e]·w[idx[e]] to dst [D], rows of w [F,D] in the order of
// e: the bits of one Axpy an entry.
func SumRows(dst, v, w []float32, idx []int32) {
	if len(dst) == 0 {
		return
	}
	rows := len(w) / len(dst)
	if !chosen.sumRows(dst, v[:len(idx)], w, idx, rows) {
		panicIndex(idx, rows)
	}
}

func panicIndex(idx []int32, rows int) {
	for i, f := range idx {
		if f < 0 || int(f) >= rows {
			panic(fmt.Sprintf("kernel: entry %d is row %d of %d", i, f, rows))
		}
	}
}

// SumSquares is Σ x², summed in float64 in a fixed order.
func SumSquares(x []float32) float64 { return DotF64(x, x) }

// DotF64 is the inner product of a and b[:len(a)], summed in float64 in a
// fixed order.
func DotF64(a, b []float32) float64 {
	return chosen.dotF64(a, b[:len(a)])
}

// SquaredError is Σ (a-b)² over len(a) elements: differences and sum in
// float64, in a fixed order.
func SquaredError(a, b []float32) float64 {
	return chosen.squaredError(a, b[:len(a)])
}

// whole is how many of n numbers the element-wise kernels take; their plain
// twins, which give the same bits, do the rest.
func whole(n int) int { return n &^ (block - 1) }

// Add adds x[:len(dst)] to dst.
func Add(dst, x []float32) {
	x = x[:len(dst)]
	n := whole(len(dst))
	chosen.add(dst[:n], x[:n])
	addGeneric(dst[n:], x[n:])
}

// Sub sets dst to a - b over len(dst) elements. dst may be a or b.
func Sub(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	n := whole(len(dst))
	chosen.sub(dst[:n], a[:n], b[:n])
	subGeneric(dst[n:], a[n:], b[n:])
}

// Scale multiplies dst by a.
func Scale(dst []float32, a float32) {
	n := whole(len(dst))
	chosen.scale(dst[:n], a)
	scaleGeneric(dst[n:], a)
}

// ScaledDifference sets dst to c·(a-b) over len(dst) elements. dst may be a
// or b.
func ScaledDifference(dst []float32, c float32, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	n := whole(len(dst))
	chosen.scaledDifference(dst[:n], c, a[:n], b[:n])
	scaledDifferenceGeneric(dst[n:], c, a[n:], b[n:])
}

// AllFinite is the index of the first NaN or infinity in x, -1 for none.
func AllFinite(x []float32) int {
	start := chosen.allFinite(x[:whole(len(x))])
	if at := allFiniteGeneric(x[start:]); at < len(x)-start {
		return start + at
	}
	return -1
}
