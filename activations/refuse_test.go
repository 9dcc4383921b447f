package activations

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
)

// A refusal is a bad dump and what the one error about it must say.
type refusal struct {
	name  string
	files map[string][]byte
	want  []string
}

func onePart(b []byte) map[string][]byte { return map[string][]byte{"part-00000.arrow": b} }

// TestRefusals opens each bad dump and reads all of it, which must fail with
// one line that says where and what to do.
func TestRefusals(t *testing.T) {
	for _, group := range [][]refusal{valueRefusals(t), nullRefusals(t), schemaRefusals(t), metadataRefusals(t), fileRefusals(t), folderRefusals(t)} {
		for _, r := range group {
			t.Run(r.name, func(t *testing.T) {
				dir := save(t, r.files)
				checkMessage(t, useAll(dir), append(r.want, dir)...)
			})
		}
	}
}

// useAll opens a dump and verifies it.
func useAll(path string) error {
	d, err := Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Verify(nil)
}

func checkMessage(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, s := range append(want, "") {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("no %q in: %v", s, err)
		}
	}
	if s := err.Error(); strings.Contains(s, "panic") || strings.Contains(s, "\n") || len(s) > 1000 {
		t.Errorf("not one clear line: %s", s)
	}
}

// rows gives n rows of JSON, made by format from the number of the row.
func rows(n int, format string) string {
	var list []string
	for i := range n {
		list = append(list, strings.ReplaceAll(format, "%", fmt.Sprint(i)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func le32(x float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)) }
func le16(h uint16) []byte  { return binary.LittleEndian.AppendUint16(nil, h) }

const marked = `[{"activation":[1,2,3]},{"activation":[4,5,6]},{"activation":[7,12345,9]}]`

func valueRefusals(t *testing.T) []refusal {
	s := schemaOf(nil, col("activation", fixed(3, f32)))
	plain := arrowFile(t, s, []string{rows(5, `{"activation":[%,1,2]}`), marked})
	half := arrowFile(t, schemaOf(nil, col("activation", fixed(3, f16))), []string{strings.Replace(marked, "12345", "12344", 1)})
	h := toHalf(math.Float32bits(12344))
	grad := schemaOf(nil, col("activation", fixed(1, f32)), col("gradient", fixed(1, f32)))
	target := schemaOf(nil, col("activation", fixed(1, f32)), col("target", fixed(2, f32)))
	remedy := "leave the row out"
	return []refusal{
		{"nan", onePart(replace(t, plain, le32(12345), le32(float32(math.NaN())))),
			[]string{"part-00000.arrow", "record batch 1", "row 2 (row 7 of the dump)", "value 1 of activation is NaN", remedy}},
		{"inf", onePart(replace(t, plain, le32(12345), le32(float32(math.Inf(-1))))),
			[]string{"record batch 1", "row 2", "value 1 of activation is -Inf", remedy}},
		{"half nan", onePart(replace(t, half, le16(h), le16(0x7e00))), []string{"record batch 0, row 2:", "value 1 of activation is NaN", remedy}},
		{"half inf", onePart(replace(t, half, le16(h), le16(0x7c00))), []string{"record batch 0, row 2:", "value 1 of activation is +Inf", remedy}},
		{"gradient nan", onePart(replace(t, arrowFile(t, grad, []string{`[{"activation":[1],"gradient":[12345]}]`}), le32(12345), le32(float32(math.NaN())))),
			[]string{"row 0", "value 0 of gradient is NaN"}},
		{"target inf", onePart(replace(t, arrowFile(t, target, []string{`[{"activation":[1],"target":[1,12345]}]`}), le32(12345), le32(float32(math.Inf(1))))),
			[]string{"row 0", "value 1 of target is +Inf"}},
		{"later shard", map[string][]byte{"part-00000.arrow": plain, "part-00001.arrow": replace(t, plain, le32(12345), le32(float32(math.NaN())))},
			[]string{"part-00001.arrow", "record batch 1", "row 2 (row 15 of the dump)"}},
		{"bad utf8", onePart(replace(t, arrowFile(t, schemaOf(nil, col("activation", fixed(1, f32)), col("token", text)),
			[]string{`[{"activation":[1],"token":"fine"},{"activation":[1],"token":"zzzz"}]`}), []byte("finezzzz"), []byte("finezz\xff\xfe"))),
			[]string{"record batch 0, row 1:", "UTF-8"}},
	}
}

func nullRefusals(t *testing.T) []refusal {
	act := col("activation", fixed(2, f32))
	file := func(f arrow.Field, rows string) map[string][]byte {
		return onePart(arrowFile(t, schemaOf(nil, act, f), []string{rows}))
	}
	list := []refusal{
		{"null row", onePart(arrowFile(t, schemaOf(nil, act), []string{`[{"activation":[1,2]}]`, `[{"activation":[1,2]},{"activation":null}]`})),
			[]string{"part-00000.arrow", "record batch 1, row 1", "activation is null", "leave the row out"}},
		{"null value", onePart(arrowFile(t, schemaOf(nil, act), []string{`[{"activation":[1,2]},{"activation":[1,2]},{"activation":[1,null]}]`})),
			[]string{"record batch 0, row 2", "value 1 of activation is null"}},
		{"null in list", onePart(arrowFile(t, schemaOf(nil, col("activation", arrow.ListOf(f32))), []string{`[{"activation":[1,2]},{"activation":[null,2]}]`})),
			[]string{"record batch 0, row 1", "value 0 of activation is null"}},
		{"null list", onePart(arrowFile(t, schemaOf(nil, col("activation", arrow.ListOf(f32))), []string{`[{"activation":[1,2]},{"activation":null}]`})),
			[]string{"record batch 0, row 1", "activation is null"}},
	}
	for name, typ := range map[string]arrow.DataType{"token_id": i32, "token": text, "doc": i64, "pos": i32, "label": i32} {
		good := "1"
		if name == "token" {
			good = `"a"`
		}
		r := `[{"activation":[1,2],"` + name + `":` + good + `},{"activation":[1,2],"` + name + `":null}]`
		list = append(list, refusal{"null " + name, file(col(name, typ), r), []string{"record batch 0, row 1", name + " is null", "leave the row out or fill it"}})
	}
	return append(list, refusal{"null in dictionary", file(col("token", dict), `[{"activation":[1,2],"token":"a"},{"activation":[1,2],"token":null}]`),
		[]string{"record batch 0, row 1", "token is null"}})
}

func schemaRefusals(t *testing.T) []refusal {
	wrong := func(name string, typ arrow.DataType, row string, want ...string) refusal {
		return refusal{name + " " + typ.String(), onePart(arrowFile(t, schemaOf(nil, col("activation", fixed(1, f32)), col(name, typ)),
			[]string{`[{"activation":[1],"` + name + `":` + row + `}]`})), append(want, "part-00000.arrow", "column "+name)}
	}
	list := []refusal{
		{"no activation", onePart(arrowFile(t, schemaOf(nil, col("activations", fixed(1, f32)), col("id", i32)), []string{`[{"activations":[1],"id":1}]`})),
			[]string{"no column called activation", `"activations", "id"`, "rename"}},
		{"double", onePart(arrowFile(t, schemaOf(nil, col("activation", fixed(1, arrow.PrimitiveTypes.Float64))), []string{`[{"activation":[1]}]`})),
			[]string{"column activation is fixed_size_list<float64>[1]", "float32 or float16", "saectl data convert"}},
		{"flat", onePart(arrowFile(t, schemaOf(nil, col("activation", f32)), []string{`[{"activation":1}]`})),
			[]string{"column activation is float32", "fixed_size_list"}},
		{"list of list", onePart(arrowFile(t, schemaOf(nil, col("activation", arrow.ListOf(arrow.ListOf(f32)))), []string{`[{"activation":[[1]]}]`})),
			[]string{"column activation is list<list<float32>>", "saectl data convert"}},
		{"twice", onePart(bytes.ReplaceAll(arrowFile(t, schemaOf(nil, col("label", i32), col("activation", fixed(1, f32)), col("labem", i32)),
			[]string{`[{"activation":[1],"label":1,"labem":1}]`}), []byte("labem"), []byte("label"))),
			[]string{"two columns called label"}},
		{"ragged", onePart(arrowFile(t, schemaOf(nil, col("activation", arrow.ListOf(f32))), []string{`[{"activation":[1,2]},{"activation":[1,2]},{"activation":[1]}]`})),
			[]string{"record batch 0, row 2", "has 1 values, the first row has 2"}},
		{"ragged, same sum", onePart(arrowFile(t, schemaOf(nil, col("activation", arrow.ListOf(f32))),
			[]string{`[{"activation":[1,2]}]`, `[{"activation":[1,2]},{"activation":[1,2,3]},{"activation":[1]}]`})),
			[]string{"record batch 1, row 1 (row 2 of the dump)", "has 3 values, the first row has 2"}},
		{"d 0 in list", onePart(arrowFile(t, schemaOf(nil, col("activation", arrow.ListOf(f32))), []string{`[{"activation":[]}]`})),
			[]string{"record batch 0, row 0", "0 values", "at least one"}},
		{"gradient of another width", onePart(arrowFile(t, schemaOf(nil, col("activation", fixed(2, f32)), col("gradient", fixed(1, f32))),
			[]string{`[{"activation":[1,2],"gradient":[1]}]`})), []string{"gradient has width 1 and activation 2"}},
		wrong("token_id", i64, "1", "is int64, want int32"),
		wrong("token_id", arrow.PrimitiveTypes.Uint32, "1", "is uint32, want int32"),
		wrong("doc", i32, "1", "is int32, want int64"),
		wrong("pos", i64, "1", "is int64, want int32"),
		wrong("label", arrow.PrimitiveTypes.Float32, "1", "is float32, want int32"),
		wrong("token", arrow.BinaryTypes.Binary, `"YQ=="`, "is binary, want utf8"),
		wrong("token", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: text}, `"a"`, "dictionary<int8, utf8>", "want utf8 or dictionary<int32, utf8>"),
		wrong("target", f32, "1", "is float32"),
	}
	zero := arrowFile(t, schemaOf(nil, col("activation", fixed(7, f32))), []string{`[{"activation":[1,2,3,4,5,6,7]}]`})
	return append(list, refusal{"d 0", onePart(setWidth(t, zero, 7, 0)), []string{"column activation has width 0", "at least one"}},
		refusal{"d negative", onePart(setWidth(t, zero, 7, -7)), []string{"column activation has width -7"}},
		refusal{"d huge", onePart(setWidth(t, zero, 7, math.MaxInt32)), []string{"record batch 0", "column activation", "2147483647 are due"}})
}

// setWidth changes the width that a footer gives to its only fixed_size_list.
func setWidth(t testing.TB, b []byte, from, to int32) []byte {
	t.Helper()
	b = bytes.Clone(b)
	n := len(b) - tailBytes
	footer := b[n-int(binary.LittleEndian.Uint32(b[n:])) : n]
	f := &flat{buf: footer}
	sch, _ := f.root().sub(1)
	at, _ := sch.vector(1, 4)
	typ, _ := sch.element(at, 0).sub(3)
	p := footer[typ.slot(0):]
	if int32(binary.LittleEndian.Uint32(p)) != from {
		t.Fatal("the width is not where it should be")
	}
	binary.LittleEndian.PutUint32(p, uint32(to))
	return b
}

func metadataRefusals(t *testing.T) []refusal {
	with := func(name string, m Metadata, want ...string) refusal {
		return refusal{name, onePart(arrowFile(t, schemaOf(m, col("activation", fixed(4, f32))), []string{`[{"activation":[1,2,3,4]}]`})), want}
	}
	return []refusal{
		with("future", Metadata{KeyVersion: "3"}, "format version 3", "up to version 1", "newer saectl"),
		with("version", Metadata{KeyVersion: "one"}, `sae.version is "one"`, "correct the metadata"),
		with("heads", Metadata{KeyHeads: "3", KeyHeadDim: "2"}, "sae.heads 3 times sae.head_dim 2", "4"),
		with("heads huge", Metadata{KeyHeads: "4611686018427387904", KeyHeadDim: "4"}, "sae.heads"),
		with("head_dim alone", Metadata{KeyHeadDim: "2"}, `sae.heads is ""`),
		with("reduction", Metadata{KeyLossReduction: "max"}, `sae.loss_reduction is "max"`, "sum or mean"),
		with("label names", Metadata{KeyLabelNames: "a,b"}, "sae.label_names is not a JSON list"),
		with("scale", Metadata{KeyScale: "0"}, `sae.scale is "0"`, "positive"),
		with("scale nan", Metadata{KeyScale: "NaN"}, "positive"),
	}
}

func fileRefusals(t *testing.T) []refusal {
	s := schemaOf(nil, col("activation", fixed(2, f32)))
	whole := arrowFile(t, s, []string{rows(50, `{"activation":[%,1]}`)})
	return []refusal{
		{"empty", onePart(nil), []string{"empty", "write it again"}},
		{"three bytes", onePart([]byte("ARR")), []string{"cut short", "3 bytes"}},
		{"text", onePart([]byte("row,value\n1,2\n")), []string{"not an Arrow file", "saectl data convert"}},
		{"cut", onePart(whole[:len(whole)/2]), []string{"cut short", fmt.Sprint(len(whole) / 2), "copy it again"}},
		{"cut by a byte", onePart(whole[:len(whole)-1]), []string{"cut short"}},
		{"stream", onePart(arrowStream(t, s, []string{`[{"activation":[1,2]}]`})), []string{"IPC stream", "saectl data convert"}},
		{"no rows", onePart(arrowFile(t, s, []string{"[]"})), []string{"no rows"}},
		{"no batches", onePart(arrowFile(t, s, nil)), []string{"no rows"}},
	}
}

func folderRefusals(t *testing.T) []refusal {
	file := func(m Metadata, rows string, f ...arrow.Field) []byte {
		return arrowFile(t, schemaOf(m, f...), []string{rows})
	}
	act, two := col("activation", fixed(1, f32)), `[{"activation":[1,2]}]`
	good := file(nil, `[{"activation":[1]}]`, act)
	pair := func(name string, second []byte, want ...string) refusal {
		return refusal{name, map[string][]byte{"part-00000.arrow": good, "part-00001.arrow": second},
			append(want, "part-00000.arrow", "part-00001.arrow", "in the first", "in the second", "keep the shards of one dump")}
	}
	return []refusal{
		pair("other d", file(nil, two, col("activation", fixed(2, f32))), "fixed_size_list<float32>[1]", "fixed_size_list<float32>[2]"),
		pair("other type", file(nil, `[{"activation":[1]}]`, col("activation", fixed(1, f16))), "float32", "float16"),
		pair("other columns", file(nil, `[{"activation":[1],"label":1}]`, act, col("label", i32)), "no such column", "label"),
		pair("other metadata", file(Metadata{KeyHook: "h"}, `[{"activation":[1]}]`, act), "sae.hook"),
		{"other list width", map[string][]byte{"part-00000.arrow": file(nil, two, col("activation", arrow.ListOf(f32))),
			"part-00001.arrow": file(nil, `[{"activation":[1]}]`, col("activation", arrow.ListOf(f32)))},
			[]string{"part-00000.arrow", "part-00001.arrow", "activation has width 2 in the first and 1 in the second"}},
		{"second cut", map[string][]byte{"part-00000.arrow": good, "part-00001.arrow": good[:100]}, []string{"part-00001.arrow", "cut short"}},
		{"nothing", nil, []string{"no shards called part-*.arrow", "empty"}},
		{"other files", map[string][]byte{"w_o.safetensors": nil, "data-00000-of-00001.arrow": good}, []string{"no shards", "data-00000-of-00001.arrow, w_o.safetensors", "saectl data convert"}},
		{"unfinished", map[string][]byte{tempName(0): good}, []string{"no shards", "not finished", "write it again"}},
	}
}

func TestOpenMissing(t *testing.T) {
	checkMessage(t, useAll(filepath.Join(t.TempDir(), "nowhere")), "nowhere", "opening the dump")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "part-00000.arrow"), 0o777); err != nil {
		t.Fatal(err)
	}
	checkMessage(t, useAll(dir), "part-00000.arrow", "regular file")
}

func TestOpenParentFolder(t *testing.T) {
	dir := writeNumbered(t, smallSchema(2, 1, false), 10)
	checkMessage(t, useAll(filepath.Dir(dir)), "its folder dump does", "give "+dir)
}

func TestShrunkAfterOpen(t *testing.T) {
	dir := writeNumbered(t, smallSchema(4, 1, false), 1000)
	d := mustOpen(t, dir)
	if err := os.Truncate(filepath.Join(dir, "part-00000.arrow"), 2000); err != nil {
		t.Fatal(err)
	}
	var b Batch
	checkMessage(t, d.Read(&b, []int64{999}, 0), "part-00000.arrow", "record batch 0", "column activation", "cut short", "leave a dump as it is")
	_, err := d.Fingerprint()
	checkMessage(t, err, "cut short")
}

func TestReadOutside(t *testing.T) {
	d := mustOpen(t, writeNumbered(t, smallSchema(2, 1, false), 10))
	var b Batch
	for _, row := range []int64{-1, 10} {
		checkMessage(t, d.Read(&b, []int64{0, row}, 0), fmt.Sprintf("no row %d", row), "0 to 9")
	}
}
