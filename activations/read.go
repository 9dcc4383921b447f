package activations

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"

	"github.com/saectl/saectl/internal/reuse"
)

// Read fills b with the given rows, in that order: activation, and of the
// optional columns those in cols that the dump has; the others become nil.
// Rows may repeat. A NaN or Inf is an error that names the row. The slices of
// b are reused where they are large enough.
func (d *Dump) Read(b *Batch, rows []int64, cols Columns) error {
	return d.read(b, rows, cols, true)
}

// ReadColumns is Read without activation: b.X becomes nil. A pass that needs
// only document numbers or labels reads a hundredth of the dump.
func (d *Dump) ReadColumns(b *Batch, rows []int64, cols Columns) error {
	return d.read(b, rows, cols, false)
}

func (d *Dump) read(b *Batch, rows []int64, cols Columns, withX bool) error {
	p, err := d.plan(rows)
	if err != nil {
		return err
	}
	defer d.plans.Put(p)
	want := func(id int) bool {
		return d.cols[id].kind != absent && (colSet[id]&cols != 0 || id == colActivation && withX)
	}
	n := len(rows)
	b.N, b.D, b.DOut = n, d.D(), 0
	b.Row = append(b.Row[:0], rows...)
	if want(colTarget) {
		b.DOut = d.DOut()
	}
	b.X = sized(b.X, n*b.D, want(colActivation))
	b.Gradient = sized(b.Gradient, n*b.D, want(colGradient))
	b.Target = sized(b.Target, n*b.DOut, want(colTarget))
	b.TokenID = sized(b.TokenID, n, want(colTokenID))
	b.Doc = sized(b.Doc, n, want(colDoc))
	b.Pos = sized(b.Pos, n, want(colPos))
	b.Label = sized(b.Label, n, want(colLabel))
	for id, dst := range [numCols]any{colActivation: b.X, colGradient: b.Gradient, colTarget: b.Target,
		colTokenID: b.TokenID, colDoc: b.Doc, colPos: b.Pos, colLabel: b.Label} {
		if want(id) {
			if err := d.readColumn(id, p, dst); err != nil {
				return err
			}
		}
	}
	return nil
}

// sized gives x a length of n, or drops it.
func sized[T any](x []T, n int, keep bool) []T {
	if !keep {
		return nil
	}
	return reuse.Slice(x, n)
}

// A want is a row asked for: row r of a batch goes to place at of the result.
type want struct {
	batch *batch
	r     int64
	at    int
}

// A plan is the rows of one read in file order.
type plan struct {
	rows    []want
	extents [][]want // of the column under way: runs that one read each serves
}

// plan finds the batches of the rows. Give it back to d.plans.
func (d *Dump) plan(rows []int64) (*plan, error) {
	p, ok := d.plans.Get().(*plan)
	if !ok {
		p = &plan{}
	}
	p.rows = sized(p.rows, len(rows), true)
	sorted := true
	var b *batch
	for i, row := range rows {
		if row < 0 || row >= d.rows {
			return nil, fmt.Errorf("%s: there is no row %d, the rows are 0 to %d", d.name, row, d.rows-1)
		}
		if b == nil || row < b.first || row >= b.first+b.rows {
			b = d.batches[d.batchOf(row)]
		}
		p.rows[i] = want{b, row - b.first, i}
		sorted = sorted && (i == 0 || rows[i-1] <= row)
	}
	if !sorted {
		slices.SortFunc(p.rows, func(x, y want) int { return cmp.Compare(x.batch.first+x.r, y.batch.first+y.r) })
	}
	return p, nil
}

// A lane is a run of bytes that a column has for each row: of its values or of
// its offsets.
type lane struct {
	id      int
	offsets bool
	stride  int64 // bytes from row to row
	length  int64 // bytes of a row
	elem    int64 // bytes of what base counts
}

func (l lane) place(b *batch) (sp span, base int64) {
	p := &b.cols[l.id]
	if l.offsets {
		return p.offsets, 0
	}
	return p.values, p.base * l.elem
}

