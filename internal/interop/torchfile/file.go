package torchfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// A File is an open file of tensors. Its methods may be called at once from
// several goroutines.
type File struct {
	name    string
	close   func() error
	tensors []*Tensor
	others  []Other
}

// An Other is an entry of the top level that is no tensor: Value is nil, bool,
// int64, float64 or string, and Kind says what it was.
type Other struct {
	Name  string
	Kind  string
	Value any
}

// Open opens a file; Close closes it.
func Open(path string) (*File, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := r.Stat()
	if err == nil && st.IsDir() {
		err = fmt.Errorf("%s is a folder; give the file", path)
	}
	if err == nil {
		var f *File
		if f, err = New(path, r, st.Size()); err == nil {
			f.close = r.Close
			return f, nil
		}
	}
	r.Close()
	return nil, err
}

// New reads the description of the tensors in size bytes of r; name is for
// messages. No numbers are read yet.
func New(name string, r io.ReaderAt, size int64) (*File, error) {
	f := &File{name: name}
	object, err := openObject(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := f.take(object, size); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// openObject gives the object of a file, whose tensors know where their numbers
// are.
func openObject(r io.ReaderAt, size int64) (any, error) {
	var magic [4]byte
	if size == 0 {
		return nil, errors.New("the file is empty")
	}
	if _, err := r.ReadAt(magic[:], 0); err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic[:], []byte("PK")):
		return openZip(r, size)
	case magic[0] == opProto && magic[1] <= 5:
		return openLegacy(r, size)
	}
	return nil, errors.New("not a torch file: it starts neither as a zip archive nor as a pickle of protocol 2 or later")
}

// take lists the tensors of the object: itself, or the entries of a dictionary,
// list or tuple. Deeper ones are not walked: an object may hold another many
// times over.
func (f *File) take(object any, size int64) error {
	switch o := object.(type) {
	case *Tensor:
		f.tensors = append(f.tensors, o)
	case *dict:
		for i, k := range o.keys {
			name, ok := k.(string)
			if !ok {
				name = fmt.Sprint(k)
			}
			f.add(name, o.values[i])
		}
	case *list:
		f.addAll(o.items)
	case tuple:
		f.addAll(o)
	}
	if len(f.tensors) == 0 {
		return fmt.Errorf("holds no tensors: its object is %s, wants a tensor or a dictionary or list of tensors", kindOf(object))
	}
	for _, t := range f.tensors {
		t.file = f.name
		if err := t.check(size); err != nil {
			return fmt.Errorf("%s: %w", t.label(), err)
		}
	}
	return nil
}

func (f *File) addAll(items []any) {
	for i, v := range items {
		f.add(strconv.Itoa(i), v)
	}
}

func (f *File) add(name string, v any) {
	if t, ok := v.(*Tensor); ok {
		named := *t // one tensor may stand under two names
		named.Name = name
		f.tensors = append(f.tensors, &named)
		return
	}
	o := Other{Name: name, Kind: kindOf(v)}
	switch v.(type) {
	case bool, int64, float64, string:
		o.Value = v
	}
	f.others = append(f.others, o)
}

// Close closes a file that Open opened.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Tensors are those of the file in its order. The only one of a file that is a
// tensor itself has the name "", those of a list "0", "1" and so on.
func (f *File) Tensors() []*Tensor { return f.tensors }

// Others are the entries of the top level that are no tensors.
func (f *File) Others() []Other { return f.others }

// Names lists the tensors in the order of the file.
func (f *File) Names() (names []string) {
	for _, t := range f.tensors {
		names = append(names, t.Name)
	}
	return names
}

// Tensor is a tensor by name, nil when there is none.
func (f *File) Tensor(name string) *Tensor {
	for _, t := range f.tensors {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// zipError says in plain words what archive/zip found.
func zipError(err error) error {
	if errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("not a whole zip archive: its directory is missing or damaged; the file may be cut short")
	}
	return err
}
