package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
)

const seeds = "testdata/seeds"

// TestSeeds reads a small file of each kind. Value i of row r is r + i/8.
func TestSeeds(t *testing.T) {
	list, err := os.ReadDir(seeds)
	if err != nil || len(list) < 10 {
		t.Fatalf("%d seeds, %v", len(list), err)
	}
	for _, e := range list {
		t.Run(e.Name(), func(t *testing.T) {
			d, b, err := converted(t, filepath.Join(seeds, e.Name()), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if b.N != 6 || b.D != 4 {
				t.Fatalf("%d rows of %d", b.N, b.D)
			}
			for r := range b.N {
				for i := range b.D {
					if v := b.X[r*b.D+i]; v != float32(r)+float32(i)/8 {
						t.Errorf("row %d, value %d is %v", r, i, v)
					}
				}
			}
			if d.Half() != (e.Name() == "docs.npy") {
				t.Errorf("float16 is %v", d.Half())
			}
			if strings.HasPrefix(e.Name(), "docs.a") || strings.HasPrefix(e.Name(), "docs.pa") {
				if want := []int64{0, 1, 1, 1, 2, 2}; !slices.Equal(b.Doc, want) || !slices.Equal(b.Pos, []int32{0, 0, 1, 2, 0, 1}) {
					t.Errorf("documents %v, positions %v", b.Doc, b.Pos)
				}
			}
			if e.Name() == "docs.arrow" && !slices.Equal(b.Label, []int32{7, 8, 8, 8, 9, 9}) {
				t.Errorf("a label of each document becomes %v", b.Label)
			}
			if d.HasToken() {
				if got, err := d.Tokens([]int64{0, 1, 2, 3, 4, 5}); err != nil || !slices.Equal(got, []string{"a", "é", "", "<s>", "b", "c"}) {
					t.Errorf("tokens %q, %v", got, err)
				}
			}
		})
	}
}

// npyBytes is an npy file of values in row-major order.
func npyBytes(descr, shape string, values any) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
	var b bytes.Buffer
	b.WriteString(npyMagic + "\x01\x00")
	binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	b.WriteString(header)
	binary.Write(&b, binary.LittleEndian, values)
	return b.Bytes()
}

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFiles takes columns from files of their own.
func TestFiles(t *testing.T) {
	x := write(t, "x.npy", npyBytes("<u2", "(4, 2)", []uint16{0x3f80, 0x4000, 0xbf80, 0, 0x4040, 0x3f00, 0x7f7f, 0x0080}))
	ids := write(t, "ids.npy", npyBytes("<i8", "(2, 2)", []int64{5, 6, 7, 8}))
	target := write(t, "y.npy", npyBytes("<f8", "(4, 1)", []float64{1, 2, 3, 1e-60}))
	d, b, err := converted(t, x, Options{As: "bfloat16", TokenID: ids, Target: target, Context: 2, Metadata: activations.Metadata{activations.KeyModel: "m"}})
	if err != nil {
		t.Fatal(err)
	}
	sameBits(t, b.X, []float32{1, 2, -1, 0, 3, 0.5, math.Float32frombits(0x7f7f0000), math.Float32frombits(0x00800000)})
	sameBits(t, b.Target, []float32{1, 2, 3, 0})
	if !slices.Equal(b.TokenID, []int32{5, 6, 7, 8}) || !slices.Equal(b.Doc, []int64{0, 0, 1, 1}) || !slices.Equal(b.Pos, []int32{0, 1, 0, 1}) {
		t.Errorf("ids %v, documents %v, positions %v", b.TokenID, b.Doc, b.Pos)
	}
	if d.DOut() != 1 || d.Metadata().Model() != "m" {
		t.Errorf("target of %d, model %q", d.DOut(), d.Metadata().Model())
	}
	for want, o := range map[string]Options{
		"no column of the source": {TokenID: "ids"},
		"3 rows for token_id":     {TokenID: write(t, "short.npy", npyBytes("<i4", "(3,)", []int32{1, 2, 3}))},
		"does not fit":            {TokenID: write(t, "large.npy", npyBytes("<i8", "(4,)", []int64{1, 2, 3, 1 << 40}))},
		"rows of 1 values":        {Gradient: target},
		"float64 has 8":           {As: "float64"},
		"no type to read":         {As: "int8"},
		"holds float64":           {Label: target},
	} {
		if _, _, err := converted(t, x, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", o, err, want)
		}
	}
	big := write(t, "big.npy", npyBytes("<f8", "(1, 2)", []float64{1, 1e300}))
	if _, _, err := converted(t, big, Options{}); err == nil || !strings.Contains(err.Error(), "row 0, value 1") || !strings.Contains(err.Error(), "float32 holds") {
		t.Errorf("a float64 that float32 cannot hold: %v", err)
	}
}

