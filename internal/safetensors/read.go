package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/saectl/saectl/internal/dtype"
)

// maxHeader is the format's own limit on the header.
const maxHeader = 100_000_000

// Info describes a stored tensor.
type Info struct {
	Dtype string // F32, F16, BF16, F64, I64, I32, I16, I8, U8, BOOL
	Shape []int
	start int64 // in the file
	bytes int64
}

func (i Info) kind() dtype.Type { return dtype.Named(i.Dtype) }

// Len is the number of entries.
func (i Info) Len() int {
	n := 1
	for _, s := range i.Shape {
		n *= s
	}
	return n
}

// A File is an open safetensors file. Its methods may be called at once from
// several goroutines.
type File struct {
	name    string
	r       io.ReaderAt
	close   func() error
	begin   int64 // of the data
	size    int64 // of the data
	tensors map[string]Info
	meta    map[string]string
}

// Open opens a file; Close closes it.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	file, err := New(path, f, st.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	file.close = f.Close
	return file, nil
}

// New reads the header of size bytes of r; name is for messages.
func New(name string, r io.ReaderAt, size int64) (*File, error) {
	f := &File{name: name, r: r, tensors: map[string]Info{}}
	header, err := readHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.begin = 8 + int64(len(header))
	f.size = size - f.begin
	if err := f.parse(header); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

func readHeader(r io.ReaderAt, size int64) ([]byte, error) {
	var length [8]byte
	if size == 0 {
		return nil, errors.New("the file is empty")
	}
	if size < 8 {
		return nil, fmt.Errorf("not a safetensors file: it is too short, %d bytes; the header length alone needs 8", size)
	}
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, fmt.Errorf("not a safetensors file, or cut short: the header length is out of range, it is said to have %d bytes and the file has %d", n, size)
	}
	header := make([]byte, n)
	_, err := r.ReadAt(header, 8)
	return header, err
}

// Close closes a file that Open opened.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Names lists the tensors in alphabetical order.
func (f *File) Names() []string {
	names := make([]string, 0, len(f.tensors))
	for n := range f.tensors {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Metadata is the file's own strings, owned by f; nil when it has none.
func (f *File) Metadata() map[string]string { return f.meta }

// Info describes a tensor, and whether the file has it.
func (f *File) Info(name string) (Info, bool) {
	i, ok := f.tensors[name]
	return i, ok
}

// Bytes reads a tensor as it is stored.
func (f *File) Bytes(name string) (Info, []byte, error) {
	i, ok := f.tensors[name]
	if !ok {
		return Info{}, nil, f.lacks(name)
	}
	b := make([]byte, i.bytes)
	if _, err := f.r.ReadAt(b, i.start); err != nil && i.bytes > 0 {
		return i, nil, fmt.Errorf("%s: tensor %q: %w", f.name, name, err)
	}
	return i, b, nil
}

func (f *File) lacks(name string) error {
	return fmt.Errorf("%s: has no tensor %q; it has %q", f.name, name, f.Names())
}

// CopyData writes all data behind the header to w, for checksums.
func (f *File) CopyData(w io.Writer) error {
	_, err := io.Copy(w, io.NewSectionReader(f.r, f.begin, f.size))
	return err
}

// Section describes a tensor that the file has and gives its bytes as they are
// stored, to be read in pieces.
func (f *File) Section(name string) (Info, *io.SectionReader) {
	i := f.tensors[name]
	return i, io.NewSectionReader(f.r, i.start, i.bytes)
}
