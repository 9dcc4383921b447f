package convert

import (
	"fmt"

	"github.com/saectl/saectl/internal/dtype"
)

// A tableReader reads a column of a table, record batch by record batch.
type tableReader struct {
	t        *table
	column   int
	kind     dtype.Type
	flat     bool
	declared []int64
	dict     []string
	index    dtype.Type // of the indices into dict; "" where there is no dictionary
	d        int64
	batches  []extent

	at    int   // batch being read
	row   int64 // next table row of it
	nest  *nest
	chunk chunk
}

// An extent is what the ends of a batch's lists tell.
type extent struct{ rows, table int64 }

// A chunk is some table rows of a batch that were walked.
type chunk struct {
	doc   int64 // of the first of them
	rows  reach // where their rows begin
	value int64 // of the first row
	next  int64 // row to read next, from 0
}

func (c *chunk) left() int64 {
	if len(c.rows.starts) == 0 {
		return 0
	}
	return c.rows.last() - c.rows.first() - c.next
}

// open finds how many rows each batch has.
func (r *tableReader) open(where string) (*column, error) {
	c := &column{where: where, kind: r.kind, d: 1, reader: r}
	for i := range r.t.t.Batches() {
		n, err := r.load(i)
		if err != nil {
			return nil, err
		}
		rows, d, err := n.extent()
		if err != nil {
			return nil, err
		}
		r.batches = append(r.batches, extent{rows, n.rows()})
		if r.d == 0 {
			r.d = d
		}
		c.rows += rows
		if n.levels() > 0 && !r.flat {
			c.docs += n.rows()
		}
	}
	c.d = r.d
	if c.rows > 0 && c.d <= 0 {
		return nil, fmt.Errorf("%s: the first row has %d values; a row needs at least one", where, c.d)
	}
	return c, r.seek(0)
}

// load lays out a batch.
func (r *tableReader) load(batch int) (*nest, error) {
	layers, err := r.t.t.Layers(batch, r.column)
	if err != nil {
		return nil, err
	}
	name := r.t.cols[r.column].Name
	n := &nest{where: fmt.Sprintf("%s: record batch %d", r.t.path, batch), name: name, flat: r.flat, d: r.d, declared: r.declared}
	for i := range layers {
		l := &layers[i]
		n.lists = append(n.lists, layer{l.Length, l.Nulls, l.Width, l.OffsetSize, l})
	}
	n.values, n.lists = n.lists[len(n.lists)-1], n.lists[:len(n.lists)-1]
	if r.t.cols[r.column].Elem == "fixed_size_binary" {
		return n, n.halve()
	}
	return n, nil
}

// halve takes binary values of one size as lists of values of two bytes.
func (n *nest) halve() error {
	v := n.values
	if v.width < 2 || v.width%2 != 0 {
		return n.errorf(0, "column %s: binary values of %d bytes are no lists of values of two", n.name, v.width)
	}
	n.lists = append(n.lists, layer{length: v.length, nulls: v.nulls, width: v.width / 2, buffers: v.buffers})
	n.values = layer{length: v.length * (v.width / 2), width: 2, buffers: v.buffers}
	return nil
}

func (r *tableReader) seek(row int64) error {
	r.chunk, r.nest = chunk{}, nil
	doc := int64(0)
	for r.at, r.row = 0, 0; r.at < len(r.batches); r.at++ {
		b := r.batches[r.at]
		if row < b.rows {
			break
		}
		row -= b.rows
		doc += b.table
	}
	r.chunk.doc = doc
	for row > 0 {
		if err := r.advance(); err != nil {
			return err
		}
		n := min(row, r.chunk.left())
		r.chunk.next += n
		row -= n
	}
	return nil
}

// chunkRows is about how many rows of activations are walked at a time.
const chunkRows = 1 << 14

// advance walks the next table rows, in the next batch if this one is done.
func (r *tableReader) advance() (err error) {
	doc := r.chunk.doc + int64(max(len(r.chunk.rows.starts)-1, 0))
	for r.at < len(r.batches) && r.row == r.batches[r.at].table {
		r.at, r.row, r.nest = r.at+1, 0, nil
	}
	if r.at == len(r.batches) {
		return fmt.Errorf("%s: the rows end in the middle; the file changed while it was read", r.t.path)
	}
	if r.nest == nil {
		if r.nest, err = r.load(r.at); err != nil {
			return err
		}
	}
	b := r.batches[r.at]
	hi := min(r.row+max(chunkRows/max(b.rows/b.table, 1), 1), b.table)
	r.chunk = chunk{doc: doc}
	r.chunk.rows, r.chunk.value, err = r.nest.walk(r.row, hi)
	r.row = hi
	return err
}

func (r *tableReader) read(dst *rows, n int64) error {
	dst.reset()
	for n > 0 {
		if r.chunk.left() == 0 {
			if err := r.advance(); err != nil {
				return err
			}
			continue
		}
		m := min(n, r.chunk.left())
		if err := r.copy(dst, m); err != nil {
			return err
		}
		if r.nest.levels() > 0 && !r.flat {
			r.chunk.place(dst, m)
		}
		r.chunk.next += m
		n -= m
	}
	return nil
}

// place says where the next n rows lie in documents, which are table rows.
func (c *chunk) place(dst *rows, n int64) {
	at := c.rows.first() + c.next
	for n > 0 {
		i := c.rows.owner(at, 0)
		from := at - c.rows.starts[i]
		m := min(n, c.rows.starts[i+1]-at)
		dst.place(c.doc+i, from, m)
		at, n = at+m, n-m
	}
}

// copy adds the values of the next n rows.
func (r *tableReader) copy(dst *rows, n int64) error {
	v := &r.nest.values
	from := r.chunk.value + r.chunk.next*r.d
	to := from + n*r.d
	if r.kind == text {
		return r.texts(dst, from, to)
	}
	if to > v.length {
		return fmt.Errorf("%s: column %s: values %d to %d of %d; the file is damaged", r.nest.where, r.nest.name, from, to, v.length)
	}
	size := r.kind.Size()
	into := dst.extend((to - from) * size)
	raw, err := v.Values(into, from*size, to*size)
	if err == nil && len(raw) > 0 && &raw[0] != &into[0] {
		copy(into, raw)
	}
	return err
}

func (r *tableReader) Close() error { return nil } // the table's file is closed with it
