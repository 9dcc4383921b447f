package activations

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// arrowSchema is the schema of what the writer writes: the table of the format
// and, in a copy, what came with it.
func (w *Writer) arrowSchema(more ...arrow.Field) *arrow.Schema {
	var fields []arrow.Field
	for id, c := range w.cols {
		if c.kind != absent {
			fields = append(fields, arrow.Field{Name: colNames[id], Type: c.arrowType(id)})
		}
	}
	return arrow.NewSchema(append(fields, more...), w.schema.Metadata.arrow())
}

// arrow gives the metadata in order, so that equal dumps are equal files.
func (m Metadata) arrow() *arrow.Metadata {
	keys := m.sorted()
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = m[k]
	}
	md := arrow.NewMetadata(keys, values)
	return &md
}

func (c column) arrowType(id int) arrow.DataType {
	switch {
	case c.kind == isFloats:
		elem := arrow.Field{Name: "item", Type: arrow.PrimitiveTypes.Float32}
		if c.elem == 2 {
			elem.Type = arrow.FixedWidthTypes.Float16
		}
		return arrow.FixedSizeListOfField(int32(c.width), elem)
	case c.kind == isText:
		return arrow.BinaryTypes.String
	case c.elem == 8:
		return arrow.PrimitiveTypes.Int64
	}
	return arrow.PrimitiveTypes.Int32
}

// record makes a record of the rows held. It borrows the writer's buffers.
func (w *Writer) record() (rec arrow.Record, err error) {
	var arrays []arrow.Array
	for id, c := range w.cols {
		if c.kind == absent {
			continue
		}
		t, values := c.arrowType(id), memory.NewBufferBytes(w.parts[id])
		var data *array.Data
		switch c.kind {
		case isFloats:
			child := array.NewData(t.(*arrow.FixedSizeListType).Elem(), w.rows*int(c.width), []*memory.Buffer{nil, values}, nil, 0, 0)
			data = array.NewData(t, w.rows, []*memory.Buffer{nil}, []arrow.ArrayData{child}, 0, 0)
		case isText:
			data = array.NewData(t, w.rows, []*memory.Buffer{nil, memory.NewBufferBytes(w.offsets), values}, nil, 0, 0)
		default:
			data = array.NewData(t, w.rows, []*memory.Buffer{nil, values}, nil, 0, 0)
		}
		arrays = append(arrays, array.MakeFromData(data))
	}
	if w.extras != nil {
		more, err := w.extras.take(w.rows)
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, more...)
	}
	err = guard(func() error {
		rec = array.NewRecord(w.files.schema, arrays, int64(w.rows))
		return nil
	})
	return rec, err
}
