package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// Float32 reads a tensor of F32, F16, BF16 or F64 as float32.
func (f *File) Float32(name string) ([]float32, error) {
	i, ok := f.tensors[name]
	if !ok {
		return nil, f.lacks(name)
	}
	x := kernel.Floats(int(i.bytes / max(1, i.kind().Size())))
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
	kind, width := i.kind(), int(i.kind().Size())
	if !kind.IsFloat() {
		return fmt.Errorf("%s: tensor %q is %s, want a floating type", f.name, name, i.Dtype)
	}
	buf := make([]byte, width*min(readChunk, len(dst)))
	for at := 0; at < len(dst); at += readChunk {
		part := dst[at:min(at+readChunk, len(dst))]
		raw := buf[:width*len(part)]
		if _, err := f.r.ReadAt(raw, i.start+int64(from+at)*int64(width)); err != nil {
			return fmt.Errorf("%s: tensor %q: %w", f.name, name, err)
		}
		kind.Floats(part, raw)
	}
	return nil
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
	kind := i.kind()
	if !kind.IsInt() {
		return nil, fmt.Errorf("%s: tensor %q is %s, want an integer type", f.name, name, i.Dtype)
	}
	x := make([]int64, int64(len(b))/kind.Size())
	for j := range x {
		x[j] = kind.Integer(b, j)
	}
	return x, nil
}

func decode[T any](b []byte, width int, get func([]byte) T) []T {
	x := make([]T, len(b)/width)
	for i := range x {
		x[i] = get(b[i*width:])
	}
	return x
}
