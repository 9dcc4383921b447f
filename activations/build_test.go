package activations

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A memFile is a file in memory that Arrow writes.
type memFile struct{ bytes.Buffer }

func (f *memFile) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("only the place is told")
	}
	return int64(f.Len()), nil
}

// The types from which files are built.
var (
	f32  = arrow.PrimitiveTypes.Float32
	f16  = arrow.FixedWidthTypes.Float16
	i32  = arrow.PrimitiveTypes.Int32
	i64  = arrow.PrimitiveTypes.Int64
	text = arrow.BinaryTypes.String
	dict = &arrow.DictionaryType{IndexType: i32, ValueType: text}
)

func fixed(d int32, t arrow.DataType) arrow.DataType { return arrow.FixedSizeListOf(d, t) }

func col(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

func schemaOf(meta Metadata, fields ...arrow.Field) *arrow.Schema {
	return arrow.NewSchema(fields, meta.arrow())
}

// arrowFile writes an Arrow file with a record batch for each JSON list of rows.
func arrowFile(t testing.TB, s *arrow.Schema, batches []string, opts ...ipc.Option) []byte {
	t.Helper()
	var f memFile
	w, err := ipc.NewFileWriter(&f, append(opts, ipc.WithSchema(s))...)
	if err != nil {
		t.Fatal(err)
	}
	writeBatches(t, w, s, batches)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Bytes()
}

// slicedFile writes rows in batches of the given sizes, which share their
// dictionaries.
func slicedFile(t testing.TB, s *arrow.Schema, rows string, sizes []int, opts ...ipc.Option) []byte {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(rows))
	if err != nil {
		t.Fatalf("%v in %s", err, rows)
	}
	var f memFile
	w, err := ipc.NewFileWriter(&f, append(opts, ipc.WithSchema(s))...)
	if err != nil {
		t.Fatal(err)
	}
	lo := int64(0)
	for _, n := range sizes {
		if err := w.Write(rec.NewSlice(lo, lo+int64(n))); err != nil {
			t.Fatal(err)
		}
		lo += int64(n)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Bytes()
}

func arrowStream(t testing.TB, s *arrow.Schema, batches []string) []byte {
	t.Helper()
	var f bytes.Buffer
	w := ipc.NewWriter(&f, ipc.WithSchema(s))
	writeBatches(t, w, s, batches)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Bytes()
}

func writeBatches(t testing.TB, w interface{ Write(arrow.Record) error }, s *arrow.Schema, batches []string) {
	t.Helper()
	for _, rows := range batches {
		rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(rows))
		if err != nil {
			t.Fatalf("%v in %s", err, rows)
		}
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
}

// save puts files into a folder and gives it.
func save(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// openBytes opens one file in memory as a dump.
func openBytes(b []byte) (*Dump, error) {
	return OpenShards("memory", []Shard{{Name: "memory/part-00000.arrow", R: bytes.NewReader(b), Size: int64(len(b))}})
}

// replace puts new in the place of old, which must be there once.
func replace(t testing.TB, b, old, new []byte) []byte {
	t.Helper()
	if len(old) != len(new) || bytes.Count(b, old) != 1 {
		t.Fatalf("%x is there %d times", old, bytes.Count(b, old))
	}
	return bytes.Replace(bytes.Clone(b), old, new, 1)
}
