package torchfile

import (
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/saectl/saectl/internal/dtype"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// A storage is a run of numbers that tensors are views of.
type storage struct {
	key     string
	missing bool
	width   int // of an entry, in the old layout
	r       *io.SectionReader
	bytes   int64
	sum     *uint32 // the CRC-32 that its archive states

	once    sync.Once
	damaged error
}

// verify compares the checksum of the storage once, when it is first read.
func (s *storage) verify() error {
	s.once.Do(func() {
		if s.sum != nil {
			s.damaged = checksum(s.r, *s.sum, "data/"+s.key)
		}
	})
	return s.damaged
}

// A Tensor is a view of a storage. Its numbers are read when asked for.
type Tensor struct {
	Name  string
	Dtype string // as safetensors names it: F32 F64 F16 BF16 I64 I32 I16 I8 U8 BOOL

	shape, stride []int64
	offset, count int64 // first entry, entries that the storage is said to have
	width         int
	storage       *storage
	file          string
}

func (t *Tensor) label() string {
	if t.Name == "" {
		return "tensor"
	}
	return fmt.Sprintf("tensor %.100s", t.Name)
}

// wrap says of which file and tensor an error is.
func (t *Tensor) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", t.file, t.label(), err)
}

// Shape is a copy of the tensor's shape; it is empty for a single number.
func (t *Tensor) Shape() []int { return ints(t.shape) }

// Stride is a copy of the steps, in entries, along each dimension.
func (t *Tensor) Stride() []int { return ints(t.stride) }

func ints(x []int64) []int {
	out := make([]int, len(x))
	for i, v := range x {
		out[i] = int(v)
	}
	return out
}

// Len is the number of entries.
func (t *Tensor) Len() int {
	n := 1
	for _, s := range t.shape {
		n *= int(s)
	}
	return n
}

// check refuses a view that reaches beyond its storage, or has more entries
// than the file, of size bytes, can justify.
func (t *Tensor) check(size int64) error {
	if t.storage.missing {
		return fmt.Errorf("storage %s is missing", t.storage.key)
	}
	if t.count > t.storage.bytes/int64(t.width) {
		return fmt.Errorf("storage %s has %d bytes, %s needed for the %d elements claimed", t.storage.key, t.storage.bytes, product(t.count, int64(t.width)), t.count)
	}
	if t.offset < 0 || t.offset > t.count {
		return fmt.Errorf("offset %d lies beyond the storage of %d elements", t.offset, t.count)
	}
	entries, last := int64(1), t.offset
	for i, n := range t.shape {
		step := t.stride[i]
		switch {
		case n < 0:
			return fmt.Errorf("negative dimension in shape %v", t.shape)
		case step < 0:
			return fmt.Errorf("negative stride in %v", t.stride)
		case n > 0 && entries > size/n:
			return fmt.Errorf("shape %v is too large for the file of %d bytes", t.shape, size)
		}
		entries *= n
		if n > 1 && step > (math.MaxInt64-last)/(n-1) {
			return fmt.Errorf("strides %v reach beyond the storage of %d elements", t.stride, t.count)
		}
		last += max(n-1, 0) * step
	}
	if entries > 0 && last >= t.count {
		return fmt.Errorf("strides %v reach beyond the storage: element %d of %d", t.stride, last, t.count)
	}
	return nil
}

// product is a·b in decimal, or a word where it is too large.
func product(a, b int64) string {
	if a > math.MaxInt64/b {
		return "over 2^63"
	}
	return fmt.Sprint(a * b)
}

// Float32 reads all entries, row-major, as float32.
func (t *Tensor) Float32() ([]float32, error) {
	out := kernel.Floats(t.Len())
	return out, t.ReadFloat32(out, 0)
}

// Int64 reads all entries, row-major, of a tensor of integers or bools.
func (t *Tensor) Int64() ([]int64, error) {
	kind := dtype.Named(t.Dtype)
	if !kind.IsInt() {
		return nil, t.wrap(fmt.Errorf("it is %s, wants integers", t.Dtype))
	}
	out := make([]int64, t.Len())
	return out, t.each(0, t.Len(), func(b []byte, at, step int) error {
		for i := range len(b) / t.width {
			out[at+i*step] = kind.Integer(b, i)
		}
		return nil
	})
}

// ReadFloat32 fills dst with the entries from the given one of the first
// dimension on; len(dst) is a multiple of the entries that one holds. Only what
// is asked for is read.
func (t *Tensor) ReadFloat32(dst []float32, first int) error {
	inner := 1
	for _, n := range t.shape[min(1, len(t.shape)):] {
		inner *= int(n)
	}
	if inner == 0 || len(dst) == 0 {
		return nil
	}
	outer := t.Len() / inner
	if len(dst)%inner != 0 || first < 0 || first+len(dst)/inner > outer {
		return t.wrap(fmt.Errorf("shape %v has no %d entries from %d on", t.shape, len(dst), first*inner))
	}
	kind, scratch := dtype.Named(t.Dtype), []float32{}
	return t.each(first, first+len(dst)/inner, func(b []byte, at, step int) error {
		n := len(b) / t.width
		if step == 1 {
			kind.Floats(dst[at:at+n], b)
			return nil
		}
		scratch = reuse.Slice(scratch, n)
		kind.Floats(scratch, b)
		for i, v := range scratch {
			dst[at+i*step] = v
		}
		return nil
	})
}

// Data gives the numbers of the storage as they lie in the file, little-endian,
// and the entry of it that the tensor begins with. Its checksum is compared.
func (t *Tensor) Data() (r *io.SectionReader, first int64, err error) {
	if err := t.storage.verify(); err != nil {
		return nil, 0, t.wrap(err)
	}
	return t.storage.r, t.offset, nil
}
