package kernel

import "math"

// HalfToFloat widens IEEE 754 half-precision bits; len(src) must be at least
// len(dst).
func HalfToFloat(dst []float32, src []uint16) {
	src = src[:len(dst)]
	n := whole(len(dst))
	chosen.halfToFloat(dst[:n], src[:n])
	halfToFloatGeneric(dst[n:], src[n:])
}

// FloatToHalf rounds to IEEE 754 half precision, to nearest with ties to
// even; what is too large becomes infinite. len(src) must be at least len(dst).
func FloatToHalf(dst []uint16, src []float32) {
	src = src[:len(dst)]
	n := whole(len(dst))
	chosen.floatToHalf(dst[:n], src[:n])
	floatToHalfGeneric(dst[n:], src[n:])
}

func halfToFloatGeneric(dst []float32, src []uint16) {
	for i := range dst {
		dst[i] = widenHalf(src[i])
	}
}

func floatToHalfGeneric(dst []uint16, src []float32) {
	for i := range dst {
		dst[i] = narrowToHalf(src[i])
	}
}

// widenHalf moves the exponent by a multiplication, which also normalises
// subnormal halves: (bits << 13) read as float32 is the value times 2^-112.
func widenHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	body := uint32(h&0x7fff) << 13
	if h&0x7c00 == 0x7c00 {
		body |= 0x7f800000
		if h&0x3ff != 0 {
			body |= 0x400000 // quiet NaN, as F16C gives
		}
		return math.Float32frombits(sign | body)
	}
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(body)*0x1p112))
}

func narrowToHalf(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	body := bits & 0x7fffffff
	switch {
	case body > 0x7f800000:
		return sign | 0x7e00 | uint16(body>>13&0x3ff)
	case body >= 0x477ff000: // rounds to 2^16 or more
		return sign | 0x7c00
	case body < 0x38800000: // below 2^-14: let float32 addition do the rounding
		const magic = 0.5 // its last bit is 2^-24, the smallest half
		return sign | uint16(math.Float32bits(math.Float32frombits(body)+magic)-math.Float32bits(magic))
	}
	odd := body >> 13 & 1
	return sign | uint16((body-0x38000000+0xfff+odd)>>13)
}