// TestResume stops a conversion at several places and goes on: the shards are
// those of one that was never stopped.
func TestResume(t *testing.T) {
	const rows, d = 20000, 16
	x := make([]float32, rows*d)
	for i := range x {
		x[i] = float32(i) / 3
	}
	src := write(t, "x.npy", npyBytes("<f4", fmt.Sprintf("(%d, 50, %d)", rows/50, d), x))
	o := Options{ShardBytes: 100 << 10}
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := Convert(context.Background(), src, whole, o); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "parts")
	stopped := 0
	for i := 0; ; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		stop := o
		stop.batch = 1000
		stop.Progress = func(done, total int64) {
			if i < 3 && done >= int64(i+1)*4000 && done < total {
				cancel()
			}
		}
		res, err := Convert(ctx, src, out, stop)
		cancel()
		if err == nil {
			if res.Resumed == 0 {
				t.Error("nothing was taken up")
			}
			break
		}
		stopped++
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := activations.Open(out); err == nil || !strings.Contains(err.Error(), "not finished") {
			t.Errorf("an unfinished dump opens: %v", err)
		}
		other := o
		other.Half = true
		if _, err := Convert(context.Background(), src, out, other); err == nil || !strings.Contains(err.Error(), "other flags") {
			t.Errorf("other flags go on with the shards: %v", err)
		}
	}
	if stopped != 3 {
		t.Errorf("stopped %d times", stopped)
	}
	sameFolders(t, out, whole)
}

func sameFolders(t *testing.T, got, want string) {
	t.Helper()
	a, _ := os.ReadDir(got)
	b, err := os.ReadDir(want)
	if err != nil || len(a) != len(b) || len(b) < 5 {
		t.Fatalf("%d files, want %d, %v", len(a), len(b), err)
	}
	for i := range a {
		x, _ := os.ReadFile(filepath.Join(got, a[i].Name()))
		y, _ := os.ReadFile(filepath.Join(want, b[i].Name()))
		if a[i].Name() != b[i].Name() || !bytes.Equal(x, y) {
			t.Errorf("%s differs from %s", a[i].Name(), b[i].Name())
		}
	}
}

// TestSeek reads every seed from every row on.
func TestSeek(t *testing.T) {
	list, _ := os.ReadDir(seeds)
	for _, e := range list {
		c, err := open(filepath.Join(seeds, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		col, _, err := activationColumn(e.Name(), c, "")
		if err != nil {
			t.Fatal(err)
		}
		var all, part rows
		if err := col.read(&all, col.rows); err != nil {
			t.Fatal(err)
		}
		size := col.d * col.kind.Size()
		for from := range col.rows {
			if err := col.seek(from); err != nil {
				t.Fatal(err)
			}
			for n := int64(1); from+n <= col.rows && n < 3; n++ {
				if err := col.read(&part, n); err != nil {
					t.Fatalf("%s from row %d: %v", e.Name(), from, err)
				}
				if !bytes.Equal(part.raw, all.raw[from*size:(from+n)*size]) {
					t.Errorf("%s: %d rows from %d on are others than when read in one go", e.Name(), n, from)
				}
				if len(all.doc) > 0 && (!slices.Equal(part.doc, all.doc[from:from+n]) || !slices.Equal(part.pos, all.pos[from:from+n])) {
					t.Errorf("%s: from row %d documents %v, positions %v, want %v, %v", e.Name(), from, part.doc, part.pos, all.doc[from:from+n], all.pos[from:from+n])
				}
				if err := col.seek(from); err != nil {
					t.Fatal(err)
				}
			}
		}
		col.Close()
		c.Close()
	}
}

// TestFolder joins files of one kind in the order of their names.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		x := []float32{float32(i), float32(10 * i)}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("chunk-%d.npy", i)), npyBytes("<f4", "(1, 2, 1)", x), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, b, err := converted(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sameBits(t, b.X, []float32{0, 0, 1, 10, 2, 20})
	if !slices.Equal(b.Doc, []int64{0, 0, 1, 1, 2, 2}) {
		t.Errorf("documents %v", b.Doc)
	}
	os.WriteFile(filepath.Join(dir, "x.parquet"), nil, 0o644)
	if _, _, err := converted(t, dir, Options{}); err == nil || !strings.Contains(err.Error(), "several kinds") {
		t.Errorf("files of two kinds: %v", err)
	}
}
