package activations

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// A batch is one record batch: which rows it holds and where the columns of
// the format lie.
type batch struct {
	shard *shard
	index int   // in the shard
	first int64 // row of the dump
	rows  int64
	cols  [numCols]place
}

// A place is where a batch keeps a column.
type place struct {
	values  span
	offsets span  // of lists and of text
	base    int64 // values before the first row, of lists
}

// A span is a buffer in the file. size is what it holds, stored what it takes
// there, which differ where codec says that it is compressed.
type span struct {
	off, stored, size int64
	codec             int8
}

// maxDecoded is the most that one compressed buffer may hold. The format asks
// for record batches of 64 MiB.
const maxDecoded = 1 << 30

// readBatch reads the metadata of record batch i and finds its columns. The
// width of a list is set in cols by the first batch with rows.
func (s *shard) readBatch(i int, cols *[numCols]column) (*batch, error) {
	b := &batch{shard: s, index: i}
	m, err := s.readMessage(s.batches[i], headerBatch)
	if err != nil {
		return nil, b.errorf("%w", err)
	}
	b.rows = m.rows
	l, err := layoutOf(s.schema.fields, &m)
	if err != nil {
		return nil, b.errorf("%w", err)
	}
	body := s.batches[i].off + s.batches[i].meta
	for id := range cols {
		c := &cols[id]
		if c.kind == absent {
			continue
		}
		if err := b.find(id, c, &m, l[c.field], body); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// A start is where the nodes and buffers of a column begin.
type start struct{ node, buffer int }

// layoutOf finds the columns among the nodes and buffers of a message, and
// checks that it has as many as the schema says.
func layoutOf(fields []field, m *message) ([]start, error) {
	list := make([]start, len(fields))
	var at start
	views := 0
	for i, f := range fields {
		list[i] = at
		nodes, buffers, variadic := f.layout()
		at.node += nodes
		at.buffer += buffers
		for range variadic {
			if views >= len(m.variadic) || m.variadic[views] < 0 || m.variadic[views] > int64(len(m.buffers)) {
				return nil, fmt.Errorf("the buffers of column %q are not told: %w", clip(f.name), errDamaged)
			}
			at.buffer += int(m.variadic[views])
			views++
		}
	}
	if at.node != len(m.nodes) || at.buffer != len(m.buffers) {
		return nil, fmt.Errorf("it has %d parts and %d buffers, the columns of the schema need %d and %d: %w",
			len(m.nodes), len(m.buffers), at.node, at.buffer, errDamaged)
	}
	return list, nil
}

// find places column id, checks its length and its buffers, and refuses nulls.
func (b *batch) find(id int, c *column, m *message, at start, body int64) error {
	fail := func(format string, args ...any) error {
		return b.errorf("column %s: %w", colNames[id], fmt.Errorf(format, args...))
	}
	nodes := m.nodes[at.node:]
	if nodes[0].length != b.rows {
		return fail("it is said to have %d rows, the batch %d: %w", nodes[0].length, b.rows, errDamaged)
	}
	// Of a list: validity, offsets unless it is of fixed size, validity of
	// the values, values. Of text: validity, offsets, bytes.
	var spans [4]span
	for i := range [...]int{isFloats: 3, isInts: 2, isText: 3, isDict: 2}[c.kind] + int(min(c.offset, 1)) {
		buf := m.buffers[at.buffer+i]
		spans[i] = span{off: body + buf.off, stored: buf.length, size: buf.length, codec: codecNone}
		if err := b.shard.unpack(&spans[i], m.codec); err != nil {
			return fail("%w", err)
		}
	}
	if nodes[0].nulls != 0 {
		return b.nullRow(id, nodes[0].nulls, spans[0], b.rows, 1)
	}
	p := &b.cols[id]
	switch {
	case c.kind == isInts || c.kind == isDict:
		p.values = spans[1]
	case c.kind == isText:
		p.offsets, p.values = spans[1], spans[2]
	case c.offset != 0:
		p.offsets, p.values = spans[1], spans[3]
		return b.findList(id, c, nodes[1], spans[2], fail)
	default:
		p.values = spans[2]
		return b.findFixed(id, c, nodes[1], spans[1], fail)
	}
	return b.checkSize(id, c, fail)
}

// findFixed checks the values of column id, a fixed_size_list.
func (b *batch) findFixed(id int, c *column, child node, valid span, fail func(string, ...any) error) error {
	if hi, n := bits.Mul64(uint64(b.rows), uint64(c.width)); hi != 0 || child.length < 0 || n != uint64(child.length) {
		return fail("it is said to hold %d values, %d rows of %d are due: %w", child.length, b.rows, c.width, errDamaged)
	}
	if child.nulls != 0 {
		return b.nullRow(id, child.nulls, valid, child.length, c.width)
	}
	return b.checkSize(id, c, fail)
}

// checkSize asks the buffers of column id to hold its rows, so that the number
// of rows is borne out by the file.
func (b *batch) checkSize(id int, c *column, fail func(string, ...any) error) error {
	p := &b.cols[id]
	if b.rows == 0 {
		return nil
	}
	if c.kind == isText {
		if b.rows > p.offsets.size/4-1 {
			return fail("%d bytes of text offsets for %d rows: %w", p.offsets.size, b.rows, errDamaged)
		}
		return p.offsets.checkSlack(4*(b.rows+1), fail)
	}
	if have := p.values.size / c.elem / c.width; b.rows > have {
		return fail("%d bytes for %d rows of %d bytes: %w", p.values.size, b.rows, c.stride(), errDamaged)
	}
	return p.values.checkSlack(b.rows*c.stride(), fail)
}

// checkSlack refuses a compressed buffer that unpacks to far more than its n
// bytes; writers pad buffers and may double them as they grow.
func (sp span) checkSlack(n int64, fail func(string, ...any) error) error {
	const pad = 64 << 10
	if sp.codec != codecNone && sp.size > 2*n+pad {
		return fail("a buffer unpacks to %d bytes, its rows need %d: %w", sp.size, n, errDamaged)
	}
	return nil
}

// unpack finds out what a buffer of a compressed batch holds: its first eight
// bytes say how long it is unpacked, -1 if it was left as it is.
func (s *shard) unpack(sp *span, codec int8) error {
	if codec == codecNone || sp.stored == 0 {
		return nil
	}
	var head [8]byte
	if sp.stored < 8 {
		return fmt.Errorf("a compressed buffer has %d bytes, its length alone needs 8: %w", sp.stored, errDamaged)
	}
	if err := s.readAt(head[:], sp.off); err != nil {
		return err
	}
	sp.off, sp.stored = sp.off+8, sp.stored-8
	sp.size = int64(binary.LittleEndian.Uint64(head[:]))
	if sp.size == -1 {
		sp.size = sp.stored
		return nil
	}
	sp.codec = codec
	if sp.size < 0 || sp.size > maxDecoded || sp.size > expansion(codec, sp.stored) {
		return fmt.Errorf("a buffer of %d bytes is said to hold %d when unpacked, which is not possible or above the limit of %d: %w",
			sp.stored, sp.size, maxDecoded, errDamaged)
	}
	return nil
}

// expansion is the most that n compressed bytes can hold: LZ4 has a length
// byte for each 255, ZSTD a block of four bytes for each 128 KiB.
func expansion(codec int8, n int64) int64 {
	if codec == codecLZ4 {
		return 255*min(n, maxDecoded) + 64
	}
	return (min(n, maxDecoded)/4 + 1) * (128 << 10)
}