// readColumn reads column id of the planned rows into dst, a slice of the
// column's type in a Batch.
func (d *Dump) readColumn(id int, p *plan, dst any) error {
	c := d.cols[id]
	if c.offset != 0 {
		l := lane{id: id, offsets: true, stride: c.offset, length: 2 * c.offset}
		err := d.each(l, p, func(w want, raw []byte) error {
			return w.batch.checkList(id, &c, w.batch.cols[id].base, w.r, raw)
		})
		if err != nil {
			return err
		}
	}
	l := lane{id: id, stride: c.stride(), length: c.stride(), elem: c.elem}
	return d.each(l, p, decoder(id, c, dst))
}

// Limits on reads: rows of one batch are read at once, with the rows between
// them where those are fewer bytes than a page, into a buffer that stays in
// the core's cache.
const (
	maxGap     = 4 << 10
	maxRead    = 256 << 10
	manyReads  = 16 // from here on several threads read, so that a disk has a queue
	maxReaders = 8
)

// cut cuts the plan into runs of rows that one read each can serve.
func (p *plan) cut(l lane) {
	rows, from := p.rows, 0
	p.extents = p.extents[:0]
	for i := 1; i <= len(rows); i++ {
		if i < len(rows) && rows[i].batch == rows[from].batch &&
			(rows[i].r-rows[i-1].r-1)*l.stride <= maxGap && (rows[i].r-rows[from].r+1)*l.stride <= maxRead {
			continue
		}
		p.extents = append(p.extents, rows[from:i])
		from = i
	}
}

// each calls do with the bytes of every planned row. The calls come from
// several goroutines, a row's bytes hold until the call returns, and of
// several errors the first in the file is given.
func (d *Dump) each(l lane, p *plan, do func(w want, raw []byte) error) error {
	p.cut(l)
	readers := 1
	if len(p.extents) >= manyReads {
		readers = min(maxReaders, 4*runtime.GOMAXPROCS(0))
	}
	return parallel(len(p.extents), readers, func(i int) error { return d.extent(l, p.extents[i], do) })
}

// extent reads one run of rows.
func (d *Dump) extent(l lane, p []want, do func(w want, raw []byte) error) error {
	scratch := d.buffer()
	defer d.scratch.Put(scratch)
	b, lo := p[0].batch, p[0].r
	sp, base := l.place(b)
	raw, err := d.bytes(b, l.id, sp, base+lo*l.stride, base+p[len(p)-1].r*l.stride+l.length, scratch)
	if err != nil {
		return err
	}
	for _, w := range p {
		at := (w.r - lo) * l.stride
		if err := do(w, raw[at:at+l.length]); err != nil {
			return err
		}
	}
	return nil
}

// bytes gives bytes [from,to) of a buffer of column id, read into scratch or
// out of the unpacked buffer. They were checked to be there.
func (d *Dump) bytes(b *batch, id int, sp span, from, to int64, scratch *[]byte) ([]byte, error) {
	if sp.codec != codecNone {
		all, err := d.cache.get(b.shard, sp, d.unpacked(b, id, sp))
		if err != nil {
			return nil, b.errorf("column %s: %w", colNames[id], err)
		}
		return all[from:to], nil
	}
	*scratch = sized(*scratch, int(to-from), true)
	if err := b.shard.readAt(*scratch, sp.off+from); err != nil {
		return nil, b.errorf("column %s: %w", colNames[id], err)
	}
	return *scratch, nil
}

// unpacked is how many bytes of a compressed buffer its batch has a use for;
// what a buffer of text holds only its offsets know.
func (d *Dump) unpacked(b *batch, id int, sp span) int64 {
	c, p := d.cols[id], &b.cols[id]
	switch {
	case c.kind == isText && sp == p.values:
		return sp.size
	case c.kind == isText:
		return (b.rows + 1) * 4
	case c.offset != 0 && sp == p.offsets:
		return (b.rows + 1) * c.offset
	}
	return p.base*c.elem + b.rows*c.stride()
}
