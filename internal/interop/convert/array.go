package convert

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"github.com/saectl/saectl/internal/dtype"
)

// An array is numbers of one type in a file, of a shape that is known.
type array struct {
	where     string
	kind      dtype.Type
	shape     []int64
	strides   []int64 // in values; nil for row-major
	bigEndian bool

	at     io.ReaderAt                   // where values may be read anywhere,
	data   func() (io.ReaderAt, error)   // or what gives it once they are asked for,
	stream func() (io.ReadCloser, error) // or gives them from the first one on
}

// count is how many values a shape has, of size bytes each. It is an error if
// they do not fit what a file can hold.
func count(shape []int64, size int64) (int64, error) {
	n := uint64(1)
	for _, s := range shape {
		if s < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension; the file is damaged", clip(shape))
		}
		hi, lo := bits.Mul64(n, uint64(s))
		if hi != 0 || lo > math.MaxInt64/8 {
			return 0, fmt.Errorf("shape %v overflows: no file holds so many values of %d bytes", clip(shape), size)
		}
		n = lo
	}
	return int64(n), nil
}

// clip shortens a shape for a message.
func clip(shape []int64) string {
	if len(shape) <= 8 {
		return fmt.Sprint(shape)
	}
	return fmt.Sprintf("%v and %d more", shape[:8], len(shape)-8)
}

// column takes an array of shape [d], [N,d] or [docs,ctx,d] as rows of
// activations; flat takes any shape as a list of single values.
func (a *array) column(flat bool) (*column, error) {
	n, err := count(a.shape, a.kind.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.where, err)
	}
	c := &column{where: a.where, kind: a.kind, d: 1, rows: n}
	if !flat {
		if len(a.shape) < 1 || len(a.shape) > 3 {
			return nil, fmt.Errorf("%s: it has the shape %s; activations have the shape [d], [N,d] or [docs,ctx,d]: reshape it", a.where, clip(a.shape))
		}
		if c.d = a.shape[len(a.shape)-1]; c.d == 0 {
			return nil, fmt.Errorf("%s: it has the shape %s; a row needs at least one value", a.where, clip(a.shape))
		}
		c.rows = n / c.d
	}
	r := &arrayReader{array: a, d: c.d}
	if !flat && len(a.shape) == 3 {
		c.docs, r.ctx = a.shape[0], a.shape[1]
		if r.ctx == 0 {
			c.docs = 0
		}
	}
	c.reader = r
	return c, r.seek(0)
}

// An arrayReader reads an array in row-major order, whatever it is stored in.
type arrayReader struct {
	*array
	d, ctx int64 // values of a row; rows of a document, 0 without any
	row    int64
	in     io.ReadCloser // of a stream
	view   *view         // of other strides than row-major ones
}

func (r *arrayReader) seek(row int64) (err error) {
	r.row = row
	if r.data != nil && r.at == nil {
		if r.at, err = r.data(); err != nil {
			return err
		}
	}
	if r.at == nil {
		return r.rewind(row)
	}
	if r.strides != nil && !rowMajor(r.shape, r.strides) && r.view == nil {
		r.view = newView(r.array)
	}
	return nil
}

// rewind opens a stream again and passes over the rows before row.
func (r *arrayReader) rewind(row int64) (err error) {
	if r.in != nil {
		r.in.Close()
	}
	if r.in, err = r.stream(); err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, r.in, row*r.d*r.kind.Size())
	return r.explain(err)
}

func (r *arrayReader) read(dst *rows, n int64) error {
	dst.reset()
	size := r.kind.Size()
	raw := dst.extend(n * r.d * size)
	var err error
	switch {
	case r.at == nil:
		_, err = io.ReadFull(r.in, raw)
	case r.view != nil:
		err = r.view.read(raw, r.row*r.d)
	default:
		if m, e := r.at.ReadAt(raw, r.row*r.d*size); m < len(raw) {
			err = short(e)
		}
	}
	if err != nil {
		return r.explain(err)
	}
	if r.bigEndian {
		swap(r.kind, raw)
	}
	if r.ctx > 0 {
		dst.window(r.row, n, r.ctx)
	}
	r.row += n
	return r.end()
}

// end checks that a stream ends with the last row: an archive says only then
// that its checksum is right.
func (r *arrayReader) end() error {
	if all, _ := count(r.shape, 1); r.in == nil || r.row*r.d < all {
		return nil
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r.in, 1))
	if err == nil && n > 0 {
		err = errors.New("there is more than the shape needs; the file is damaged")
	}
	return r.explain(err)
}

func (r *arrayReader) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the data end in the middle; the file is damaged or cut short", r.where)
	}
	return fmt.Errorf("%s: %w", r.where, err)
}

func (r *arrayReader) Close() error {
	if r.in == nil {
		return nil
	}
	return r.in.Close()
}

// rowMajor reports whether values in order lie side by side.
func rowMajor(shape, strides []int64) bool {
	want := int64(1)
	for k, s := range slices.Backward(shape) {
		if s != 1 && strides[k] != want {
			return false
		}
		want *= s
	}
	return true
}
