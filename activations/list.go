package activations

import (
	"encoding/binary"
	"fmt"
)

// findList checks column id, a list of variable length, and takes the width of
// a row from its first batch. All rows must have one length: that the ends of
// the offsets fit it is checked here, each row when it is read.
func (b *batch) findList(id int, c *column, child node, valid span, fail func(string, ...any) error) error {
	p := &b.cols[id]
	if b.rows == 0 {
		return nil
	}
	if b.rows > p.offsets.size/c.offset-1 {
		return fail("%d bytes of list offsets for %d rows: %w", p.offsets.size, b.rows, errDamaged)
	}
	if err := p.offsets.checkSlack((b.rows+1)*c.offset, fail); err != nil {
		return err
	}
	first, second, err := b.listRow(id, c, 0)
	if err != nil {
		return err
	}
	_, last, err := b.listRow(id, c, b.rows-1)
	if err != nil {
		return err
	}
	if c.width == 0 {
		c.width = second - first
	}
	if first < 0 || last < first || last > child.length || child.length < 0 {
		return fail("its lists reach from value %d to %d of %d: %w", first, last, child.length, errDamaged)
	}
	if c.width <= 0 {
		return b.rowErrorf(0, "column %s has %d values, a row needs at least one; %s", colNames[id], c.width, listRemedy)
	}
	if child.length > p.values.size/c.elem {
		return fail("%d bytes for %d values of %d bytes: %w", p.values.size, child.length, c.elem, errDamaged)
	}
	if n := last - first; n/c.width != b.rows || n%c.width != 0 {
		return b.ragged(id, c)
	}
	p.base = first
	if err := p.values.checkSlack(child.length*c.elem, fail); err != nil {
		return err
	}
	if child.nulls != 0 {
		return b.nullRow(id, child.nulls, valid, child.length, c.width)
	}
	return nil
}

// listRow reads where row r of a list column starts and ends.
func (b *batch) listRow(id int, c *column, r int64) (from, to int64, err error) {
	raw, err := b.shard.load(b.cols[id].offsets, r*c.offset, (r+2)*c.offset)
	if err != nil {
		return 0, 0, b.errorf("column %s: %w", colNames[id], err)
	}
	return listOffset(raw, c.offset), listOffset(raw[c.offset:], c.offset), nil
}

func listOffset(raw []byte, bytes int64) int64 {
	if bytes == 8 {
		return int64(binary.LittleEndian.Uint64(raw))
	}
	return int64(int32(binary.LittleEndian.Uint32(raw)))
}

// ragged finds the first row that has another length than row 0.
func (b *batch) ragged(id int, c *column) error {
	raw, err := b.shard.load(b.cols[id].offsets, 0, (b.rows+1)*c.offset)
	if err != nil {
		return b.errorf("column %s: %w", colNames[id], err)
	}
	first := listOffset(raw, c.offset)
	for r := range b.rows {
		if err := b.checkList(id, c, first, r, raw[r*c.offset:]); err != nil {
			return err
		}
	}
	return b.errorf("column %s: %w", colNames[id], errDamaged)
}

// checkList compares the offsets of row r with those of rows of one width.
func (b *batch) checkList(id int, c *column, base, r int64, raw []byte) error {
	from, to := listOffset(raw, c.offset), listOffset(raw[c.offset:], c.offset)
	want := base + r*c.width
	switch {
	case from == want && to == want+c.width:
		return nil
	case to < from || from < 0:
		return b.rowErrorf(r, "column %s: its list reaches from value %d to %d: %w", colNames[id], from, to, errDamaged)
	case from != want:
		return b.rowErrorf(r, "column %s: its list begins at value %d, rows of %d put it at %d: %w", colNames[id], from, c.width, want, errDamaged)
	}
	return b.rowErrorf(r, "column %s has %d values, the first row has %d; every row of a dump has the same", colNames[id], to-from, c.width)
}

// nullRow finds the first null of a column: valid is its bitmap over n values,
// width of them to a row.
func (b *batch) nullRow(id int, nulls int64, valid span, n, width int64) error {
	const remedy = "a dump has no nulls; leave the row out or fill it"
	if nulls < 0 || nulls > n || n < 0 || valid.size < (n+7)/8 {
		return b.errorf("column %s: %d nulls among %d values, with %d bytes that say which: %w", colNames[id], nulls, n, valid.size, errDamaged)
	}
	bitmap, err := b.shard.load(valid, 0, (n+7)/8)
	if err != nil {
		return b.errorf("column %s: %w", colNames[id], err)
	}
	for i := range n {
		v := i - b.cols[id].base
		switch {
		case bitmap[i/8]>>(i%8)&1 != 0 || v < 0 || v/width >= b.rows:
		case width == 1:
			return b.rowErrorf(v, "%s is null; %s", colNames[id], remedy)
		default:
			return b.rowErrorf(v/width, "value %d of %s is null; %s", v%width, colNames[id], remedy)
		}
	}
	return nil // what is null belongs to no row
}

// load reads bytes [from,to) of what a buffer holds. It is for the few bytes
// that opening needs; rows are read by Dump.
func (s *shard) load(sp span, from, to int64) ([]byte, error) {
	if from < 0 || to < from || to > sp.size {
		return nil, fmt.Errorf("bytes %d to %d of a buffer of %d: %w", from, to, sp.size, errDamaged)
	}
	if sp.codec != codecNone {
		all, err := decompress(s, sp, to)
		if err != nil {
			return nil, err
		}
		return all[from:], nil
	}
	raw := make([]byte, to-from)
	return raw, s.readAt(raw, sp.off+from)
}
