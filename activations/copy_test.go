package activations

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// withExtras is a dump in three shards with columns that the format does not
// name: numbers with nulls, nested lists, structures, and a dictionary that is
// another in each shard.
func withExtras(t testing.TB, opts ...ipc.Option) string {
	s := schemaOf(Metadata{KeyModel: "m", "other": "kept"},
		col("norm", arrow.PrimitiveTypes.Float64), col("activation", listOf(2, f16)), col("token", dict),
		col("tags", arrow.ListOf(text)), col("kind", dict), col("place", arrow.StructOf(col("x", i32), col("file", text))))
	files := map[string][]byte{}
	for shard := range 3 {
		var rows []string
		for i := range 40 {
			row := shard*40 + i
			norm := fmt.Sprint(float64(row) / 8)
			if row%5 == 0 {
				norm = "null"
			}
			rows = append(rows, fmt.Sprintf(`{"norm":%s,"activation":[%d,%d],"token":"t%d","tags":["a%d","b"],"kind":"s%d-%d","place":{"x":%d,"file":"f%d"}}`,
				norm, row, -row, row, row, shard, i%3, row, row))
		}
		files[shardName(shard)] = slicedFile(t, s, "["+joinStrings(rows)+"]", []int{15, 0, 25}, opts...)
	}
	return save(t, files)
}

// arrowRows reads the columns that the format does not name with Arrow, as
// text, a line a row.
func arrowRows(t *testing.T, d *Dump) []string {
	t.Helper()
	var list []string
	for _, s := range d.shards {
		r, err := s.arrowReader()
		if err != nil {
			t.Fatal(err)
		}
		r.mem.left = 1 << 30
		for i := range r.NumRecords() {
			rec, err := r.RecordAt(i)
			if err != nil {
				t.Fatal(err)
			}
			for row := range int(rec.NumRows()) {
				line := ""
				for _, name := range []string{"norm", "tags", "kind", "place"} {
					c := rec.Column(rec.Schema().FieldIndices(name)[0])
					line += name + "=" + c.ValueStr(row) + " "
				}
				list = append(list, line)
			}
		}
	}
	return list
}

func TestCopyKeepsColumns(t *testing.T) {
	for _, opts := range [][]ipc.Option{nil, {ipc.WithZstd()}, {ipc.WithLZ4()}} {
		d := mustOpen(t, withExtras(t, opts...))
		if n := len(d.OtherColumns()); n != 4 {
			t.Fatalf("%d other columns: %q", n, d.OtherColumns())
		}
		if err := d.Verify(nil); err != nil {
			t.Fatal(err)
		}
		rows := MakeRows(Run{3, 4}, Run{10, 20}, Run{41, 42}, Run{50, 90}, Run{119, 120})
		dst := filepath.Join(t.TempDir(), "copy")
		if err := Copy(dst, d, rows, Metadata{KeySplit: "test"}); err != nil {
			t.Fatal(err)
		}
		c := mustOpen(t, dst)
		if m := c.Metadata(); m[KeySplit] != "test" || m["other"] != "kept" || m[KeyModel] != "m" || m[KeyVersion] != "1" {
			t.Errorf("metadata %v", m)
		}
		if c.Rows() != rows.Len() || !c.Half() || c.D() != 2 {
			t.Fatalf("%d rows of %d, half %v", c.Rows(), c.D(), c.Half())
		}
		if f := c.shards[0].schema.fields[0]; f.name != "activation" || f.typ != typeFixedList {
			t.Errorf("activation is written as %v", f)
		}
		from, to := arrowRows(t, d), arrowRows(t, c)
		for i := range rows.Len() {
			if to[i] != from[rows.At(i)] {
				t.Fatalf("row %d is %s, row %d was %s", i, to[i], rows.At(i), from[rows.At(i)])
			}
		}
		compareRows(t, d, c, rows)
		if err := c.Verify(nil); err != nil {
			t.Error(err)
		}
	}
}

