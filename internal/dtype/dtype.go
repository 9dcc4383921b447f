// Package dtype decodes numbers as files of tensors store them: little-endian,
// one after another.
package dtype

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/saectl/saectl/internal/kernel"
)

// A Type is a type of numbers, by the name that numpy and Arrow have for it.
type Type string

// The types of tensors.
const (
	F16  Type = "float16"
	BF16 Type = "bfloat16"
	F32  Type = "float32"
	F64  Type = "float64"
	I8   Type = "int8"
	U8   Type = "uint8"
	I16  Type = "int16"
	U16  Type = "uint16"
	I32  Type = "int32"
	U32  Type = "uint32"
	I64  Type = "int64"
	U64  Type = "uint64"
	Bool Type = "bool" // a byte each
)

// Named is the type that safetensors has this name for, "" for none.
func Named(name string) Type {
	switch name {
	case "F16":
		return F16
	case "BF16":
		return BF16
	case "F32":
		return F32
	case "F64":
		return F64
	case "I8":
		return I8
	case "U8":
		return U8
	case "I16":
		return I16
	case "U16":
		return U16
	case "I32":
		return I32
	case "U32":
		return U32
	case "I64":
		return I64
	case "U64":
		return U64
	case "BOOL":
		return Bool
	}
	return ""
}

// Size is how many bytes a number takes; 0 for what is no type of numbers.
func (t Type) Size() int64 {
	switch t {
	case I8, U8, Bool:
		return 1
	case F16, BF16, I16, U16:
		return 2
	case F32, I32, U32:
		return 4
	case F64, I64, U64:
		return 8
	}
	return 0
}

// IsFloat reports whether t is a floating type.
func (t Type) IsFloat() bool { return t == F16 || t == BF16 || t == F32 || t == F64 }

// IsInt reports whether t is a type of whole numbers, or Bool.
func (t Type) IsInt() bool { return t.Size() > 0 && !t.IsFloat() }

// Floats fills dst from raw, which holds as many numbers of type t. They are
// widened, or rounded to nearest even.
func (t Type) Floats(dst []float32, raw []byte) {
	le := binary.LittleEndian
	switch t {
	case F32:
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), raw)
		if !littleEndian() {
			for i := range dst {
				dst[i] = math.Float32frombits(le.Uint32(raw[4*i:]))
			}
		}
	case F16:
		if littleEndian() {
			kernel.HalfToFloat(dst, unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/2))
			break
		}
		for i := range dst {
			half := [1]uint16{le.Uint16(raw[2*i:])}
			kernel.HalfToFloat(dst[i:i+1], half[:])
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(raw[2*i:])) << 16)
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(raw[8*i:])))
		}
	case U64:
		for i := range dst {
			dst[i] = float32(le.Uint64(raw[8*i:]))
		}
	default:
		for i := range dst {
			dst[i] = float32(t.Integer(raw, i))
		}
	}
}

// littleEndian reports whether this machine lays numbers out as files do.
func littleEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}

// Integer is whole number i of raw; a uint64 beyond int64 is negative.
func (t Type) Integer(raw []byte, i int) int64 {
	le := binary.LittleEndian
	switch t {
	case I8:
		return int64(int8(raw[i]))
	case I16:
		return int64(int16(le.Uint16(raw[2*i:])))
	case U16:
		return int64(le.Uint16(raw[2*i:]))
	case I32:
		return int64(int32(le.Uint32(raw[4*i:])))
	case U32:
		return int64(le.Uint32(raw[4*i:]))
	case I64, U64:
		return int64(le.Uint64(raw[8*i:]))
	}
	return int64(raw[i])
}
