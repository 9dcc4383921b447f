package convert

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/saectl/saectl/internal/dtype"
	"github.com/saectl/saectl/internal/safetensors"
)

// arrays is a container of arrays by name.
type arrays struct {
	source
	names []string
	list  []*array // one for each name, or nil
	why   []error  // why it is nil
}

func (c *arrays) add(name string, a *array, err error) {
	if a != nil {
		a.where = c.path
		if name != "" {
			a.where += ": " + name
		}
	}
	if err != nil {
		a = nil
	}
	c.names, c.list, c.why = append(c.names, name), append(c.list, a), append(c.why, err)
}

func (c *arrays) entries() []entry {
	list := make([]entry, len(c.names))
	for i, a := range c.list {
		list[i].name = c.names[i]
		if a == nil {
			list[i].desc = "not read"
			continue
		}
		list[i] = entry{name: c.names[i], kind: a.kind, dims: len(a.shape), array: true, desc: fmt.Sprintf("%s %v", a.kind, a.shape)}
	}
	return list
}

func (c *arrays) open(name string, flat bool) (*column, error) {
	for i, n := range c.names {
		if n == name {
			if c.list[i] == nil {
				return nil, fmt.Errorf("%s: %s: %w", c.path, name, c.why[i])
			}
			return c.list[i].column(flat)
		}
	}
	return nil, fmt.Errorf("%s: there is no %q; it has %s", c.path, name, clipNames(c.names))
}

// openNpy opens an npy file, whose one array has no name.
func openNpy(f source) (container, error) {
	a, head, err := npyHeader(io.NewSectionReader(f, 0, f.size), f.size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	a.at = io.NewSectionReader(f, head, f.size-head)
	c := &arrays{source: f}
	c.add("", a, nil)
	return c, nil
}

// openTensors opens a safetensors file.
func openTensors(f source) (container, error) {
	s, err := safetensors.New(f.path, f, f.size)
	if err != nil {
		return nil, err
	}
	c := &arrays{source: f}
	for _, name := range s.Names() {
		info, data := s.Section(name)
		a := &array{kind: dtype.Named(info.Dtype), at: data}
		for _, n := range info.Shape {
			a.shape = append(a.shape, int64(n))
		}
		if a.kind == "" {
			c.add(name, nil, fmt.Errorf("values of type %s are not read", info.Dtype))
			continue
		}
		c.add(name, a, nil)
	}
	return c, nil
}

// maxExpansion is how many times its size a compressed member may have when
// unpacked: activations do not pack so well, what was made to fill a disk does.
const maxExpansion = 100

// openNpz opens an npz file: a zip of npy members.
func openNpz(f source) (container, error) {
	z, err := zip.NewReader(f, f.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%s: it is not a whole zip archive (%v); copy it again or write it again", f.path, err)
	}
	c := &arrays{source: f}
	seen := map[string]bool{}
	for _, m := range z.File {
		switch {
		case seen[m.Name]:
			return nil, fmt.Errorf("%s: the member %.80q is there twice; write the archive again", f.path, m.Name)
		case !fs.ValidPath(m.Name) || strings.Contains(m.Name, `\`):
			return nil, fmt.Errorf("%s: the member %.80q has a name that leaves the archive; write the archive again", f.path, m.Name)
		}
		seen[m.Name] = true
		name, ok := strings.CutSuffix(m.Name, ".npy")
		if !ok {
			continue
		}
		a, err := npzMember(f, m)
		if err != nil && a == nil {
			return nil, fmt.Errorf("%s: member %.80s: %w", f.path, m.Name, err)
		}
		c.add(name, a, nil)
	}
	if len(c.list) == 0 {
		return nil, fmt.Errorf("%s: there are no arrays inside: no member ends in .npy", f.path)
	}
	return c, nil
}

// npzMember reads the header of a member.
func npzMember(f source, m *zip.File) (*array, error) {
	size := m.UncompressedSize64
	if size > uint64(f.size)*maxExpansion || m.CompressedSize64 > uint64(f.size) || size > m.CompressedSize64*maxExpansion+4096 {
		return nil, fmt.Errorf("%d bytes are said to expand to %d, more than %d times as many; unpack it if you trust it", m.CompressedSize64, size, maxExpansion)
	}
	in, err := m.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	a, head, err := npyHeader(in, int64(size))
	if err != nil {
		return nil, err
	}
	a.stream = func() (io.ReadCloser, error) {
		in, err := m.Open()
		if err == nil {
			_, err = io.CopyN(io.Discard, in, head)
		}
		return in, err
	}
	if m.Method == zip.Store && a.strides != nil { // others are read as a stream, which checks them
		off, err := m.DataOffset()
		if err != nil || off < 0 || off > f.size-int64(size) {
			return nil, fmt.Errorf("its data do not lie in the archive (%v); the file is damaged", err)
		}
		a.at = io.NewSectionReader(f, off+head, int64(size)-head)
	}
	return a, a.unpackable()
}

// unpackable refuses an array that would have to be held in memory: values in
// another order than the rows', behind a compression that has no places.
func (a *array) unpackable() error {
	if a.at == nil && a.strides != nil && !rowMajor(a.shape, a.strides) {
		return errors.New("it is compressed and in Fortran's order, which cannot be read row by row; save it with numpy.savez or in C order")
	}
	return nil
}
