package kernel

import (
	"fmt"
	"os"
	"strings"
)

// A set is the kernels of one instruction set. Slices have been cut to equal
// lengths. Those of add, sub, scale, scaledDifference, adam, allFinite, moments and
// the half conversions hold a multiple of 16 numbers: these give the bits of their
// plain twins, which do the rest.
type set struct {
	name string

	dot func(a, b []float32) float32
	// dotTile sets n numbers, a multiple of 4, of dotTileRows rows of dst, ld
	// apart, to the dots of rows of x [d] and n rows of w [d].
	dotTile     func(dst []float32, ld int, x, w []float32, d, n int)
	dotTileRows int
	prefetch    func(x []float32)      // into the second-level cache; a hint
	stream      func(dst, x []float32) // copies past the caches, to a multiple of 64 bytes; len(dst) is a multiple of 16
	fence       func()                 // makes what was stored past the caches visible to other threads

	dots    func(dst, x, w []float32, idx, ahead []int32, rows int) bool // false: an index is out of range
	axpy    func(dst []float32, a float32, x []float32)
	sumRows func(dst, v, w []float32, idx, ahead []int32, rows int, add bool) bool // ahead is as long as idx

	// unwind is Unwind; len(grad) is a multiple of unwindColumns. May be nil.
	unwind        func(dst, w []float32, stride, rows int, idx []int32, c, s, grad, found []float32) bool
	unwindColumns int

	dotF64       func(a, b []float32) float64
	sumSquares   func(x []float32) float64
	squaredError func(a, b []float32) float64
	absSums      func(a, b []float32) (ofA, ofDifference float64)
	moments      func(sum, squares, shift []float64, x, y []float32, ld, rows int) // len(sum) is a multiple of momentColumns

	add              func(dst, x []float32)
	sub              func(dst, a, b []float32)
	scale            func(dst []float32, a float32)
	scaledDifference func(dst []float32, c float32, a, b []float32)
	adam             adamFunc
	allFinite        func(x []float32) int // start of the first block of 16 with a bad number, or len(x)
	halfToFloat      func(dst []float32, src []uint16)
	floatToHalf      func(dst []uint16, src []float32)

	// collect appends the keys greater than above, their scores and first plus
	// their place to the outputs and returns how many there are. len(keys) is a
	// multiple of 16; the outputs have room for as many and 16 more.
	collect func(keys, scores []float32, above float32, first int32, outKey, outScore []float32, outIndex []int32) int

	// rank sets keys to the scores, with the bits of keep alone, times weight
	// times 1 + beta·|boost|; len(keys) is a multiple of 16.
	rank func(keys, scores, weight, boost []float32, beta float32, keep uint32)

	// kthLargest is the k-th largest number of x, k from 1; len(x) is a multiple
	// of 16 and none is NaN. It may reorder x.
	kthLargest func(x []float32, k int) float32

	// tops sets dst[i] to the largest number of block i of x, passing over NaN;
	// axpyTops adds a*x to dst first. Blocks are whole, of TopBlock numbers.
	tops     func(dst, x []float32)
	axpyTops func(tops, dst []float32, a float32, x []float32)

	// The block of a matrix product: c [tileRows,tileCols], ldc numbers from
	// row to row, is a [k,tileRows]ᵀ · b [k,tileCols] or is added to. tileDepth is
	// the largest k for which a and b stay in cache.
	tileRows, tileCols, tileDepth int
	tile                          func(k int, a, b, c []float32, ldc int, add bool)
	transpose                     func(dst []float32, ld int, src []float32, stride, n int) // 4 rows of n, a multiple of 8; may be nil

	bytes *byteKernels  // nil where they would not be faster
	words *wordKernels  // likewise
	noise *noiseKernels // nil where there are none
}

type adamFunc func(w, g, m, v []float32, clip, beta1, beta2, gain1, gain2, stepSize, invBias2Sqrt, eps float32)

// block is how many numbers the element-wise kernels take at a time.
const block = 16

var generic = set{
	name: "generic",
	dot:  dotGeneric, dotTile: dotTileGeneric, dotTileRows: 1, dots: dotsGeneric, axpy: axpyGeneric, sumRows: sumRowsGeneric,
	dotF64: dotF64Generic, sumSquares: func(x []float32) float64 { return dotF64Generic(x, x) }, squaredError: squaredErrorGeneric, absSums: absSumsGeneric, moments: momentsGeneric,
	add: addGeneric, sub: subGeneric, scale: scaleGeneric, scaledDifference: scaledDifferenceGeneric,
	adam: adamGeneric, allFinite: allFiniteGeneric,
	halfToFloat: halfToFloatGeneric, floatToHalf: floatToHalfGeneric, collect: collectGeneric, kthLargest: kthLargestGeneric, rank: rankGeneric, prefetch: func([]float32) {}, stream: func(dst, x []float32) { copy(dst, x) }, fence: func() {},
	tops: topsGeneric, axpyTops: axpyTopsGeneric,
	tileRows: 2, tileCols: 4, tileDepth: 512, tile: tileGeneric,
}

// chosen is the set in use and why it is not the one asked for. It is made
// once, when the program starts.
var chosen, choiceErr = choose(os.Getenv("SAECTL_KERNELS"))

// Name is the set of kernels in use: avx512, avx2 or generic. The variable
// SAECTL_KERNELS names a lower set than the best one; Name returns the error of a
// value that names none that can run here, and the best set runs.
func Name() (string, error) { return chosen.name, choiceErr }

// choose picks from the sets that can run here, the best first.
func choose(name string) (*set, error) {
	sets := available()
	if name == "" {
		return sets[0], nil
	}
	var names []string
	for _, s := range sets {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return sets[0], fmt.Errorf("SAECTL_KERNELS is %q; this build on this machine has %s", name, strings.Join(names, ", "))
}
