package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
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
	if size < 8 {
		return nil, fmt.Errorf("not a safetensors file: it has %d bytes, the header length alone needs 8", size)
	}
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, fmt.Errorf("not a safetensors file, or cut short: the header is said to have %d bytes, the file has %d", n, size)
	}
	header := make([]byte, n)
	_, err := r.ReadAt(header, 8)
	return header, err
}

// An entry is a tensor as the header states it.
type entry struct {
	Dtype   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// parse reads the header token by token, because a JSON map would drop one of
// two tensors of the same name.
func (f *File) parse(header []byte) error {
	dec := json.NewDecoder(bytes.NewReader(header))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("the header is not a JSON object; the file is damaged or not safetensors")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("the header is not valid JSON: %w", err)
		}
		if err := f.parseEntry(dec, key.(string)); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("the header is not valid JSON: %w", err)
	}
	return f.checkOverlap()
}

func (f *File) parseEntry(dec *json.Decoder, name string) error {
	if name == "__metadata__" {
		if err := dec.Decode(&f.meta); err != nil {
			return fmt.Errorf("__metadata__ is not an object of strings: %w", err)
		}
		return nil
	}
	if _, twice := f.tensors[name]; twice {
		return fmt.Errorf("tensor %q is listed twice", name)
	}
	var e entry
	if err := dec.Decode(&e); err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	info, err := e.info(f.begin, f.size)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	f.tensors[name] = info
	return nil
}

func (e entry) info(base, dataBytes int64) (Info, error) {
	width, ok := widths()[e.Dtype]
	if !ok {
		return Info{}, fmt.Errorf("type %q is not supported", e.Dtype)
	}
	want := width
	info := Info{Dtype: e.Dtype, start: base + e.Offsets[0], bytes: e.Offsets[1] - e.Offsets[0]}
	for _, s := range e.Shape {
		if s < 0 || (s > 0 && want > dataBytes/s) {
			return Info{}, fmt.Errorf("shape %v does not fit a file with %d bytes of data", e.Shape, dataBytes)
		}
		want *= s
		info.Shape = append(info.Shape, int(s))
	}
	if e.Offsets[0] < 0 || e.Offsets[1] > dataBytes || info.bytes != want {
		return Info{}, fmt.Errorf("offsets %v do not hold %s %v within %d bytes of data; the file is damaged or cut short", e.Offsets, e.Dtype, e.Shape, dataBytes)
	}
	return info, nil
}

func (f *File) checkOverlap() error {
	names := f.Names()
	slices.SortFunc(names, func(a, b string) int {
		return int(min(1, max(-1, f.tensors[a].start-f.tensors[b].start)))
	})
	for i := 1; i < len(names); i++ {
		a, b := f.tensors[names[i-1]], f.tensors[names[i]]
		if a.start+a.bytes > b.start && b.bytes > 0 {
			return fmt.Errorf("tensors %q and %q overlap", names[i-1], names[i])
		}
	}
	return nil
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
		return Info{}, nil, fmt.Errorf("%s: has no tensor %q; it has %q", f.name, name, f.Names())
	}
	b := make([]byte, i.bytes)
	if _, err := f.r.ReadAt(b, i.start); err != nil && i.bytes > 0 {
		return i, nil, fmt.Errorf("%s: tensor %q: %w", f.name, name, err)
	}
	return i, b, nil
}

// CopyData writes all data behind the header to w, for checksums.
func (f *File) CopyData(w io.Writer) error {
	_, err := io.Copy(w, io.NewSectionReader(f.r, f.begin, f.size))
	return err
}
