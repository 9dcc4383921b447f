package kernel

import "unsafe"

// byteKernels score in bytes; a set has them where the processor multiplies
// bytes faster than numbers. Panels are those of the set's tile with four
// bytes in the place of a number.
type byteKernels struct {
	maxAbs func(x []float32) float32
	// quantize sets dst to x·inverse rounded, plus offset, and returns the sum
	// of squares of x - dst·scale (offset left out), that of x, and the sum of
	// the whole numbers.
	quantize func(dst []byte, x []float32, scale, inverse float32, offset int32) (lost, size float32, sum int32)
	// tile sets c [tileRows,tileCols] to start plus the product of panels
	// a [k,tileRows,4], unsigned, and b [k,tileCols,4], signed. It brings the rows
	// ahead, of 4k numbers, into the second-level cache.
	tile func(k int, a, b []byte, start, c []int32, ahead *[besideRows]*float32)
	// tileDots is tile, for k a multiple of 8, that sets dots to the dot of x and
	// each of the rows as well, all of 4k numbers.
	tileDots func(k int, a, b []byte, start, c []int32, ahead, rows *[besideRows]*float32, x *float32, dots *[besideRows]float32)
	// screen appends to the lists of row i, which begin at out[3i], the estimates
	// acc[i,j]·factor[j]·scale[i] + add[j], with the bits of keep alone, that are
	// not below or at above[i] and whose reach, greater by whole[i]·lost[j] +
	// less[i]·size[j] + rest[j], is not below or at must[i]; and the reaches; and
	// first + j. count[i] is how many they are. latents is [latentParts,tileCols]
	// and rows [rowParts,tileRows], in the order named here; columns has a bit for
	// each latent that there is. Lists have room for one more than is appended; acc
	// is used up.
	screen func(acc []int32, latents []float32, first int32, columns, keep uint32, rows []float32, out []*float32, count []int)
	// thin moves what has a reach that is not below or at must to the front of
	// lists with room for 16 more, and returns how many that are.
	thin func(key, reach []float32, index []int32, must float32) int
	// choose lists in out those with least <= key < below and a reach that is not
	// below or at must, and returns how many they are. Every list has room for 16
	// more.
	choose func(key, reach []float32, index []int32, least, below, must float32, out []int32) int
	// kthFrom is the k-th largest number of x, or one below it by at most within
	// places in the order of float32; or from where that is larger. NaN counts as
	// smallest; x is not empty.
	kthFrom func(x []float32, k int, from float32, within int) float32
	// order writes at most orderRoom entries in ascending order of index, in which
	// no number stands twice.
	order func(index, outIndex []int32, key, outKey, score, outScore []float32)
}

const (
	orderRoom  = 64
	besideRows = 8 // rows of weights that are brought in or scored with a tile
)

// What screen reads of a latent: factor, add, lost, size, rest; and of a row:
// scale, above, whole, less, must.
const (
	latentParts = 5
	rowParts    = 5
)

// words views bytes four at a time as numbers that are moved and never
// computed with.
func words(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// wordBytes views words of 16 bits as bytes.
func wordBytes(w []int16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), 2*len(w))
}

// wordsOf views the memory of numbers as words of 16 bits.
func wordsOf(x []float32) []int16 {
	return unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(x))), 2*len(x))
}

const lineWords = 32 // of 16 bits, in a line of the cache

// lineOffset is how many bytes beyond the start of a line w begins.
func lineOffset(w []int16) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(w))) % (2 * lineWords)
}

// packBytes is pack for quantised rows [rows,depth,4].
func (s *set) packBytes(dst, rows []byte, count, depth, width int) {
	s.pack(words(dst), operand{words(rows), depth, 1}, 0, count, 0, depth, width)
}
