package kernel

import "fmt"

// Dot is the inner product of a and b[:len(a)]. It is the one routine that
// scores a latent: its order of summation depends on len(a) only, so equal
// inputs give equal bits wherever they lie in memory.
func Dot(a, b []float32) float32 {
	return chosen.dot(a, b[:len(a)])
}

// Dots scores rows of w [F,D], D = len(x): dst[i] = Dot(x, w[idx[i]]), with
// the bits of Dot. len(dst) must be at least len(idx). The rows ahead, as many as
// idx has or none, are brought into the second-level cache: those that the next
// call will ask for.
func Dots(dst, x, w []float32, idx, ahead []int32) {
	if len(x) == 0 {
		clear(dst[:len(idx)])
		return
	}
	rows := len(w) / len(x)
	if !chosen.dots(dst[:len(idx)], x, w, idx, ahead, rows) {
		panicIndex(idx, rows)
	}
}

// DotBlock sets row i of dst, ld apart, to Dot(x[i], w[j]) for all rows of
// x [m,d] and of w [n,d], with the bits of Dot: near the speed of a matrix
// product where the rows of w fit the second-level cache.
func DotBlock(dst []float32, ld int, x, w []float32, m, n, d int) {
	chosen.dotBlock(dst, ld, x[:m*d], w[:n*d], m, n, d)
}

// dotBlockBytes is how much of w dotBlock reads again for all rows of x: what
// the first-level cache holds beside a few of these.
const dotBlockBytes = 24 << 10

// dotBlock may be given more than n rows of w: those will be asked for next.
func (s *set) dotBlock(dst []float32, ld int, x, w []float32, m, n, d int) {
	cols := n &^ 3
	step := max(4, dotBlockBytes/(4*max(d, 1))&^3)
	for lo := 0; lo < cols; lo += step {
		s.prefetch(w[min((lo+step)*d, len(w)):min((lo+2*step)*d, len(w))])
		s.dotColumns(dst[lo:], ld, x, w[lo*d:], m, min(step, cols-lo), d)
	}
	for i := range m {
		s.dotRow(dst[i*ld:], x[i*d:(i+1)*d], w, cols, n)
	}
}

// dotColumns is dotBlock for n a multiple of 4.
func (s *set) dotColumns(dst []float32, ld int, x, w []float32, m, n, d int) {
	i := 0
	for ; i+s.dotTileRows <= m; i += s.dotTileRows {
		s.dotTile(dst[i*ld:], ld, x[i*d:], w, d, n)
	}
	for ; i < m; i++ {
		s.dotRow(dst[i*ld:], x[i*d:(i+1)*d], w, 0, n)
	}
}

// dotRow sets dst[j] to the dot of x and row j of w, for j in [lo,hi).
func (s *set) dotRow(dst, x, w []float32, lo, hi int) {
	d := len(x)
	for j := lo; j < hi; j++ {
		dst[j] = s.dot(x, w[j*d:(j+1)*d])
	}
}

// Axpy adds a*x to dst; len(x) must be at least len(dst).
func Axpy(dst []float32, a float32, x []float32) {
	chosen.axpy(dst, a, x[:len(dst)])
}

// Expect begins to bring x into the second-level cache. It changes nothing.
func Expect(x []float32) { chosen.prefetch(x) }

// SumRows adds Σ_e v[e]·w[idx[e]] to dst [D], rows of w [F,D] in the order of
// e: the bits of one Axpy an entry. Rows ahead are those of Dots.
func SumRows(dst, v, w []float32, idx, ahead []int32) { sumRows(dst, v, w, idx, ahead, true) }

// SetRows sets dst [D] to Σ_e v[e]·w[idx[e]]: the bits of SumRows from zeros.
func SetRows(dst, v, w []float32, idx, ahead []int32) { sumRows(dst, v, w, idx, ahead, false) }

func sumRows(dst, v, w []float32, idx, ahead []int32, add bool) {
	if len(dst) == 0 {
		return
	}
	if len(ahead) == 0 {
		ahead = idx
	}
	rows := len(w) / len(dst)
	if !chosen.sumRows(dst, v[:len(idx)], w, idx, ahead, rows, add) {
		panicIndex(idx, rows)
	}
}

// After is as many entries as index[lo:hi] has of what follows it, or none where
// there are fewer: the rows ahead, where calls go through index in order.
func After(index []int32, lo, hi int) []int32 {
	if n := hi - lo; n <= len(index)-hi {
		return index[hi : hi+n]
	}
	return nil
}

func panicIndex(idx []int32, rows int) {
	for i, f := range idx {
		if f < 0 || int(f) >= rows {
			panic(fmt.Sprintf("kernel: entry %d is row %d of %d", i, f, rows))
		}
	}
}

// SumSquares is Σ x², summed in float64 in a fixed order: the bits of DotF64.
func SumSquares(x []float32) float64 { return chosen.sumSquares(x) }

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

// AbsSums is Σ |a| and Σ |a-b| over len(a) elements: differences and sums in
// float64, in a fixed order.
func AbsSums(a, b []float32) (ofA, ofDifference float64) {
	return chosen.absSums(a, b[:len(a)])
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
