package convert

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/saectl/saectl/internal/dtype"
	"github.com/saectl/saectl/internal/interop/torchfile"
)

// openTorch opens a file of torch.save: a tensor, or a dictionary or list of
// them.
func openTorch(f source) (container, error) {
	t, err := torchfile.New(f.path, f, f.size)
	if err != nil {
		return nil, err
	}
	c := &torch{arrays: arrays{source: f}}
	for i, x := range t.Tensors() {
		a, err := tensorArray(x, dtype.Named(x.Dtype))
		c.add(x.Name, a, err)
		c.isList = x.Name == strconv.Itoa(i) && (i == 0 || c.isList && c.fits(i))
	}
	return c, nil
}

func tensorArray(x *torchfile.Tensor, kind dtype.Type) (*array, error) {
	if kind == "" {
		return nil, fmt.Errorf("values of type %s are not read", x.Dtype)
	}
	a := &array{kind: kind}
	last := int64(0)
	stride := x.Stride()
	for k, n := range x.Shape() {
		a.shape, a.strides = append(a.shape, int64(n)), append(a.strides, int64(stride[k]))
		last += int64(max(n-1, 0)) * a.strides[k]
	}
	if slices.Contains(a.shape, 0) {
		a.strides, last = nil, -1
	}
	a.data = func() (io.ReaderAt, error) {
		data, first, err := x.Data()
		if err != nil {
			return nil, err
		}
		return io.NewSectionReader(data, first*kind.Size(), (last+1)*kind.Size()), nil
	}
	return a, nil
}

// A torch is a torch file. A list of tensors of one width is one array, cut in
// pieces.
type torch struct {
	arrays
	isList bool
}

// fits reports whether tensor i continues the first.
func (c *torch) fits(i int) bool {
	a, b := c.list[0], c.list[i]
	return a != nil && b != nil && a.kind == b.kind && len(a.shape) == len(b.shape) && len(a.shape) > 1 && a.shape[len(a.shape)-1] == b.shape[len(b.shape)-1]
}

func (c *torch) entries() []entry {
	if !c.isList {
		return c.arrays.entries()
	}
	a := c.list[0]
	return []entry{{kind: a.kind, dims: len(a.shape), desc: fmt.Sprintf("a list of %d tensors of %s %v", len(c.list), a.kind, a.shape)}}
}

func (c *torch) open(name string, flat bool) (*column, error) {
	if !c.isList || name != "" {
		return c.arrays.open(name, flat)
	}
	var parts []*column
	for _, n := range c.names {
		p, err := c.arrays.open(n, flat)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return join(parts)
}
