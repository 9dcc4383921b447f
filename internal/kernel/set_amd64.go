//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

var setAVX512 = set{
	name: "avx512",
	dot:  dotAVX512, dotTile: dotTileAVX512, dotTileRows: 3, dots: dotsAVX512, axpy: axpyAVX512, sumRows: sumRowsAVX512,
	dotF64: dotF64AVX512, sumSquares: sumSquaresAVX512, squaredError: squaredErrorAVX512, absSums: absSumsAVX512, moments: momentsAVX512,
	add: addAVX512, sub: subAVX512, scale: scaleAVX512, scaledDifference: scaledDifferenceAVX512,
	adam: adamAVX512, allFinite: allFiniteAVX512,
	halfToFloat: halfToFloatAVX512, floatToHalf: floatToHalfAVX512, collect: collectAVX512, kthLargest: kthLargestAVX512, rank: rankAVX512, prefetch: prefetchAVX512, stream: streamAVX512, fence: streamFenceAVX512,
	tops: topsAVX512, axpyTops: axpyTopsAVX512, unwind: unwindAVX512, unwindColumns: 64,
	tileRows: 12, tileCols: 32, tileDepth: 768, tile: tileAVX512, transpose: transposeAVX512,
	bytes: bytesAVX512(),
	words: wordsAVX512(),
	noise: &noiseKernels{bounds: noiseBoundsAVX512, boundsAt: noiseBoundsAtAVX512},
}

func bytesAVX512() *byteKernels {
	if !cpu.X86.HasAVX512VNNI {
		return nil
	}
	return &byteKernels{maxAbs: maxAbsAVX512, quantize: quantizeAVX512, tile: byteTileAVX512, tileDots: byteTileDotsAVX512, screen: screenAVX512, thin: thinAVX512, choose: chooseAVX512, kthFrom: kthFromAVX512, order: orderAVX512}
}

func wordsAVX512() *wordKernels {
	if !cpu.X86.HasAVX512VNNI {
		return nil
	}
	return &wordKernels{quantize: quantizeWordsAVX512, tile: wordTileAVX512, axpyTops: axpyWordsTopsAVX512, stream: streamWordsAVX512}
}

var setAVX2 = set{
	name: "avx2",
	dot:  dotAVX2, dotTile: dotTileAVX2, dotTileRows: 3, dots: dotsAVX2, axpy: axpyAVX2, sumRows: sumRowsAVX2,
	dotF64: dotF64AVX2, sumSquares: sumSquaresAVX2, squaredError: squaredErrorAVX2, absSums: absSumsAVX2, moments: momentsAVX2,
	add: addAVX2, sub: subAVX2, scale: scaleAVX2, scaledDifference: scaledDifferenceAVX2,
	adam: adamAVX2, allFinite: allFiniteAVX2,
	halfToFloat: halfToFloatAVX2, floatToHalf: floatToHalfAVX2, collect: collectAVX2, kthLargest: kthLargestAVX2, rank: rankAVX2, prefetch: prefetchAVX2, stream: streamAVX2, fence: streamFenceAVX2,
	tops: topsAVX2, axpyTops: axpyTopsAVX2, unwind: unwindAVX2, unwindColumns: 32,
	tileRows: 4, tileCols: 24, tileDepth: 384, tile: tileAVX2, transpose: transposeAVX2,
}

// available lists the sets that this processor runs, the best first.
func available() []*set {
	var sets []*set
	x := &cpu.X86
	hasAVX2 := x.HasAVX2 && x.HasFMA && x.HasBMI2 && x.HasF16C
	if hasAVX2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		sets = append(sets, &setAVX512)
	}
	if hasAVX2 {
		sets = append(sets, &setAVX2)
	}
	return append(sets, &generic)
}
