package activations

import (
	"fmt"
	"unicode/utf8"
)

// The numbers of Arrow's type union (format/Schema.fbs) that this package
// names; the rest only matter for how many buffers they have.
const (
	typeNull         = 1
	typeInt          = 2
	typeFloat        = 3
	typeBinary       = 4
	typeUtf8         = 5
	typeBool         = 6
	typeList         = 12
	typeStruct       = 13
	typeUnion        = 14
	typeFixedBinary  = 15
	typeFixedList    = 16
	typeMap          = 17
	typeLargeBinary  = 19
	typeLargeUtf8    = 20
	typeLargeList    = 21
	typeRunEnd       = 22
	typeBinaryView   = 23
	typeUtf8View     = 24
	typeListView     = 25
	typeLargeList64V = 26
)

// typeNames are the names under which other types are shown.
var typeNames = map[uint8]string{
	1: "null", 4: "binary", 5: "utf8", 6: "bool", 7: "decimal", 8: "date", 9: "time", 10: "timestamp",
	11: "interval", 13: "struct", 14: "union", 15: "fixed_size_binary", 17: "map", 18: "duration",
	19: "large_binary", 20: "large_utf8", 22: "run_end_encoded", 23: "binary_view", 24: "utf8_view",
	25: "list_view", 26: "large_list_view",
}

// Limits on a schema, far above any that is meant: a damaged one may describe
// itself as a tree that doubles at every level.
const (
	maxFields = 4096
	maxDepth  = 32
)

// A field is a column of the schema, or a child of one.
type field struct {
	name     string
	typ      uint8
	bits     int32 // width of an int, precision of a float (0 half, 1 single, 2 double)
	unsigned bool
	width    int32 // of a fixed_size_list, in bytes of a fixed_size_binary
	mode     int16 // of a union: 0 sparse, 1 dense
	dict     bool  // stored as indices of bits and unsigned into dictionary dictID
	dictID   int64
	idxBits  int32
	children []field
	meta     [][2]string
}

// schema is what the footer of a shard says of its columns.
type schema struct {
	fields    []field
	meta      Metadata
	bigEndian bool
}

func (f *flat) schema(t table) (schema, error) {
	s := schema{bigEndian: t.i16(0) != 0, meta: Metadata{}}
	start, n := t.vector(1, 4)
	budget := maxFields
	for i := range n {
		s.fields = append(s.fields, f.field(t.element(start, i), maxDepth, &budget))
		if f.bad {
			return s, errDamaged
		}
	}
	for _, kv := range f.keyValues(t, 2) {
		if _, twice := s.meta[kv[0]]; twice {
			return s, fmt.Errorf("the metadata key %q is given twice; keep one", clip(kv[0]))
		}
		s.meta[kv[0]] = kv[1]
	}
	if f.bad {
		return s, errDamaged
	}
	return s, s.checkText()
}

// keyValues are the pairs of metadata in a slot of a table.
func (f *flat) keyValues(t table, slot int64) (list [][2]string) {
	start, n := t.vector(slot, 4)
	for i := range n {
		kv := t.element(start, i)
		list = append(list, [2]string{kv.str(0), kv.str(1)})
		if f.bad {
			break
		}
	}
	return list
}

// checkText refuses names that are not UTF-8, which damage leaves behind and
// which would end up in messages and in JSON.
func (s schema) checkText() error {
	for _, f := range s.fields {
		if !utf8.ValidString(f.name) {
			return fmt.Errorf("a column name is not UTF-8 (%q): %w", f.name, errDamaged)
		}
	}
	for k, v := range s.meta {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("the metadata under %q is not UTF-8: %w", k, errDamaged)
		}
	}
	return nil
}

func (f *flat) field(t table, depth int, budget *int) field {
	*budget--
	if depth == 0 || *budget < 0 {
		f.bad = true
		return field{}
	}
	x := field{name: t.str(0), typ: t.u8(2, 0)}
	f.fieldType(&x, t)
	if enc, ok := t.sub(4); ok {
		x.dict, x.dictID, x.idxBits = true, enc.i64(0), 32
		if idx, ok := enc.sub(1); ok {
			x.idxBits, x.unsigned = idx.i32(0), idx.u8(1, 0) == 0
		}
	}
	x.meta = f.keyValues(t, 6)
	start, n := t.vector(5, 4)
	for i := range n {
		if f.bad {
			break
		}
		x.children = append(x.children, f.field(t.element(start, i), depth-1, budget))
	}
	return x
}

func (f *flat) fieldType(x *field, t table) {
	typ, ok := t.sub(3)
	if !ok {
		return
	}
	switch x.typ {
	case typeInt:
		x.bits, x.unsigned = typ.i32(0), typ.u8(1, 0) == 0
	case typeFloat:
		x.bits = int32(typ.i16(0))
	case typeFixedList, typeFixedBinary:
		x.width = typ.i32(0)
	case typeUnion:
		x.mode = typ.i16(0)
		typ.vector(1, 4) // Arrow's reader allocates what it says
	}
}

// layout counts the field nodes, the buffers and the variadic counts that a
// column has in a record batch (Arrow columnar format, "Serialization").
func (f field) layout() (nodes, buffers, variadic int) {
	if f.dict {
		return 1, 2, 0
	}
	switch f.typ {
	case typeNull, typeRunEnd:
		buffers = 0
	case typeStruct, typeFixedList:
		buffers = 1
	case typeBinary, typeUtf8, typeLargeBinary, typeLargeUtf8, typeListView, typeLargeList64V:
		buffers = 3
	case typeUnion:
		buffers = 1 + int(f.mode)
	case typeBinaryView, typeUtf8View:
		buffers, variadic = 2, 1
	default:
		buffers = 2
	}
	nodes = 1
	for _, c := range f.children {
		n, b, v := c.layout()
		nodes, buffers, variadic = nodes+n, buffers+b, variadic+v
	}
	return nodes, buffers, variadic
}

// String is the type as the format's page writes it.
func (f field) String() string {
	if f.dict {
		index, value := field{typ: typeInt, bits: f.idxBits, unsigned: f.unsigned}, f
		value.dict = false
		return fmt.Sprintf("dictionary<%v, %v>", index, value)
	}
	child := "?"
	if len(f.children) == 1 {
		child = f.children[0].String()
	}
	switch f.typ {
	case typeInt:
		return map[bool]string{false: "int", true: "uint"}[f.unsigned] + fmt.Sprint(f.bits)
	case typeFloat:
		return fmt.Sprintf("float%d", 16<<min(max(f.bits, 0), 2))
	case typeFixedList:
		return fmt.Sprintf("fixed_size_list<%s>[%d]", child, f.width)
	case typeList:
		return fmt.Sprintf("list<%s>", child)
	case typeLargeList:
		return fmt.Sprintf("large_list<%s>", child)
	}
	if name, ok := typeNames[f.typ]; ok {
		return name
	}
	return fmt.Sprintf("type %d", f.typ)
}
