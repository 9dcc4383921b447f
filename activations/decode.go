package activations

import (
	"encoding/binary"
	"math"
)

// decoder gives the function that puts the bytes of a row into dst, a slice of
// the type that a Batch has for column id.
func decoder(id int, c column, dst any) func(want, []byte) error {
	width := int(c.width)
	switch dst := dst.(type) {
	case []float32:
		row := floats32
		if c.elem == 2 {
			row = floats16
		}
		return func(w want, raw []byte) error {
			if x := dst[w.at*width : (w.at+1)*width]; !row(x, raw) {
				return notFinite(w, id, x)
			}
			return nil
		}
	case []int64:
		return func(w want, raw []byte) error {
			dst[w.at] = int64(binary.LittleEndian.Uint64(raw))
			return nil
		}
	}
	ints := dst.([]int32)
	return func(w want, raw []byte) error {
		ints[w.at] = int32(binary.LittleEndian.Uint32(raw))
		return nil
	}
}

// floats32 decodes little-endian floats and reports whether all are finite: an
// exponent of ones is the largest pattern there is.
func floats32(dst []float32, raw []byte) bool {
	var top uint32
	for i := range dst {
		bits := binary.LittleEndian.Uint32(raw[4*i : 4*i+4])
		top = max(top, bits&0x7fffffff)
		dst[i] = math.Float32frombits(bits)
	}
	return top < 0x7f800000
}

// floats16 widens half precision. The bits shifted to a float32's places are
// the value times 2^-112, subnormal halves included; NaN and Inf come out
// wrong, so they are mended where they are found.
func floats16(dst []float32, raw []byte) bool {
	var top uint16
	for i := range dst {
		bits := binary.LittleEndian.Uint16(raw[2*i : 2*i+2])
		top = max(top, bits&0x7fff)
		dst[i] = math.Float32frombits(uint32(bits&0x8000)<<16 | math.Float32bits(math.Float32frombits(uint32(bits&0x7fff)<<13)*0x1p112))
	}
	if top < 0x7c00 {
		return true
	}
	for i := range dst {
		if bits := binary.LittleEndian.Uint16(raw[2*i:]); bits&0x7c00 == 0x7c00 {
			dst[i] = math.Float32frombits(uint32(bits&0x8000)<<16 | 0x7f800000 | uint32(bits&0x3ff)<<13)
		}
	}
	return false
}

// notFinite names the first value of a row that is NaN or Inf.
func notFinite(w want, id int, x []float32) error {
	for i, v := range x {
		if v != v || math.IsInf(float64(v), 0) {
			return w.batch.rowErrorf(w.r, "value %d of %s is %v; leave the row out, or dump it again (in float32 if it was too large for float16)",
				i, colNames[id], v)
		}
	}
	return nil
}
