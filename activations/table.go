package activations

import (
	"fmt"
	"slices"
)

// A Table is an Arrow IPC file or stream with columns of any name, lists of any
// depth and numbers of any type, such as a data set that is to become a dump.
// It is opened by its metadata alone. Its methods may be called at once from
// several goroutines.
type Table struct {
	s     *shard
	cache cache
}

// A TableColumn describes a column of a Table.
type TableColumn struct {
	Name     string
	Type     string // as the format's page writes it, such as list<float32>
	Elem     string // the type of what the lists hold, such as float32
	Depth    int    // how many lists lie in each other; 0 for plain values
	Metadata map[string]string
}

// OpenTable opens an Arrow IPC file or stream. The file is the caller's to
// close.
func OpenTable(in Shard) (*Table, error) {
	head := make([]byte, min(in.Size, headBytes))
	if _, err := in.R.ReadAt(head, 0); err != nil && len(head) > 0 {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	open := openShard
	if isStream(head) {
		open = scanStream
	}
	s, err := open(in)
	if err != nil {
		return nil, err
	}
	return &Table{s: s}, nil
}

// Batches is the number of record batches.
func (t *Table) Batches() int { return len(t.s.batches) }

// Columns describes the columns in order.
func (t *Table) Columns() []TableColumn {
	list := make([]TableColumn, len(t.s.schema.fields))
	for i, f := range t.s.schema.fields {
		c := TableColumn{Name: f.name, Type: f.String(), Metadata: map[string]string{}}
		for _, kv := range f.meta {
			c.Metadata[kv[0]] = kv[1]
		}
		for f.isList() {
			c.Depth++
			f = f.children[0]
		}
		c.Elem = f.String()
		list[i] = c
	}
	return list
}

func (f field) isList() bool {
	return !f.dict && len(f.children) == 1 && (f.typ == typeList || f.typ == typeLargeList || f.typ == typeFixedList)
}

// Dictionary gives the texts that the values of a dictionary column point to.
func (t *Table) Dictionary(column int) ([]string, error) {
	f := t.s.schema.fields[column]
	for _, blk := range t.s.dicts {
		if m, err := t.s.readMessage(blk, headerDictionary); err == nil && m.dictID == f.dictID {
			return t.s.dictionary(f.dictID)
		}
	}
	return nil, fmt.Errorf("%s: column %s: its dictionary %d is missing: %w", t.s.name, clip(f.name), f.dictID, errDamaged)
}

// A Layer is one level of a column in one record batch: lists, or what the
// innermost ones hold.
type Layer struct {
	Length     int64 // entries
	Nulls      int64
	Width      int64 // entries of a list of fixed size, bytes of a value of fixed size; else 0
	OffsetSize int64 // bytes of an offset where lists, or texts, differ in length; else 0

	t                      *Table
	valid, offsets, values span
}

// Layers gives the levels of a column in a record batch, from the outside in.
// The first has an entry for each row. What a level says of the one below it is
// the file's word: that no list ends beyond the values is the caller's to check.
func (t *Table) Layers(index, column int) ([]Layer, error) {
	b := &batch{shard: t.s, index: index}
	m, err := t.s.readMessage(t.s.batches[index], headerBatch)
	if err != nil {
		return nil, b.errorf("%w", err)
	}
	starts, err := layoutOf(t.s.schema.fields, &m)
	if err != nil {
		return nil, b.errorf("%w", err)
	}
	var list []Layer
	at := starts[column]
	for f := t.s.schema.fields[column]; ; f = f.children[0] {
		l, err := t.layer(f, &m, &at, t.s.batches[index])
		if err != nil {
			return nil, b.errorf("column %s: %w", clip(t.s.schema.fields[column].name), err)
		}
		list = append(list, l)
		if !f.isList() {
			break
		}
	}
	if list[0].Length != m.rows {
		return nil, b.errorf("column %s: it is said to have %d rows, the batch %d: %w", clip(t.s.schema.fields[column].name), list[0].Length, m.rows, errDamaged)
	}
	return list, nil
}

// layer reads the next node of a column and the buffers that go with it.
func (t *Table) layer(f field, m *message, at *start, blk block) (Layer, error) {
	l := Layer{t: t, Length: m.nodes[at.node].length, Nulls: m.nodes[at.node].nulls, Width: f.fixed()}
	if l.Length < 0 || l.Nulls < 0 || l.Nulls > l.Length {
		return l, fmt.Errorf("%d values, %d of them null: %w", l.Length, l.Nulls, errDamaged)
	}
	at.node++
	buffers := []*span{&l.valid}
	switch {
	case f.typ == typeFixedList && !f.dict:
		if l.Width <= 0 {
			return l, fmt.Errorf("lists of width %d, a row needs at least one value", l.Width)
		}
	case slices.Contains([]uint8{typeList, typeLargeList}, f.typ) && !f.dict:
		l.OffsetSize = 4
		buffers = append(buffers, &l.offsets)
	case slices.Contains([]uint8{typeUtf8, typeLargeUtf8}, f.typ) && !f.dict:
		l.OffsetSize = 4
		buffers = append(buffers, &l.offsets, &l.values)
	case f.dict || slices.Contains([]uint8{typeInt, typeFloat, typeBool, typeFixedBinary}, f.typ):
		buffers = append(buffers, &l.values)
	default:
		return l, fmt.Errorf("values of type %v are not read", f)
	}
	if l.OffsetSize != 0 && (f.typ == typeLargeList || f.typ == typeLargeUtf8) {
		l.OffsetSize = 8
	}
	for _, sp := range buffers {
		buf := m.buffers[at.buffer]
		at.buffer++
		*sp = span{off: blk.off + blk.meta + buf.off, stored: buf.length, size: buf.length, codec: codecNone}
		if err := t.s.unpack(sp, m.codec); err != nil {
			return l, err
		}
	}
	return l, l.check(f)
}

// check asks the buffers to hold as many entries as there are said to be.
func (l *Layer) check(f field) error {
	if l.Length == 0 {
		return nil
	}
	if l.OffsetSize != 0 && l.Length > l.offsets.size/l.OffsetSize-1 {
		return fmt.Errorf("%d bytes of offsets for %d lists: %w", l.offsets.size, l.Length, errDamaged)
	}
	if w := l.Width; w > 0 && f.typ != typeFixedList && l.Length > l.values.size/w {
		return fmt.Errorf("%d bytes for %d values of %d bytes: %w", l.values.size, l.Length, w, errDamaged)
	}
	return nil
}

// fixed is the width of a field whose entries all have one: of lists in
// values, of numbers in bytes; 0 for others.
func (f field) fixed() int64 {
	switch {
	case f.dict:
		return int64(f.idxBits) / 8
	case f.typ == typeFixedList || f.typ == typeFixedBinary:
		return int64(f.width)
	case f.typ == typeInt:
		return int64(f.bits) / 8
	case f.typ == typeFloat && f.bits >= 0 && f.bits <= 2:
		return 2 << f.bits
	}
	return 0
}

// Offsets reads the offsets of entries from to to, one more than entries.
func (l *Layer) Offsets(dst []byte, from, to int64) ([]byte, error) {
	return l.read(l.offsets, dst, from*l.OffsetSize, (to+1)*l.OffsetSize)
}

// Valid reads bytes [from,to) of the bitmap of entries that are not null.
func (l *Layer) Valid(dst []byte, from, to int64) ([]byte, error) {
	return l.read(l.valid, dst, from, to)
}

// Values reads bytes [from,to) of the innermost values.
func (l *Layer) Values(dst []byte, from, to int64) ([]byte, error) {
	return l.read(l.values, dst, from, to)
}

// read gives bytes [from,to) of a buffer, in dst where they are not unpacked.
func (l *Layer) read(sp span, dst []byte, from, to int64) ([]byte, error) {
	if from < 0 || to < from || to > sp.size {
		return nil, fmt.Errorf("%s: bytes %d to %d of a buffer of %d: %w", l.t.s.name, from, to, sp.size, errDamaged)
	}
	if sp.codec != codecNone {
		all, err := l.t.cache.get(l.t.s, sp, sp.size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.t.s.name, err)
		}
		return all[from:to], nil
	}
	dst = slices.Grow(dst[:0], int(to-from))[:to-from]
	return dst, l.t.s.readAt(dst, sp.off+from)
}
