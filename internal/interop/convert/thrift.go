package convert

import "encoding/binary"

// A thrift reads Thrift's compact protocol, in which Parquet describes itself,
// without trusting it: what does not fit the buffer gives zero and sets bad.
// Lists are bounded by the bytes that are left, and nesting by maxNested.
type thrift struct {
	b      []byte
	bad    bool
	nested int
}

const maxNested = 32

// The types of the compact protocol that are told apart.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

func (t *thrift) byte() byte {
	if len(t.b) == 0 {
		t.bad = true
		return 0
	}
	c := t.b[0]
	t.b = t.b[1:]
	return c
}

func (t *thrift) uvarint() uint64 {
	v, n := binary.Uvarint(t.b)
	if n <= 0 {
		t.bad, t.b = true, nil
		return 0
	}
	t.b = t.b[n:]
	return v
}

// int is a zigzag number of any width.
func (t *thrift) int() int64 {
	v := t.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// bytes gives n bytes of the buffer itself.
func (t *thrift) bytes(n uint64) []byte {
	if n > uint64(len(t.b)) {
		t.bad, t.b = true, nil
		return nil
	}
	v := t.b[:n]
	t.b = t.b[n:]
	return v
}

func (t *thrift) text() string { return string(t.bytes(t.uvarint())) }

// fields calls field with the number and type of each field of a struct. field
// must read it, or call skip.
func (t *thrift) fields(field func(id int64, typ byte)) {
	if t.nested++; t.nested > maxNested {
		t.bad = true
	}
	id := int64(0)
	for !t.bad {
		head := t.byte()
		if head == 0 {
			break
		}
		if delta := int64(head >> 4); delta != 0 {
			id += delta
		} else {
			id = t.int()
		}
		field(id, head&15)
	}
	t.nested--
}

// list calls item for each item of a list.
func (t *thrift) list(item func(typ byte)) {
	head := t.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = t.uvarint()
	}
	if n > uint64(len(t.b)) { // an item has a byte at least
		t.bad = true
	}
	if t.nested++; t.nested > maxNested {
		t.bad = true
	}
	for i := uint64(0); i < n && !t.bad; i++ {
		item(head & 15)
	}
	t.nested--
}

// skip passes over a field.
func (t *thrift) skip(typ byte) {
	switch typ {
	case thriftTrue, thriftFalse:
	case thriftByte:
		t.byte()
	case 4, 5, 6: // int16, int32, int64
		t.uvarint()
	case thriftDouble:
		t.bytes(8)
	case thriftBinary:
		t.bytes(t.uvarint())
	case thriftList, thriftSet:
		t.list(t.skipItem)
	case thriftMap:
		t.skipMap()
	case thriftStruct:
		t.fields(func(_ int64, typ byte) { t.skip(typ) })
	default:
		t.bad = true
	}
}

// skipItem is skip for what lies in a list, where a bool takes a byte.
func (t *thrift) skipItem(typ byte) {
	if typ == thriftTrue || typ == thriftFalse {
		typ = thriftByte
	}
	t.skip(typ)
}

func (t *thrift) skipMap() {
	n := t.uvarint()
	if n == 0 {
		return
	}
	types := t.byte()
	if n > uint64(len(t.b)) {
		t.bad = true
	}
	for i := uint64(0); i < n && !t.bad; i++ {
		t.skipItem(types >> 4)
		t.skipItem(types & 15)
	}
}
