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
	w     *ipc.FileWriter
	b     *array.RecordBuilder
	index *array.Int32Builder
	value *array.Float32Builder
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
	c := &CodesWriter{w: out, b: array.NewRecordBuilder(memory.NewGoAllocator(), schema)}
	c.index = c.b.Field(1).(*array.ListBuilder).ValueBuilder().(*array.Int32Builder)
	c.value = c.b.Field(2).(*array.ListBuilder).ValueBuilder().(*array.Float32Builder)
	return c, nil
}

// Write adds the codes of a batch as one record batch.
func (c *CodesWriter) Write(b *activations.Batch, codes sae.Encoded) error {
	c.b.Field(0).(*array.Int64Builder).AppendValues(b.Row[:codes.N], nil)
	for i := range codes.N {
		index, value := codes.Row(i)
		c.b.Field(1).(*array.ListBuilder).Append(true)
		c.index.AppendValues(index, nil)
		c.b.Field(2).(*array.ListBuilder).Append(true)
		c.value.AppendValues(value, nil)
	}
	rec := c.b.NewRecord()
	defer rec.Release()
	return c.w.Write(rec)
}

// Close writes the footer. The writer below is the caller's to close.
func (c *CodesWriter) Close() error {
	c.b.Release()
	return c.w.Close()
}

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
