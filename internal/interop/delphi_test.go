package interop

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/sae"
)

// TestDelphiGolden writes the cache of the golden reports again, from the
// latents that its case states.
func TestDelphiGolden(t *testing.T) {
	root := os.Getenv("SAECTL_GOLDEN")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "golden")
	}
	reports := filepath.Join(root, "formats", "reports")
	in, err := safetensors.Open(filepath.Join(reports, "case.safetensors"))
	if err != nil {
		t.Skipf("no golden reports: %v (SAECTL_GOLDEN names their folder)", err)
	}
	defer in.Close()
	d, codes, b := delphiCase(t, in)
	folders, _ := filepath.Glob(filepath.Join(reports, "delphi", "*", "config.json"))
	if len(folders) == 0 {
		t.Fatal("there is no cache")
	}
	for _, path := range folders {
		dir := filepath.Dir(path)
		files, _ := filepath.Glob(filepath.Join(dir, "*.safetensors"))
		out := t.TempDir()
		w, err := NewDelphiWriter(out, d, activations.AllRows(d.Rows()), codes.F, len(files))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(b, codes); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			sameCache(t, filepath.Join(out, filepath.Base(f)), f)
		}
		var got, want map[string]any
		for to, path := range map[*map[string]any]string{&got: filepath.Join(out, "config.json"), &want: path} {
			raw, err := os.ReadFile(path)
			if err != nil || json.Unmarshal(raw, to) != nil {
				t.Fatal(path, err)
			}
		}
		for k := range want {
			if _, ok := got[k]; !ok {
				t.Errorf("config.json lacks %s", k)
			}
		}
		for _, k := range []string{"ctx_len", "n_tokens", "n_splits"} {
			if got[k] != want[k] {
				t.Errorf("config.json: %s is %v, want %v", k, got[k], want[k])
			}
		}
		if left, _ := os.ReadDir(out); len(left) != len(files)+1 {
			t.Errorf("%d files, want %d", len(left), len(files)+1)
		}
	}
}

// TestDelphiWholeOrNothing ends a cache whose config.json cannot be written, and
// one that is given up: neither leaves ranges or folders behind.
func TestDelphiWholeOrNothing(t *testing.T) {
	d := documents(t)
	blocked := t.TempDir()
	if err := os.Mkdir(filepath.Join(blocked, "config.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(dir string) *DelphiWriter {
		w, err := NewDelphiWriter(dir, d, activations.AllRows(d.Rows()), 4, 2)
		if err != nil {
			t.Fatal(err)
		}
		b := &activations.Batch{N: 1, Row: []int64{0}, Doc: []int64{0}, Pos: []int32{0}}
		codes := sae.Encoded{N: 1, F: 4, RowPtr: []int32{0, 2}, Index: []int32{0, 3}, Value: []float32{1, 2}}
		if err := w.Write(b, codes); err != nil {
			t.Fatal(err)
		}
		return w
	}
	if err := write(blocked).Close(); err == nil {
		t.Error("a folder stands in the place of config.json, and all was written")
	}
	if left, _ := os.ReadDir(blocked); len(left) != 1 {
		t.Errorf("a cache that failed left %v", left)
	}
	parent := t.TempDir()
	given := write(filepath.Join(parent, "cache", "hook"))
	given.Discard()
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("a cache that was given up left %v", left)
	}
	whole := write(filepath.Join(parent, "cache", "hook"))
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	whole.Discard()
	if files, _ := os.ReadDir(filepath.Join(parent, "cache", "hook")); len(files) != 3 {
		t.Errorf("a cache of two ranges has %v", files)
	}
}

// documents is a dump of two documents of three rows.
func documents(t *testing.T) *activations.Dump {
	b := &activations.Batch{N: 6, D: 1, X: make([]float32, 6)}
	for i := range b.N {
		b.Row, b.Doc, b.Pos = append(b.Row, int64(i)), append(b.Doc, int64(i/3)), append(b.Pos, int32(i%3))
	}
	return writeDump(t, b, activations.DocPos)
}

// delphiCase makes a dump and codes of a case: x and z [rows,...], token_ids,
// prompts_context.
func delphiCase(t *testing.T, in *safetensors.File) (*activations.Dump, sae.Encoded, *activations.Batch) {
	t.Helper()
	x, err1 := in.Float32("x")
	z, err2 := in.Float32("z")
	ids, err3 := in.Int64("token_ids")
	shape, err4 := in.Int64("prompts_context")
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	n := len(ids)
	b := &activations.Batch{N: n, D: len(x) / n, X: x}
	codes := sae.Encoded{N: n, F: len(z) / n, RowPtr: []int32{0}}
	for i := range n {
		b.Row, b.Doc, b.Pos = append(b.Row, int64(i)), append(b.Doc, 7+2*(int64(i)/shape[1])), append(b.Pos, int32(int64(i)%shape[1])) // documents have other numbers than prompts
		b.TokenID = append(b.TokenID, int32(ids[i]))
		for f, v := range z[i*codes.F : (i+1)*codes.F] {
			if v != 0 {
				codes.Index, codes.Value = append(codes.Index, int32(f)), append(codes.Value, v)
			}
		}
		codes.RowPtr = append(codes.RowPtr, int32(len(codes.Index)))
	}
	return writeDump(t, b, activations.DocPos|activations.TokenID), codes, b
}

// writeDump writes b as a dump and opens it.
func writeDump(t *testing.T, b *activations.Batch, columns activations.Columns) *activations.Dump {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dump")
	w, err := activations.NewWriter(dir, activations.Schema{D: b.D, Columns: columns})
	if err == nil {
		err = w.Write(b, nil)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := activations.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// sameCache compares two files of a cache. Halves may differ in the last bit.
func sameCache(t *testing.T, got, want string) {
	t.Helper()
	a, err := safetensors.Open(got)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := safetensors.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, name := range b.Names() {
		ia, x, err := a.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		ib, y, err := b.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		if ia.Dtype != ib.Dtype || len(x) != len(y) {
			t.Fatalf("%s: %s is %s %v, want %s %v", got, name, ia.Dtype, ia.Shape, ib.Dtype, ib.Shape)
		}
		for i := 0; i < len(x); i += 2 {
			v, w := binary.LittleEndian.Uint16(x[i:]), binary.LittleEndian.Uint16(y[i:])
			if v == w {
				continue
			}
			var f [2]float32
			kernel.HalfToFloat(f[:], []uint16{v, w})
			if ia.Dtype != "F16" || math.Abs(float64(f[0]-f[1])) > 1e-3*math.Abs(float64(f[1])) {
				t.Fatalf("%s: %s, value %d is %d, want %d", got, name, i/2, v, w)
			}
		}
	}
}
