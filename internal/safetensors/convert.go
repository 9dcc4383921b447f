package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// widths are the bytes of one entry of each type.
func widths() map[string]int64 {
	return map[string]int64{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}
}

// Float32 reads a tensor of F32, F16, BF16 or F64 as float32.
func (f *File) Float32(name string) ([]float32, error) {
	i, ok := f.tensors[name]
	if !ok {
		return nil, f.lacks(name)
	}
	x := make([]float32, i.bytes/max(1, widths()[i.Dtype]))
	return x, f.fill(name, x, 0)
}

// FillFloat32 is Float32 into dst, whose length must be that of the tensor.
func (f *File) FillFloat32(name string, dst []float32) error {
	if i, ok := f.tensors[name]; ok && i.Len() != len(dst) {
		return fmt.Errorf("%s: tensor %q has %d entries, want %d", f.name, name, i.Len(), len(dst))
	}
	return f.fill(name, dst, 0)
}

// Float32Part reads n entries of such a tensor from entry from on, in the order
// in which they are stored.
func (f *File) Float32Part(name string, from, n int) ([]float32, error) {
	i, ok := f.tensors[name]
	if !ok || from < 0 || n < 0 || from > i.Len() || n > i.Len()-from {
		return nil, fmt.Errorf("%s: has no entries %d to %d of a tensor %q; it has %q", f.name, from, from+n-1, name, f.Names())
	}
	x := make([]float32, n)
	return x, f.fill(name, x, from)
}

// readChunk is how many entries are read and decoded at a time, so that a
// tensor is in memory once.
const readChunk = 1 << 16

// fill decodes entries of a floating type from entry from on.
func (f *File) fill(name string, dst []float32, from int) error {
	i, ok := f.tensors[name]
	if !ok {
		return f.lacks(name)
	}
	get, width := floatDecoders()[i.Dtype], int(widths()[i.Dtype])
	if get == nil {
		return fmt.Errorf("%s: tensor %q is %s, want a floating type", f.name, name, i.Dtype)
	}
	buf := make([]byte, width*min(readChunk, len(dst)))
	for at := 0; at < len(dst); at += readChunk {
		part := dst[at:min(at+readChunk, len(dst))]
		raw := buf[:width*len(part)]
		if _, err := f.r.ReadAt(raw, i.start+int64(from+at)*int64(width)); err != nil {
			return fmt.Errorf("%s: tensor %q: %w", f.name, name, err)
		}
		for j := range part {
			part[j] = get(raw[j*width:])
		}
	}
	return nil
}

// floatDecoders widen or narrow an entry of each floating type.
func floatDecoders() map[string]func([]byte) float32 {
	return map[string]func([]byte) float32{
		"F32":  func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) },
		"F64":  func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) },
		"BF16": func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) },
		"F16":  func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) },
	}
}

// Float64 reads a tensor of F64 or F32 as float64.
func (f *File) Float64(name string) ([]float64, error) {
	i, b, err := f.Bytes(name)
	if err != nil {
		return nil, err
	}
	switch i.Dtype {
	case "F64":
		return decode(b, 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }), nil
	case "F32":
		return decode(b, 4, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }), nil
	}
	return nil, fmt.Errorf("%s: tensor %q is %s, want F64 or F32", f.name, name, i.Dtype)
}

// Int64 reads a tensor of any integer type or BOOL as int64.
func (f *File) Int64(name string) ([]int64, error) {
	i, b, err := f.Bytes(name)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	get := map[string]func([]byte) int64{
		"I64": func(b []byte) int64 { return int64(le.Uint64(b)) }, "U64": func(b []byte) int64 { return int64(le.Uint64(b)) },
		"I32": func(b []byte) int64 { return int64(int32(le.Uint32(b))) }, "U32": func(b []byte) int64 { return int64(le.Uint32(b)) },
		"I16": func(b []byte) int64 { return int64(int16(le.Uint16(b))) }, "U16": func(b []byte) int64 { return int64(le.Uint16(b)) },
		"I8": func(b []byte) int64 { return int64(int8(b[0])) }, "U8": func(b []byte) int64 { return int64(b[0]) },
		"BOOL": func(b []byte) int64 { return int64(b[0]) },
	}[i.Dtype]
	if get == nil {
		return nil, fmt.Errorf("%s: tensor %q is %s, want an integer type", f.name, name, i.Dtype)
	}
	return decode(b, int(widths()[i.Dtype]), get), nil
}

func decode[T any](b []byte, width int, get func([]byte) T) []T {
	x := make([]T, len(b)/width)
	for i := range x {
		x[i] = get(b[i*width:])
	}
	return x
}

// half widens IEEE half precision.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h&0x8000)<<16, int(h>>10&31), uint32(h&0x3ff)
	switch exp {
	case 0:
		v := float32(frac) * 0x1p-24
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | uint32(exp+112)<<23 | frac<<13)
}