// compareRows compares the format's columns of the copy with those rows.
func compareRows(t *testing.T, d, c *Dump, rows Rows) {
	t.Helper()
	src, dst := make([]int64, rows.Len()), make([]int64, rows.Len())
	rows.Fill(src, 0)
	AllRows(rows.Len()).Fill(dst, 0)
	var x, y Batch
	if err := d.Read(&x, src, ^Columns(0)); err != nil {
		t.Fatal(err)
	}
	if err := c.Read(&y, dst, ^Columns(0)); err != nil {
		t.Fatal(err)
	}
	y.Row = x.Row
	if fmt.Sprint(x) != fmt.Sprint(y) {
		t.Error("the copy has other numbers")
	}
	a, err := d.Tokens(src)
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Tokens(dst)
	if err != nil || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("the copy has other tokens: %q, %v", b, err)
	}
}

// TestCopyMany copies more rows than a record batch and a read hold.
func TestCopyMany(t *testing.T) {
	s := smallSchema(2, 1, false)
	s.ShardBytes = 100_000
	d := mustOpen(t, writeNumbered(t, s, 10_000))
	dst := filepath.Join(t.TempDir(), "copy")
	if err := Copy(dst, d, AllRows(d.Rows()), nil); err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, dst)
	compareRows(t, d, c, AllRows(d.Rows()))
	if a, b := must(d.Fingerprint()), must(c.Fingerprint()); a != b {
		t.Error("a copy of all rows has another fingerprint")
	}
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

func TestCopyRefusals(t *testing.T) {
	d := mustOpen(t, withExtras(t))
	checkMessage(t, Copy(t.TempDir(), d, Rows{}, nil), d.Name(), "no rows were chosen")
	checkMessage(t, Copy(t.TempDir(), d, MakeRows(Run{100, 121}), nil), d.Name(), "the rows are 0 to 119")
	checkMessage(t, Copy(filepath.Dir(d.shards[0].name), d, AllRows(3), nil), "holds one already")
	bad := t.TempDir()
	checkMessage(t, Copy(bad, d, AllRows(3), Metadata{KeyScale: "-1"}), "positive")
	other := func(unit arrow.TimeUnit) []byte {
		return arrowFile(t, schemaOf(nil, col("activation", fixed(1, f32)), col("when", &arrow.TimestampType{Unit: unit})),
			[]string{`[{"activation":[1],"when":"2020-01-01"}]`})
	}
	mixed := mustOpen(t, save(t, map[string][]byte{"part-00000.arrow": other(arrow.Second), "part-00001.arrow": other(arrow.Nanosecond)}))
	err := Copy(bad, mixed, AllRows(2), nil)
	checkMessage(t, err, "part-00000.arrow", "part-00001.arrow", "timestamp[s]", "timestamp[ns]")
	if err := mixed.Verify(nil); err == nil {
		t.Error("shards with other types of a column that is only copied pass")
	}
	checkEmpty(t, bad)
}

// TestVerifyExtras damages a column that only Arrow decodes.
func TestVerifyExtras(t *testing.T) {
	b := arrowFile(t, schemaOf(nil, col("activation", fixed(1, f32)), col("note", text)), []string{`[{"activation":[1],"note":"abcdefgh"}]`})
	offsets := []byte{0, 0, 0, 0, 8, 0, 0, 0}
	at := bytes.LastIndex(b[:bytes.Index(b, []byte("abcdefgh"))], offsets)
	if at < 0 {
		t.Fatal("no offsets found")
	}
	b = bytes.Clone(b)
	b[at+4] = 200
	d, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	checkMessage(t, d.Verify(nil), "memory/part-00000.arrow", "record batch 0", "Arrow library")
	var rec Batch
	if err := d.Read(&rec, []int64{0}, 0); err != nil {
		t.Errorf("a damaged column that nobody reads stops the others: %v", err)
	}
}

// TestVerifyProgress: the rows done grow to all rows.
func TestVerifyProgress(t *testing.T) {
	d := mustOpen(t, writeNumbered(t, smallSchema(2, 1, false), 3*chunkRows+1))
	var last, calls int64
	err := d.Verify(func(done, total int64) {
		if done < last || total != d.Rows() {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last = done
		calls++
	})
	if err != nil || last != d.Rows() || calls < 4 {
		t.Errorf("%d rows in %d calls, %v", last, calls, err)
	}
}
