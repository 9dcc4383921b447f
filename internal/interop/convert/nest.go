package convert

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A layer is one level of a column in a record batch: lists, or what the
// innermost of them hold.
type layer struct {
	length int64 // entries
	nulls  int64
	width  int64 // entries of a list of fixed size, else 0
	offset int64 // bytes of an offset of lists, or texts, that differ; else 0
	buffers
}

// buffers gives parts of a layer's buffers, in dst or in memory of their own.
type buffers interface {
	Offsets(dst []byte, from, to int64) ([]byte, error) // of entries [from,to], one more than lists
	Valid(dst []byte, from, to int64) ([]byte, error)   // bytes of the bitmap of entries that are not null
	Values(dst []byte, from, to int64) ([]byte, error)  // bytes of innermost values
}

// A nest is a column in one record batch: lists in lists, and the values of the
// innermost. Row numbers in its errors count from the start of the batch.
type nest struct {
	where    string // file, record batch, column
	name     string // of the column
	lists    []layer
	values   layer
	d        int64   // values of a row; 0 until the first row has told
	flat     bool    // every value is a row of its own
	declared []int64 // lengths of the lists that the file promises; nil where it does not
	scratch  []byte
}

func (n *nest) rows() int64 {
	if len(n.lists) == 0 {
		return n.values.length
	}
	return n.lists[0].length
}

func (n *nest) errorf(row int64, format string, args ...any) error {
	return fmt.Errorf("%s, row %d: %w", n.where, row, fmt.Errorf(format, args...))
}

// levels are the levels of lists above a row.
func (n *nest) levels() int {
	if n.flat {
		return len(n.lists)
	}
	return max(len(n.lists)-1, 0)
}

// A reach is where entries lie at some level: entry i at [starts[i],starts[i+1]).
type reach struct{ starts []int64 }

func (r reach) first() int64 { return r.starts[0] }
func (r reach) last() int64  { return r.starts[len(r.starts)-1] }

// walk follows table rows [lo,hi) down to the rows of activations: where each
// one's begin, and the first value of all of them. Every length is checked.
func (n *nest) walk(lo, hi int64) (rows reach, value int64, err error) {
	for r := lo; r <= hi; r++ {
		rows.starts = append(rows.starts, r)
	}
	for k := range n.levels() {
		below, err := n.down(k, rows, lo)
		if err != nil {
			return rows, 0, err
		}
		first := rows.first()
		for i, s := range rows.starts {
			rows.starts[i] = below.starts[s-first]
		}
	}
	if n.flat || len(n.lists) == 0 {
		return rows, rows.first(), n.noNulls(&n.values, rows.first(), rows.last(), rows, lo)
	}
	inner, err := n.down(len(n.lists)-1, rows, lo)
	if err != nil {
		return rows, 0, err
	}
	if err := n.even(inner, rows, lo); err != nil {
		return rows, 0, err
	}
	return rows, inner.first(), n.noNulls(&n.values, inner.first(), inner.last(), reach{n.outer(inner, rows)}, lo)
}

// outer gives where the values of each table row begin.
func (n *nest) outer(inner, rows reach) []int64 {
	starts := make([]int64, len(rows.starts))
	for i, s := range rows.starts {
		starts[i] = inner.starts[s-rows.first()]
	}
	return starts
}

// even asks the innermost lists to have one length.
func (n *nest) even(inner, rows reach, lo int64) error {
	for i := range len(inner.starts) - 1 {
		got := inner.starts[i+1] - inner.starts[i]
		if n.d == 0 {
			n.d = got
		}
		if got != n.d || got == 0 {
			row := rows.owner(rows.first()+int64(i), lo)
			if got == 0 {
				return n.errorf(row, "column %s has no values; a row needs at least one", n.name)
			}
			return n.errorf(row, "column %s has %d values, the first row has %d; every row of a dump has the same", n.name, got, n.d)
		}
	}
	return nil
}

// owner is the table row, numbered from lo, that an entry belongs to.
func (r reach) owner(entry, lo int64) int64 {
	i, _ := slices.BinarySearch(r.starts, entry+1)
	return lo + int64(i-1)
}

