package convert

import (
	"fmt"
	"io"

	"github.com/saectl/saectl/internal/dtype"
)

// A column is what one column, array or tensor of a file holds, in the order
// of its rows.
type column struct {
	where string // the file and the column, for messages
	kind  dtype.Type
	d     int64 // values of a row
	rows  int64
	docs  int64 // documents that the rows lie in, where the file says; else 0
	reader
}

// A reader reads a column from beginning to end.
type reader interface {
	// seek makes row the next to be read.
	seek(row int64) error
	// read fills r with the next n rows, all of which the column has.
	read(r *rows, n int64) error
	io.Closer
}

// rows are consecutive rows of a column. Its slices are reused.
type rows struct {
	raw  []byte   // [n,d] values, little-endian
	text []string // [n] in place of raw
	doc  []int64  // [n] document, of a column that has documents
	pos  []int32  // [n] position in it
}

func (r *rows) reset() {
	r.raw, r.text, r.doc, r.pos = r.raw[:0], r.text[:0], r.doc[:0], r.pos[:0]
}

// extend makes room for n more bytes and returns it.
func (r *rows) extend(n int64) []byte {
	old := len(r.raw)
	if need := old + int(n); need > cap(r.raw) {
		grown := make([]byte, need, max(need, 2*cap(r.raw)))
		copy(grown, r.raw)
		r.raw = grown
	}
	r.raw = r.raw[:old+int(n)]
	return r.raw[old:]
}

// place adds n rows at positions from of document doc.
func (r *rows) place(doc, from, n int64) {
	for i := range n {
		r.doc, r.pos = append(r.doc, doc), append(r.pos, int32(from+i))
	}
}

// window sets documents of ctx rows each, for rows from first on.
func (r *rows) window(first, n, ctx int64) {
	for n > 0 {
		pos := first % ctx
		m := min(n, ctx-pos)
		r.place(first/ctx, pos, m)
		first, n = first+m, n-m
	}
}

// A joined reads columns of several files one behind the other.
type joined struct {
	parts []*column
	at    int   // the part being read
	left  int64 // rows left in it
	doc   int64 // of its first document
}

// join makes one column of several of one type and width.
func join(parts []*column) (*column, error) {
	first := parts[0]
	all := &column{where: first.where, kind: first.kind, d: first.d}
	for _, p := range parts {
		if p.kind != first.kind || p.d != first.d || (p.docs > 0) != (first.docs > 0) {
			return nil, fmt.Errorf("%s has rows of %d values of type %s, %s of %d of type %s: they are not of one data set; convert them one by one",
				first.where, first.d, first.kind, p.where, p.d, p.kind)
		}
		all.rows += p.rows
		all.docs += p.docs
	}
	j := &joined{parts: parts}
	all.reader = j
	return all, j.seek(0)
}

func (j *joined) seek(row int64) error {
	j.at, j.doc = 0, 0
	for ; j.at < len(j.parts); j.at++ {
		p := j.parts[j.at]
		if row < p.rows || j.at == len(j.parts)-1 {
			j.left = p.rows - row
			return p.seek(row)
		}
		row -= p.rows
		j.doc += p.docs
	}
	return nil
}

func (j *joined) read(r *rows, n int64) error {
	r.reset()
	var part rows
	for n > 0 {
		p := j.parts[j.at]
		m := min(n, j.left)
		if m == n && len(r.raw) == 0 && len(r.text) == 0 { // the usual case needs no copy
			if err := p.read(r, m); err != nil {
				return err
			}
			j.shift(r, 0)
		} else if m > 0 {
			if err := p.read(&part, m); err != nil {
				return err
			}
			from := len(r.doc)
			copy(r.extend(int64(len(part.raw))), part.raw)
			r.text, r.doc, r.pos = append(r.text, part.text...), append(r.doc, part.doc...), append(r.pos, part.pos...)
			j.shift(r, from)
		}
		n, j.left = n-m, j.left-m
		if j.left == 0 && j.at < len(j.parts)-1 {
			j.doc += p.docs
			j.at++
			j.left = j.parts[j.at].rows
			if err := j.parts[j.at].seek(0); err != nil {
				return err
			}
		}
	}
	return nil
}

// shift numbers the documents of rows from on behind those of earlier files.
func (j *joined) shift(r *rows, from int) {
	for i := range r.doc[from:] {
		r.doc[from+i] += j.doc
	}
}

func (j *joined) Close() error {
	var first error
	for _, p := range j.parts {
		if err := p.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
