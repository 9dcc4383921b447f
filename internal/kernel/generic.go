package kernel

import "math"

// The plain twins of the assembly. Products are rounded before they are added
// (the conversion forbids fusing), so that one build gives the same bits
// wherever the compiler inlines.

func dotGeneric(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float32(a[i] * b[i])
		s1 += float32(a[i+1] * b[i+1])
		s2 += float32(a[i+2] * b[i+2])
		s3 += float32(a[i+3] * b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float32(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

func dotTileGeneric(dst []float32, _ int, x, w []float32, d, n int) {
	for i := range n {
		dst[i] = dotGeneric(x[:d], w[i*d:])
	}
}

func axpyGeneric(dst []float32, a float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += float32(a * x[i])
	}
}

func dotsGeneric(dst, x, w []float32, idx, _ []int32, rows int) bool {
	d := len(x)
	for i, f := range idx {
		if uint(f) >= uint(rows) {
			return false
		}
		dst[i] = dotGeneric(x, w[int(f)*d:int(f)*d+d])
	}
	return true
}

func sumRowsGeneric(dst, v, w []float32, idx, _ []int32, rows int, add bool) bool {
	d := len(dst)
	if !add {
		clear(dst)
	}
	for e, f := range idx {
		if uint(f) >= uint(rows) {
			return false
		}
		axpyGeneric(dst, v[e], w[int(f)*d:int(f)*d+d])
	}
	return true
}

func dotF64Generic(a, b []float32) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i]) * float64(b[i]) // exact product: fusing changes nothing
		s1 += float64(a[i+1]) * float64(b[i+1])
		s2 += float64(a[i+2]) * float64(b[i+2])
		s3 += float64(a[i+3]) * float64(b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i]) * float64(b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

func squaredErrorGeneric(a, b []float32) float64 {
	b = b[:len(a)]
	var s [4]float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		for k := range s {
			e := float64(a[i+k]) - float64(b[i+k])
			s[k] += float64(e * e)
		}
	}
	for ; i < len(a); i++ {
		e := float64(a[i]) - float64(b[i])
		s[0] += float64(e * e)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func absSumsGeneric(a, b []float32) (ofA, ofDifference float64) {
	b = b[:len(a)]
	for i, v := range a {
		ofA += math.Abs(float64(v))
		ofDifference += math.Abs(float64(v) - float64(b[i]))
	}
	return ofA, ofDifference
}

func addGeneric(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += x[i]
	}
}

func subGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func scaleGeneric(dst []float32, a float32) {
	for i := range dst {
		dst[i] *= a
	}
}

func scaledDifferenceGeneric(dst []float32, c float32, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = c * (a[i] - b[i])
	}
}

func adamGeneric(w, g, m, v []float32, clip, beta1, beta2, gain1, gain2, stepSize, invBias2Sqrt, eps float32) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i := range w {
		x := float32(clip * g[i])
		m[i] = float32(beta1*m[i]) + float32(gain1*x)
		v[i] = float32(beta2*v[i]) + float32(gain2*float32(x*x))
		root := float32(math.Sqrt(float64(v[i]))) // correctly rounded: float64 has bits enough
		w[i] -= float32(stepSize*m[i]) / (float32(root*invBias2Sqrt) + eps)
	}
}

// allFiniteGeneric is the index of the first NaN or infinity, or len(x).
func allFiniteGeneric(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return len(x)
}

// tileGeneric keeps a block of 2 by 4 in registers.
func tileGeneric(k int, a, b, c []float32, ldc int, add bool) {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	a, b = a[:2*k], b[:4*k]
	for len(a) >= 2 && len(b) >= 4 {
		x, y := a[0], a[1]
		b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
		s00 += float32(x * b0)
		s01 += float32(x * b1)
		s02 += float32(x * b2)
		s03 += float32(x * b3)
		s10 += float32(y * b0)
		s11 += float32(y * b1)
		s12 += float32(y * b2)
		s13 += float32(y * b3)
		a, b = a[2:], b[4:]
	}
	block := [2][4]float32{{s00, s01, s02, s03}, {s10, s11, s12, s13}}
	for i := range block {
		dst := c[i*ldc : i*ldc+4]
		if !add {
			clear(dst)
		}
		addGeneric(dst, block[i][:])
	}
}

func collectGeneric(keys, scores []float32, above float32, first int32, outKey, outScore []float32, outIndex []int32) int {
	n := 0
	for i, key := range keys {
		if key > above {
			outKey[n], outScore[n], outIndex[n] = key, scores[i], first+int32(i)
			n++
		}
	}
	return n
}

func rankGeneric(keys, scores, weight, boost []float32, beta float32, keep uint32) {
	for i := range keys {
		key := math.Float32frombits(math.Float32bits(scores[i]) & keep)
		size := float32(math.Abs(float64(boost[i])))
		keys[i] = float32(key*weight[i]) * (1 + float32(beta*size))
	}
}

// KthLargest is the k-th largest number of x, k from 1. It reorders x. NaN may
// stand anywhere in x, and is then somewhere in the order.
func KthLargest(x []float32, k int) float32 { return kthLargestGeneric(x, k) }

func kthLargestGeneric(x []float32, k int) float32 {
	lo, hi := 0, len(x)-1 // the answer stands in [lo,hi] of the falling order
	for lo < hi {
		pivot := median(x[lo], x[(lo+hi)/2], x[hi])
		i, j := lo, hi
		for i <= j {
			for x[i] > pivot {
				i++
			}
			for x[j] < pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return x[k-1]
		}
	}
	return x[k-1]
}

func median(a, b, c float32) float32 {
	return max(min(a, b), min(max(a, b), c))
}
