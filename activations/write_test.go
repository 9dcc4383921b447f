package activations

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/internal/dtype"
)

// allColumns is every column of numbers.
const allColumns = Gradient | Target | TokenID | DocPos | Label

// numbered fills b with rows lo to lo+n-1 of a dump in which every value tells
// its row or its place in it, in numbers that float16 holds.
func numbered(b *Batch, lo int64, n, d, dOut int) (tokens []string) {
	*b = Batch{N: n, D: d, DOut: dOut}
	for i := range n {
		row := lo + int64(i)
		for j := range d {
			b.X = append(b.X, []float32{float32(row % 2048), float32(j) + float32(row%16)/16}[j%2])
			b.Gradient = append(b.Gradient, -float32(row%2048))
		}
		for range dOut {
			b.Target = append(b.Target, float32(row%2048)/2)
		}
		b.Row = append(b.Row, row)
		b.TokenID = append(b.TokenID, int32(row*3))
		b.Doc = append(b.Doc, row/7+1<<40)
		b.Pos = append(b.Pos, int32(row%7))
		b.Label = append(b.Label, int32(row%5)-1)
		tokens = append(tokens, fmt.Sprintf("<%d>", row*row))
	}
	return tokens
}

// smallSchema is that of numbered.
func smallSchema(d, dOut int, half bool) Schema {
	return Schema{D: d, DOut: dOut, Half: half, Columns: allColumns, Token: true,
		Metadata: Metadata{KeyModel: "counting", KeyHook: "blocks.0.hook_resid_post", "sae.extra": "kept", "other": "kept too"}}
}

// writeNumbered writes n rows in batches of 100 and gives the folder.
func writeNumbered(t testing.TB, s Schema, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dump")
	w, err := NewWriter(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	for lo := 0; lo < n; lo += 100 {
		var b Batch
		tokens := numbered(&b, int64(lo), min(100, n-lo), s.D, s.DOut)
		if err := w.Write(&b, tokens); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustOpen(t testing.TB, path string) *Dump {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// checkNumbered reads rows and compares all columns.
func checkNumbered(t *testing.T, d *Dump, rows []int64) {
	t.Helper()
	var got, want Batch
	if err := d.Read(&got, rows, allColumns); err != nil {
		t.Fatal(err)
	}
	texts, err := d.Tokens(rows)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		token := numbered(&want, row, 1, got.D, got.DOut)[0]
		x, g, y := got.X[i*got.D:(i+1)*got.D], got.Gradient[i*got.D:(i+1)*got.D], got.Target[i*got.DOut:(i+1)*got.DOut]
		if fmt.Sprint(x, g, y) != fmt.Sprint(want.X, want.Gradient, want.Target) {
			t.Fatalf("row %d: floats %v %v %v", row, x, g, y)
		}
		if have := [...]any{got.Row[i], got.TokenID[i], got.Doc[i], got.Pos[i], got.Label[i], texts[i]}; have !=
			[...]any{row, want.TokenID[0], want.Doc[0], want.Pos[0], want.Label[0], token} {
			t.Fatalf("row %d: %v", row, have)
		}
	}
}

func TestWriteRead(t *testing.T) {
	const n, d, dOut = 2000, 5, 3
	for _, half := range []bool{false, true} {
		s := smallSchema(d, dOut, half)
		s.ShardBytes = 20_000
		dir := writeNumbered(t, s, n)
		dump := mustOpen(t, dir)
		if dump.Rows() != n || dump.D() != d || dump.DOut() != dOut || dump.Half() != half || !dump.Has(allColumns) || !dump.HasToken() {
			t.Fatalf("got %d rows, d %d, d_out %d, half %v, columns %b", dump.Rows(), dump.D(), dump.DOut(), dump.Half(), dump.Columns())
		}
		if m := dump.Metadata(); m["other"] != "kept too" || m[KeyVersion] != "1" || fmt.Sprint(m.Unknown()) != "[sae.extra]" {
			t.Errorf("metadata %v", m)
		}
		if len(dump.Shards()) < 3 {
			t.Errorf("%d shards, want several of 20,000 bytes", len(dump.Shards()))
		}
		var rows int64
		for _, sh := range dump.Shards() {
			if rows += sh.Rows; sh.Size > s.ShardBytes+4096 {
				t.Errorf("%s has %d bytes", sh.Name, sh.Size)
			}
		}
		if rows != n {
			t.Errorf("the shards have %d rows", rows)
		}
		all := make([]int64, n)
		AllRows(n).Fill(all, 0)
		checkNumbered(t, dump, all)
	}
}

func TestHalf(t *testing.T) {
	var row [7]float32 // decoded four at a time and then one by one
	for h := range 1 << 16 {
		at := h % len(row)
		var raw [2 * len(row)]byte
		binary.LittleEndian.PutUint16(raw[2*at:], uint16(h))
		finite := floats(dtype.F16, row[:], raw[:])
		x := row[at:]
		exp, frac := h>>10&31, float64(h&0x3ff)
		want := math.Ldexp(frac, -24)
		switch {
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			want = math.NaN()
		case exp > 0:
			want = math.Ldexp(1024+frac, exp-25)
		}
		want = math.Copysign(want, float64(1-h>>15*2))
		if got := float64(x[0]); got != want && !(got != got && want != want) || math.Signbit(got) != math.Signbit(want) || finite != (exp < 31) {
			t.Fatalf("%#04x is %v (finite: %v), want %v", h, got, finite, want)
		}
		if finite {
			checkToHalf(t, uint16(h), x[0])
		}
	}
	if h := toHalf(math.Float32bits(65520)); h != 0x7c00 {
		t.Errorf("65520 becomes %#x, want infinity", h)
	}
}

// TestFinite finds what is not finite at every place of rows of many widths.
func TestFinite(t *testing.T) {
	values := map[float32]bool{float32(math.Inf(1)): false, float32(math.Inf(-1)): false, math.MaxFloat32: true,
		-math.MaxFloat32: true, math.SmallestNonzeroFloat32: true, 0: true}
	values[float32(math.NaN())] = false
	for v, finite := range values {
		for n := range 10 {
			for at := range n {
				raw := make([]byte, 4*n)
				for i := range n {
					binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(float32(-i)))
				}
				binary.LittleEndian.PutUint32(raw[4*at:], math.Float32bits(v))
				x := make([]float32, n)
				if floats(dtype.F32, x, raw) != finite || math.Float32bits(x[at]) != math.Float32bits(v) || at > 0 && x[0] != 0 || at < n-1 && x[n-1] != float32(1-n) {
					t.Fatalf("%v at %d of %v: not taken for finite: %v", v, at, x, finite)
				}
			}
		}
	}
}

// checkToHalf rounds v, the value of h, and what lies halfway to the next half.
func checkToHalf(t *testing.T, h uint16, v float32) {
	t.Helper()
	if got := toHalf(math.Float32bits(v)); got != h {
		t.Fatalf("%v becomes %#04x, want %#04x", v, got, h)
	}
	var next [1]float32
	if !floats(dtype.F16, next[:], binary.LittleEndian.AppendUint16(nil, h+1)) {
		return
	}
	mid := (v + next[0]) / 2
	even := h + h&1
	if got := toHalf(math.Float32bits(mid)); got != even {
		t.Fatalf("%v, halfway above %#04x, becomes %#04x, want %#04x", mid, h, got, even)
	}
	if got := toHalf(math.Float32bits(mid) - 1); got != h {
		t.Fatalf("just below %v becomes %#04x, want %#04x", mid, got, h)
	}
}
