package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/saectl/saectl/internal/kernel"
)

// A dtype is the type of the numbers of a column.
type dtype string

const (
	f16  dtype = "float16"
	bf16 dtype = "bfloat16"
	f32  dtype = "float32"
	f64  dtype = "float64"
	text dtype = "utf8"
	flag dtype = "bool" // a byte each
)

// tensorKinds are the types by the names that safetensors has for them.
func tensorKinds() map[string]dtype {
	return map[string]dtype{
		"F16": f16, "BF16": bf16, "F32": f32, "F64": f64, "BOOL": flag, "I8": "int8", "U8": "uint8", "I16": "int16", "U16": "uint16",
		"I32": "int32", "U32": "uint32", "I64": "int64", "U64": "uint64",
	}
}

// size is how many bytes a value takes; 0 for what is not of fixed size.
func (t dtype) size() int64 {
	switch t {
	case "int8", "uint8", flag:
		return 1
	case f16, bf16, "int16", "uint16":
		return 2
	case f32, "int32", "uint32":
		return 4
	case f64, "int64", "uint64":
		return 8
	}
	return 0
}

func (t dtype) isFloat() bool { return slices.Contains([]dtype{f16, bf16, f32, f64}, t) }
func (t dtype) isInt() bool   { return t.size() > 0 && !t.isFloat() }

// floats widens or narrows raw, little-endian values, to float32, nearest
// even. It reports the first value that is not finite there, or -1.
func (t dtype) floats(dst []float32, raw []byte) (bad int) {
	le := binary.LittleEndian
	switch t {
	case f32:
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), raw)
		if !littleEndian() {
			for i := range dst {
				dst[i] = math.Float32frombits(le.Uint32(raw[4*i:]))
			}
		}
	case f16:
		if littleEndian() {
			kernel.HalfToFloat(dst, unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/2))
			break
		}
		for i := range dst {
			half := [1]uint16{le.Uint16(raw[2*i:])}
			kernel.HalfToFloat(dst[i:i+1], half[:])
		}
	case bf16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(raw[2*i:])) << 16)
		}
	case f64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(raw[8*i:])))
		}
	default:
		for i := range dst {
			dst[i] = t.number(raw, i)
		}
	}
	return notFinite(dst)
}

// littleEndian reports whether this machine lays numbers out as dumps do.
func littleEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}

// notFinite is the first value that is NaN or Inf, or -1.
func notFinite(x []float32) int {
	const body, one = 0x7fffffff, 0x00800000
	var carry uint32
	for _, v := range x {
		carry |= math.Float32bits(v)&body + one
	}
	if carry>>31 == 0 {
		return -1
	}
	return slices.IndexFunc(x, func(v float32) bool { return v-v != 0 })
}

// number is integer i of raw as a float32.
func (t dtype) number(raw []byte, i int) float32 {
	if t == "uint64" {
		return float32(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return float32(t.integer(raw, i))
}

// integer is integer i of raw; a uint64 beyond int64 is negative.
func (t dtype) integer(raw []byte, i int) int64 {
	le := binary.LittleEndian
	switch t {
	case "int8":
		return int64(int8(raw[i]))
	case "int16":
		return int64(int16(le.Uint16(raw[2*i:])))
	case "uint16":
		return int64(le.Uint16(raw[2*i:]))
	case "int32":
		return int64(int32(le.Uint32(raw[4*i:])))
	case "uint32":
		return int64(le.Uint32(raw[4*i:]))
	case "int64", "uint64":
		return int64(le.Uint64(raw[8*i:]))
	}
	return int64(raw[i])
}

// swap turns big-endian values round in place.
func (t dtype) swap(raw []byte) {
	n := int(t.size())
	for i := 0; i+n <= len(raw); i += n {
		slices.Reverse(raw[i : i+n])
	}
}

// as gives the type to read a column of type t under: what the user says its
// bits are, where they have the size of that.
func (t dtype) as(name string) (dtype, error) {
	switch want := dtype(name); {
	case name == "":
		return t, nil
	case !want.isFloat():
		return t, fmt.Errorf("%q is no type to read numbers as; give %s, %s, %s or %s", name, f16, bf16, f32, f64)
	case want.size() != t.size():
		return t, fmt.Errorf("values of type %s have %d bytes, %s has %d", t, t.size(), want, want.size())
	default:
		return want, nil
	}
}
