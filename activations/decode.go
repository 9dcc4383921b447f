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

// floats32 decodes little-endian floats and reports whether all are finite.
// Adding one to the exponent carries into the sign where it is all ones; the
// lanes of a word do not touch.
func floats32(dst []float32, raw []byte) bool {
	const body, one, sign = 0x7fffffff_7fffffff, 0x00800000_00800000, 0x80000000_80000000
	var carry uint64
	for len(dst) >= 4 && len(raw) >= 16 {
		a, b := binary.LittleEndian.Uint64(raw), binary.LittleEndian.Uint64(raw[8:])
		carry |= (a&body + one) | (b&body + one)
		d := dst[:4:4]
		d[0], d[1] = math.Float32frombits(uint32(a)), math.Float32frombits(uint32(a>>32))
		d[2], d[3] = math.Float32frombits(uint32(b)), math.Float32frombits(uint32(b>>32))
		dst, raw = dst[4:], raw[16:]
	}
	for i := range dst {
		bits := binary.LittleEndian.Uint32(raw[4*i:])
		carry |= uint64(bits)&body + one
		dst[i] = math.Float32frombits(bits)
	}
	return carry&sign == 0
}

// floats16 widens half precision and reports whether all are finite.
func floats16(dst []float32, raw []byte) bool {
	const body, one, sign = 0x7fff7fff_7fff7fff, 0x04000400_04000400, 0x80008000_80008000
	var carry uint64
	x, in := dst, raw
	for len(x) >= 4 && len(in) >= 8 {
		a := binary.LittleEndian.Uint64(in)
		carry |= a&body + one
		d := x[:4:4]
		d[0], d[1], d[2], d[3] = widen(uint16(a)), widen(uint16(a>>16)), widen(uint16(a>>32)), widen(uint16(a>>48))
		x, in = x[4:], in[8:]
	}
	for i := range x {
		h := binary.LittleEndian.Uint16(in[2*i:])
		carry |= uint64(h)&body + one
		x[i] = widen(h)
	}
	if carry&sign == 0 {
		return true
	}
	for i := range dst { // say what it was
		if h := uint32(binary.LittleEndian.Uint16(raw[2*i:])); h&0x7c00 == 0x7c00 {
			dst[i] = math.Float32frombits(h&0x8000<<16 | 0x7f800000 | h&0x3ff<<13)
		}
	}
	return false
}

// widen gives the value of a finite half. Its bits in the places of a float32
// are the value times 2^-112, of subnormal halves too.
func widen(h uint16) float32 {
	const signAndBody = 0x8fffe000
	return math.Float32frombits(uint32(int32(int16(h))<<13)&signAndBody) * 0x1p112
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
