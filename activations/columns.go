package activations

import (
	"fmt"
	"strings"
)

// The columns of the format, in the order in which a dump is written.
const (
	colActivation = iota
	colGradient
	colTarget
	colTokenID
	colToken
	colDoc
	colPos
	colLabel
	numCols
)

var colNames = [numCols]string{"activation", "gradient", "target", "token_id", "token", "doc", "pos", "label"}

// colSet are the columns of colNames as a caller asks for them; 0 for those
// that have no bit.
var colSet = [numCols]Columns{0, Gradient, Target, TokenID, 0, Doc, Pos, Label}

// The ways in which a column is stored.
const (
	absent   = iota
	isFloats // rows of width values of elem bytes, fixed_size_list or list
	isInts   // one value of elem bytes a row
	isText   // utf8
	isDict   // int32 index into a dictionary of utf8
)

// A column is how one column of the format is stored in a dump.
type column struct {
	kind   int
	field  int   // place in the schema
	elem   int64 // bytes of a value
	width  int64 // values a row; 0 for a list until a batch has told
	offset int64 // bytes of a list's offsets, 0 for a fixed_size_list
	dictID int64
}

// stride is how many bytes a row of numbers takes.
func (c column) stride() int64 { return c.elem * c.width }

// typeName is the type of the values as the format's page writes it, the same
// for the two kinds of list and the two of text.
func (c column) typeName() string {
	switch c.kind {
	case isFloats:
		return fmt.Sprintf("float%d[%d]", 8*c.elem, c.width)
	case isInts:
		return fmt.Sprintf("int%d", 8*c.elem)
	}
	return "utf8"
}

const listRemedy = "'saectl data convert' writes a dump from other layouts"

// columns finds the columns of the format in a schema.
func (s schema) columns() (cols [numCols]column, err error) {
	for i, f := range s.fields {
		for id, name := range colNames {
			if f.name != name {
				continue
			}
			if cols[id].kind != absent {
				return cols, fmt.Errorf("there are two columns called %s; rename one", name)
			}
			if cols[id], err = f.column(id); err != nil {
				return cols, err
			}
			cols[id].field = i
		}
	}
	if cols[colActivation].kind == absent {
		return cols, fmt.Errorf("there is no column called activation, only %s; rename the column, or %s", s.names(), listRemedy)
	}
	return cols, nil
}

func (s schema) names() string {
	if len(s.fields) == 0 {
		return "none at all"
	}
	var names []string
	for _, f := range s.fields {
		names = append(names, fmt.Sprintf("%q", clip(f.name)))
	}
	return clipList(names)
}

// clipList joins names and leaves most of a long list out.
func clipList(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// column checks the type of column id.
func (f field) column(id int) (column, error) {
	var c column
	want := ""
	switch id {
	case colActivation, colGradient, colTarget:
		want, c = "fixed_size_list of float32 or float16", f.floats()
	case colToken:
		want, c = "utf8 or dictionary<int32, utf8>", f.text()
	case colDoc:
		want, c = "int64", f.ints(64)
	default:
		want, c = "int32", f.ints(32)
	}
	if c.kind == absent {
		return c, fmt.Errorf("column %s is %s, want %s; write it so, or %s", colNames[id], clip(f.String()), want, listRemedy)
	}
	if c.kind == isFloats && c.offset == 0 && c.width <= 0 {
		return c, fmt.Errorf("column %s has width %d, a row needs at least one value; %s", colNames[id], c.width, listRemedy)
	}
	return c, nil
}

func (f field) floats() column {
	c := column{kind: isFloats}
	switch {
	case f.dict || len(f.children) != 1:
		return column{}
	case f.typ == typeFixedList:
		c.width = int64(f.width)
	case f.typ == typeList:
		c.offset = 4
	case f.typ == typeLargeList:
		c.offset = 8
	default:
		return column{}
	}
	child := f.children[0]
	if child.dict || child.typ != typeFloat || child.bits > 1 || child.bits < 0 || len(child.children) > 0 {
		return column{}
	}
	c.elem = 2 << child.bits
	return c
}

func (f field) ints(bits int32) column {
	if f.dict || f.typ != typeInt || f.unsigned || f.bits != bits {
		return column{}
	}
	return column{kind: isInts, elem: int64(bits) / 8, width: 1}
}

func (f field) text() column {
	switch {
	case f.typ != typeUtf8:
		return column{}
	case !f.dict:
		return column{kind: isText}
	case f.idxBits == 32 && !f.unsigned:
		return column{kind: isDict, elem: 4, width: 1, dictID: f.dictID}
	}
	return column{}
}
