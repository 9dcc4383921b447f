package kernel

// Dot is the inner product of a and b[:len(a)]. It is the one routine that
// scores a latent: its order of summation depends on len(a) only, so equal
// inputs give equal bits wherever they lie in memory.
func Dot(a, b []float32) float32 {
	return dotGeneric(a, b[:len(a)])
}

// Dots scores rows of w [F,D], D = len(x): dst[i] = Dot(x, w[idx[i]]), with
// the bits of Dot. len(dst) must be at least len(idx).
func Dots(dst, x, w []float32, idx []int32) {
	dotsGeneric(dst[:len(idx)], x, w, idx)
}

// Axpy adds a*x to dst; len(x) must be at least len(dst).
func Axpy(dst []float32, a float32, x []float32) {
	axpyGeneric(dst, a, x[:len(dst)])
}

// SumRows adds Σ_e v[e]·w[idx[e]] to dst [D], rows of w [F,D] in the order of
// e: the bits of one Axpy an entry.
func SumRows(dst, v, w []float32, idx []int32) {
	sumRowsGeneric(dst, v[:len(idx)], w, idx)
}

// SumSquares is Σ x², summed in float64 in a fixed order.
func SumSquares(x []float32) float64 { return DotF64(x, x) }

// DotF64 is the inner product of a and b[:len(a)], summed in float64 in a
// fixed order.
func DotF64(a, b []float32) float64 {
	return dotF64Generic(a, b[:len(a)])
}

// Add adds x[:len(dst)] to dst.
func Add(dst, x []float32) { addGeneric(dst, x[:len(dst)]) }

// Sub sets dst to a - b over len(dst) elements. dst may be a or b.
func Sub(dst, a, b []float32) { subGeneric(dst, a[:len(dst)], b[:len(dst)]) }

// Scale multiplies dst by a.
func Scale(dst []float32, a float32) { scaleGeneric(dst, a) }

// AllFinite is the index of the first NaN or infinity in x, -1 for none.
func AllFinite(x []float32) int { return allFiniteGeneric(x) }
