package kernel

import "math"

// TopBlock is how many numbers a block has of which Tops finds the largest.
const TopBlock = 128

// Tops sets dst[i] to the largest number of block i of x, TopBlock numbers
// each but for the last; NaN is passed over, and of a block of NaN the largest
// is minus infinity. It returns dst cut to the number of blocks, of which it
// must have room for as many.
func Tops(dst, x []float32) []float32 {
	dst = dst[:ceilDiv(len(x), TopBlock)]
	n := len(x) / TopBlock
	chosen.tops(dst[:n], x[:n*TopBlock])
	topsGeneric(dst[n:], x[n*TopBlock:])
	return dst
}

// AxpyTops adds a*x to dst, with the bits of Axpy, and returns what Tops gives
// for it.
func AxpyTops(tops, dst []float32, a float32, x []float32) []float32 {
	x, tops = x[:len(dst)], tops[:ceilDiv(len(dst), TopBlock)]
	n := len(dst) / TopBlock
	chosen.axpyTops(tops[:n], dst[:n*TopBlock], a, x[:n*TopBlock])
	chosen.axpy(dst[n*TopBlock:], a, x[n*TopBlock:])
	topsGeneric(tops[n:], dst[n*TopBlock:])
	return tops
}

func topsGeneric(dst, x []float32) {
	for i := range dst {
		top := float32(math.Inf(-1))
		for _, v := range x[i*TopBlock : min((i+1)*TopBlock, len(x))] {
			if v > top {
				top = v
			}
		}
		dst[i] = top
	}
}

func axpyTopsGeneric(tops, dst []float32, a float32, x []float32) {
	axpyGeneric(dst, a, x)
	topsGeneric(tops, dst)
}
