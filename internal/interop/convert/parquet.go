package convert

import (
	"bufio"
	"fmt"
	"io"

	"github.com/saectl/saectl/internal/dtype"
)

// A parquetFile is a Parquet file, whose pages are read one at a time.
type parquetFile struct {
	source
	meta *parquetMeta
}

func openParquet(f source) (container, error) {
	m, err := readParquetMeta(f, f.size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return &parquetFile{f, m}, nil
}

func (p *parquetFile) entries() []entry {
	list := make([]entry, len(p.meta.leaves))
	for i, l := range p.meta.leaves {
		kind := l.kind()
		if l.siblings {
			kind = ""
		}
		list[i] = entry{name: l.name, kind: kind, dims: l.maxRep + 1, desc: fmt.Sprintf("%s in %d lists", l.kind(), l.maxRep)}
	}
	return list
}

func (p *parquetFile) open(name string, flat bool) (*column, error) {
	var names []string
	for i, l := range p.meta.leaves {
		names = append(names, l.name)
		switch {
		case l.name != name:
		case l.siblings || l.kind() == "":
			return nil, fmt.Errorf("%s: column %.80s is of a type that is not read; give it as lists of float32 or float64", p.path, name)
		default:
			r := &parquetReader{p: p, column: i, leaf: l, kind: l.kind(), flat: flat || l.maxRep == 0}
			return r.open()
		}
	}
	return nil, fmt.Errorf("%s: there is no column %.80q; it has %s", p.path, name, clipNames(names))
}

// A parquetReader reads a leaf, page by page. A row of activations is the
// values of an innermost list; a document is a row of the table.
type parquetReader struct {
	p      *parquetFile
	column int
	leaf   leaf
	kind   dtype.Type
	flat   bool // every value is a row of its own
	d      int64

	group int // next row group
	pager *pager
	dict  values
	page  page

	row    int64 // of the table, in its row group, that was begun last
	have   int64 // values of the row that was begun
	doc    int64
	pos    int32
	inFile int64 // rows of the table in earlier groups
}

// A page is the values of a data page that were not handed out yet.
type page struct {
	rep  []uint8 // repetition levels; nil where the column has none
	left int64   // values
	values
}

func (r *parquetReader) where() string {
	return fmt.Sprintf("%s: column %s, row group %d", r.p.path, r.leaf.name, r.group-1)
}

func (r *parquetReader) rowErrorf(format string, args ...any) error {
	return fmt.Errorf("row %d: %w", r.inFile+r.row, fmt.Errorf(format, args...))
}

// open reads the first row for its width, from which the number of rows
// follows.
func (r *parquetReader) open() (*column, error) {
	total := int64(0)
	for _, g := range r.p.meta.groups {
		if total+g.chunks[r.column].values < total {
			return nil, fmt.Errorf("%s: column %s: %w", r.p.path, r.leaf.name, errFooter)
		}
		total += g.chunks[r.column].values
	}
	c := &column{where: fmt.Sprintf("%s: column %s", r.p.path, r.leaf.name), kind: r.kind, d: 1, rows: total, reader: r}
	if r.flat {
		r.d = 1
		return c, r.seek(0)
	}
	if err := r.seek(0); err != nil {
		return nil, err
	}
	if total > 0 {
		if err := r.firstWidth(); err != nil {
			return nil, err
		}
		if r.d == 0 {
			return nil, fmt.Errorf("%s: column %s: %d values are said to be there, its pages have none; the file is damaged", r.p.path, r.leaf.name, total)
		}
		c.d, c.rows = r.d, total/r.d
		if r.leaf.maxRep > 1 {
			c.docs = r.p.meta.rows
		}
	}
	return c, r.seek(0)
}

// firstWidth counts the values of the first row.
func (r *parquetReader) firstWidth() error {
	for {
		if err := r.nextPage(); err == io.EOF {
			return nil // the file has one row
		} else if err != nil {
			return err
		}
		for i, rep := range r.page.rep {
			if (i > 0 || r.d > 0) && int(rep) < r.leaf.maxRep {
				return nil
			}
			r.d++
		}
	}
}

func (r *parquetReader) seek(row int64) error {
	r.group, r.pager, r.page, r.have, r.doc, r.inFile = 0, nil, page{}, 0, -1, 0
	for r.d > 0 && r.group < len(r.p.meta.groups) {
		g := r.p.meta.groups[r.group]
		rows := g.chunks[r.column].values / r.d
		if row < rows || rows*r.d != g.chunks[r.column].values {
			break
		}
		row -= rows
		r.inFile += g.rows
		r.doc += g.rows
		r.group++
	}
	var skipped rows
	for row > 0 {
		n := min(row, chunkRows)
		if err := r.read(&skipped, n); err != nil {
			return err
		}
		row -= n
	}
	return nil
}

func (r *parquetReader) read(dst *rows, n int64) error {
	dst.reset()
	for want := n * r.d; want > 0; {
		if r.page.left == 0 {
			if err := r.nextPage(); err == io.EOF {
				return fmt.Errorf("%s: the rows end in the middle; the file is damaged", r.where())
			} else if err != nil {
				return err
			}
			continue
		}
		m := min(want, r.page.left)
		if err := r.rows(dst, m); err != nil {
			return fmt.Errorf("%s: %w", r.where(), err)
		}
		r.page.take(dst, m)
		want -= m
	}
	return nil
}

// rows follows the repetition levels of the next n values: rows must have one
// width, and places in documents are noted.
func (r *parquetReader) rows(dst *rows, n int64) error {
	if r.flat {
		if r.page.rep != nil {
			r.page.rep = r.page.rep[n:]
		}
		return nil
	}
	for _, rep := range r.page.rep[:n] {
		if int(rep) == r.leaf.maxRep && r.have > 0 {
			if r.have++; r.have > r.d {
				return r.rowErrorf("it has more values than the %d of the first row; every row of a dump has the same", r.d)
			}
			continue
		}
		if r.have != 0 && r.have < r.d {
			return r.rowErrorf("it has %d values, the first row has %d; every row of a dump has the same", r.have, r.d)
		}
		r.have = 1
		if rep == 0 {
			r.row++
			r.doc++
			r.pos = -1
		}
		if r.leaf.maxRep > 1 {
			r.pos++
			dst.doc, dst.pos = append(dst.doc, r.doc), append(dst.pos, r.pos)
		}
	}
	r.page.rep = r.page.rep[n:]
	return nil
}

// nextPage goes to the next page with values, in the next row group at the end
// of one.
func (r *parquetReader) nextPage() error {
	for r.page.left = 0; r.page.left == 0; {
		if r.pager == nil || r.pager.left == 0 {
			if r.group == len(r.p.meta.groups) {
				return io.EOF
			}
			r.begin()
			continue
		}
		if err := r.readPage(); err != nil {
			return fmt.Errorf("%s: %w", r.where(), err)
		}
	}
	return nil
}

// begin goes to the next row group.
func (r *parquetReader) begin() {
	if r.group > 0 {
		r.inFile += r.p.meta.groups[r.group-1].rows
	}
	c := r.p.meta.groups[r.group].chunks[r.column]
	in := io.NewSectionReader(r.p, c.start, c.size)
	r.pager = &pager{r: bufio.NewReaderSize(in, maxPageHeader), left: c.size, codec: c.codec}
	r.dict = values{}
	r.group++
	r.row = -1
}

func (r *parquetReader) Close() error { return nil } // the file is closed with its container