// down gives where the entries of level k below those of above begin.
func (n *nest) down(k int, above reach, lo int64) (reach, error) {
	l, below := &n.lists[k], n.values.length
	if k+1 < len(n.lists) {
		below = n.lists[k+1].length
	}
	from, to := above.first(), above.last()
	if err := n.noNulls(l, from, to, above, lo); err != nil {
		return reach{}, err
	}
	r := reach{make([]int64, to-from+1)}
	if l.offset == 0 {
		if to > below/l.width {
			return r, n.errorf(lo, "column %s: %d lists of %d values do not fit the %d values that are there; the file is damaged", n.name, to, l.width, below)
		}
		for i := range r.starts {
			r.starts[i] = (from + int64(i)) * l.width
		}
	} else if err := n.offsets(l, from, to, r.starts); err != nil {
		return r, err
	}
	for i := range r.starts {
		s := r.starts[i]
		row := func() int64 { return above.owner(from+int64(max(i-1, 0)), lo) }
		switch {
		case s < 0:
			return r, n.errorf(row(), "column %s: a list begins at value %d: a negative offset; the file is damaged", n.name, s)
		case i > 0 && s < r.starts[i-1]:
			return r, n.errorf(row(), "column %s: the list offsets decrease from %d to %d; the file is damaged", n.name, r.starts[i-1], s)
		case s > below:
			return r, n.errorf(row(), "column %s: a list ends at value %d, beyond the %d values that are there; the file is damaged", n.name, s, below)
		case i > 0 && k < len(n.declared) && s-r.starts[i-1] != n.declared[k]:
			return r, n.errorf(row(), "column %s: %d values where %d are declared; the data set contradicts itself", n.name, s-r.starts[i-1], n.declared[k])
		}
	}
	return r, nil
}

// offsets reads the offsets of entries from to to.
func (n *nest) offsets(l *layer, from, to int64, dst []int64) error {
	raw, err := l.Offsets(n.scratch, from, to)
	if err != nil {
		return fmt.Errorf("%s: %w", n.where, err)
	}
	n.scratch = raw
	for i := range dst {
		if l.offset == 8 {
			dst[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		} else {
			dst[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	}
	return nil
}

// noNulls looks for a null among entries [from,to) of a layer; owners says
// which table row an entry belongs to.
func (n *nest) noNulls(l *layer, from, to int64, owners reach, lo int64) error {
	if l.nulls == 0 || from == to {
		return nil
	}
	bits, err := l.Valid(nil, from/8, (to+7)/8)
	if err != nil {
		return fmt.Errorf("%s: %w", n.where, err)
	}
	for i := from; i < to; i++ {
		if bits[i/8-from/8]>>(i%8)&1 != 0 {
			continue
		}
		row := owners.owner(i, lo)
		if l == &n.values && len(n.lists) > 0 {
			return n.errorf(row, "value %d of column %s is null; a dump has no nulls: leave the row out or fill it", (i-from)%max(n.d, 1), n.name)
		}
		return n.errorf(row, "column %s is null; a dump has no nulls: leave the row out or fill it", n.name)
	}
	return nil
}

// extent finds how many rows of activations lie below table rows [0,rows) by
// the ends of the lists alone, and the length of the first one.
func (n *nest) extent() (rows, d int64, err error) {
	lo, hi := int64(0), n.rows()
	for k := range n.lists {
		if k == n.levels() {
			rows, d = hi-lo, n.lists[k].width
			if l := &n.lists[k]; l.offset != 0 && rows > 0 {
				var pair [2]int64
				if err := n.offsets(l, lo, lo+1, pair[:]); err != nil {
					return 0, 0, err
				}
				d = pair[1] - pair[0]
			}
		}
		if lo, hi, err = n.ends(k, lo, hi); err != nil {
			return 0, 0, err
		}
	}
	if n.levels() == len(n.lists) {
		return hi - lo, 1, nil
	}
	return rows, d, nil
}

// ends are the first entry below entries [lo,hi) of level k, and the end of the
// last.
func (n *nest) ends(k int, lo, hi int64) (from, to int64, err error) {
	l, below := &n.lists[k], n.values.length
	if k+1 < len(n.lists) {
		below = n.lists[k+1].length
	}
	switch {
	case l.offset == 0 && hi > below/l.width:
		return 0, 0, n.errorf(0, "column %s: %d lists of %d values do not fit the %d values that are there; the file is damaged", n.name, hi, l.width, below)
	case l.offset == 0:
		return lo * l.width, hi * l.width, nil
	case l.length == 0:
		return 0, 0, nil
	}
	var a, b [1]int64
	if err := n.offsets(l, lo, lo, a[:]); err != nil {
		return 0, 0, err
	}
	if err := n.offsets(l, hi, hi, b[:]); err != nil {
		return 0, 0, err
	}
	if a[0] < 0 {
		return 0, 0, n.errorf(lo, "column %s: a list begins at value %d: a negative offset; the file is damaged", n.name, a[0])
	}
	if b[0] > below {
		return 0, 0, n.errorf(hi-1, "column %s: a list ends at value %d, beyond the %d values that are there; the file is damaged", n.name, b[0], below)
	}
	if b[0] < a[0] {
		return 0, 0, n.errorf(hi-1, "column %s: the list offsets decrease from %d to %d; the file is damaged", n.name, a[0], b[0])
	}
	return a[0], b[0], nil
}
