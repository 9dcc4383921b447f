package convert

import (
	"fmt"
	"slices"

	"github.com/saectl/saectl/internal/dtype"
)

// An Npz is an open npz file, for readers that want whole arrays by name.
type Npz struct{ c *arrays }

// OpenNpz opens an npz file by the headers of its members.
func OpenNpz(path string) (*Npz, error) {
	c, err := openFile(path)
	if err != nil {
		return nil, err
	}
	a, ok := c.(*arrays)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("%s: this is no npz file", path)
	}
	return &Npz{a}, nil
}

// Close closes the file.
func (z *Npz) Close() error { return z.c.Close() }

// Names lists the arrays in the order of the file.
func (z *Npz) Names() []string { return slices.Clone(z.c.names) }

// Info is the type of an array's numbers, as safetensors names it, and its
// shape.
func (z *Npz) Info(name string) (kind string, shape []int, ok bool) {
	i := slices.Index(z.c.names, name)
	if i < 0 || z.c.list[i] == nil {
		return "", nil, false
	}
	a := z.c.list[i]
	for _, n := range a.shape {
		shape = append(shape, int(n))
	}
	names := map[dtype.Type]string{dtype.F16: "F16", dtype.F32: "F32", dtype.F64: "F64", "int8": "I8", "uint8": "U8", "int16": "I16", "int32": "I32", "int64": "I64", dtype.Bool: "BOOL"}
	return names[a.kind], shape, true
}

// npzRows is how many values are read at a time.
const npzRows = 1 << 16

// Float32 reads all numbers of an array, row-major.
func (z *Npz) Float32(name string) ([]float32, error) {
	col, err := z.c.open(name, true)
	if err != nil {
		return nil, err
	}
	defer col.Close()
	var r rows
	out := make([]float32, 0, min(col.rows, z.c.size)) // the size of the file bounds it but for compression
	for left := col.rows; left > 0; {
		n := min(left, npzRows)
		if err := col.read(&r, n); err != nil {
			return nil, err
		}
		at := len(out)
		out = append(out, make([]float32, n)...)
		col.kind.Floats(out[at:], r.raw)
		left -= n
	}
	return out, nil
}
