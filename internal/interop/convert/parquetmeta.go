package convert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What the footer of a Parquet file says (format/parquet.thrift), as far as it
// is needed.
type parquetMeta struct {
	elements []element
	rows     int64
	groups   []rowGroup
	leaves   []leaf
}

// An element is a node of the schema, which is a tree in depth-first order.
type element struct {
	name       string
	physical   int64 // type of a leaf, -1 of a group
	length     int64 // bytes of a fixed_len_byte_array
	repetition int64
	children   int64
	converted  int64 // -1 where there is none
	half       bool  // the logical type is FLOAT16
}

// Physical types, repetitions and encodings.
const (
	parquetInt32 = 1
	parquetInt64 = 2
	parquetFloat = 4
	parquetDbl   = 5
	parquetBytes = 6
	parquetFixed = 7

	isOptional = 1
	isRepeated = 2

	encPlain      = 0
	encPlainDict  = 2
	encRLE        = 3
	encDictionary = 8
	encSplit      = 9 // BYTE_STREAM_SPLIT
)

type rowGroup struct {
	rows   int64
	chunks []columnChunk
}

// A columnChunk is the pages of one leaf in one row group.
type columnChunk struct {
	codec, values     int64
	start, size       int64 // in the file
	dictionary, pages int64 // offsets of the first of each
	other             string
	encrypted         bool
}

// A leaf is a column of numbers or texts below some lists.
type leaf struct {
	name     string // of the column of the table
	path     string
	element  element
	maxDef   int
	maxRep   int
	siblings bool // it is not the only leaf of its column
}

// readParquetMeta reads the footer of a file of size bytes.
func readParquetMeta(r io.ReaderAt, size int64) (*parquetMeta, error) {
	var head [4]byte
	var tail [8]byte
	if size < 12 {
		return nil, fmt.Errorf("the file is cut short: it has %d bytes, the least Parquet file has 12", size)
	}
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil {
		return nil, err
	}
	switch end := string(tail[4:]); {
	case string(head[:]) == "PARE" || end == "PARE":
		return nil, errors.New("encrypted Parquet is not read; decrypt it first")
	case string(head[:]) != "PAR1":
		return nil, errors.New("this is not a Parquet file: it does not begin with PAR1")
	case end != "PAR1":
		return nil, errors.New("there is no PAR1 at the end: the file is cut short or was not finished; copy it again or write it again")
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n == 0 || n > size-12 {
		return nil, fmt.Errorf("the footer is said to have %d bytes, the file has %d; the file is damaged", n, size)
	}
	raw := make([]byte, n)
	if _, err := r.ReadAt(raw, size-8-n); err != nil {
		return nil, err
	}
	m, err := parseParquetMeta(raw)
	if err != nil {
		return nil, err
	}
	return m, m.check(size)
}

var errFooter = errors.New("the footer is damaged; copy the file again or write it again")

func parseParquetMeta(raw []byte) (*parquetMeta, error) {
	t, m := &thrift{b: raw}, &parquetMeta{}
	t.fields(func(id int64, typ byte) {
		switch {
		case id == 2 && typ == thriftList:
			t.list(func(byte) { m.elements = append(m.elements, t.element()) })
		case id == 3:
			m.rows = t.int()
		case id == 4 && typ == thriftList:
			t.list(func(byte) { m.groups = append(m.groups, t.rowGroup()) })
		default:
			t.skip(typ)
		}
	})
	if t.bad || len(m.elements) == 0 || m.rows < 0 {
		return nil, errFooter
	}
	rest := m.elements[1:]
	for range m.elements[0].children {
		if len(rest) == 0 {
			return nil, errFooter
		}
		first := len(m.leaves)
		var err error
		if rest, err = m.walk(rest, rest[0].name, "", 0, 0, 0); err != nil {
			return nil, err
		}
		for i := first; i < len(m.leaves); i++ {
			m.leaves[i].siblings = len(m.leaves)-first > 1
		}
	}
	if len(rest) != 0 {
		return nil, errFooter
	}
	return m, nil
}

func (t *thrift) element() element {
	e := element{physical: -1, converted: -1}
	t.fields(func(id int64, typ byte) {
		switch {
		case id == 1:
			e.physical = t.int()
		case id == 2:
			e.length = t.int()
		case id == 3:
			e.repetition = t.int()
		case id == 4 && typ == thriftBinary:
			e.name = t.text()
		case id == 5:
			e.children = t.int()
		case id == 6:
			e.converted = t.int()
		case id == 10 && typ == thriftStruct:
			t.fields(func(id int64, typ byte) {
				e.half = e.half || id == 15
				t.skip(typ)
			})
		default:
			t.skip(typ)
		}
	})
	return e
}

func (t *thrift) rowGroup() rowGroup {
	var g rowGroup
	t.fields(func(id int64, typ byte) {
		switch {
		case id == 1 && typ == thriftList:
			t.list(func(byte) { g.chunks = append(g.chunks, t.columnChunk()) })
		case id == 3:
			g.rows = t.int()
		default:
			t.skip(typ)
		}
	})
	return g
}

func (t *thrift) columnChunk() columnChunk {
	var c columnChunk
	t.fields(func(id int64, typ byte) {
		switch {
		case id == 1 && typ == thriftBinary:
			c.other = t.text()
		case id == 3 && typ == thriftStruct:
			t.fields(func(id int64, typ byte) { t.chunkField(&c, id, typ) })
		case id == 8:
			c.encrypted = true
			t.skip(typ)
		default:
			t.skip(typ)
		}
	})
	c.start = c.pages
	if c.dictionary > 0 && c.dictionary < c.pages {
		c.start = c.dictionary
	}
	return c
}

func (t *thrift) chunkField(c *columnChunk, id int64, typ byte) {
	switch id {
	case 4:
		c.codec = t.int()
	case 5:
		c.values = t.int()
	case 7:
		c.size = t.int()
	case 9:
		c.pages = t.int()
	case 11:
		c.dictionary = t.int()
	default:
		t.skip(typ)
	}
}
