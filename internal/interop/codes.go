package interop

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// A CodesWriter writes the latents of rows as an Arrow IPC file, one row of
// the dump a row: its number, its latents ascending and their values. The two
// lists are compressed rows (CSR) as Arrow lays lists out.
type CodesWriter struct {
	w      *ipc.FileWriter
	schema *arrow.Schema
}

// NewCodesWriter starts a file on w. meta says which autoencoder and dump it
// is about.
func NewCodesWriter(w io.Writer, latents int, meta map[string]string) (*CodesWriter, error) {
	keys, values := []string{"sae.codes", "sae.latents"}, []string{"1", fmt.Sprint(latents)}
	for _, k := range []string{"variant", "seed", "dump_fingerprint", "version"} {
		if v, ok := meta[k]; ok {
			keys, values = append(keys, "sae."+k), append(values, v)
		}
	}
	md := arrow.NewMetadata(keys, values)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "row", Type: arrow.PrimitiveTypes.Int64},
		{Name: "latent", Type: arrow.ListOfNonNullable(arrow.PrimitiveTypes.Int32)},
		{Name: "value", Type: arrow.ListOfNonNullable(arrow.PrimitiveTypes.Float32)},
	}, &md)
	out, err := ipc.NewFileWriter(&seekable{Writer: w}, ipc.WithSchema(schema))
	if err != nil {
		return nil, err
	}
	return &CodesWriter{out, schema}, nil
}

// Write adds the codes of a batch as one record batch. Arrow lays lists out as
// codes are, so nothing is copied on the way to the file.
func (c *CodesWriter) Write(b *activations.Batch, codes sae.Encoded) error {
	number := array.NewInt64Data(array.NewData(c.schema.Field(0).Type, codes.N, []*memory.Buffer{nil, buffer(arrow.Int64Traits.CastToBytes(b.Row[:codes.N]))}, nil, 0, 0))
	latent := c.list(1, codes, arrow.Int32Traits.CastToBytes(codes.Index))
	value := c.list(2, codes, arrow.Float32Traits.CastToBytes(codes.Value))
	return c.w.Write(array.NewRecord(c.schema, []arrow.Array{number, latent, value}, int64(codes.N)))
}

// list is a column of lists, one for each row of the codes, of entries in bytes.
func (c *CodesWriter) list(field int, codes sae.Encoded, entries []byte) arrow.Array {
	of := c.schema.Field(field).Type.(*arrow.ListType)
	values := array.NewData(of.Elem(), len(codes.Index), []*memory.Buffer{nil, buffer(entries)}, nil, 0, 0)
	ends := buffer(arrow.Int32Traits.CastToBytes(codes.RowPtr))
	return array.NewListData(array.NewData(of, codes.N, []*memory.Buffer{nil, ends}, []arrow.ArrayData{values}, 0, 0))
}

func buffer(b []byte) *memory.Buffer { return memory.NewBufferBytes(b) }

// Close writes the footer. The writer below is the caller's to close.
func (c *CodesWriter) Close() error { return c.w.Close() }

// seekable lets Arrow's file writer, which asks where it is and never goes
// back, write to any io.Writer.
type seekable struct {
	io.Writer
	at int64
}

func (s *seekable) Write(b []byte) (int, error) {
	n, err := s.Writer.Write(b)
	s.at += int64(n)
	return n, err
}

func (s *seekable) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return s.at, fmt.Errorf("codes are written in order, the place %d (%d) cannot be gone to", offset, whence)
	}
	return s.at, nil
}
