package activations

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// smallFiles are files that between them have every part that the reader
// knows: all columns, both kinds of list and of token, compression, columns
// that only Arrow decodes.
func smallFiles(t testing.TB) map[string][]byte {
	files := map[string][]byte{}
	for _, l := range layouts() {
		l.sizes = [][]int{{9, 11}}
		files[l.name] = l.write(t)[shardName(0)]
	}
	for _, path := range []string{withExtras(t)} {
		d, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, d.shards[0].size)
		if err := d.shards[0].readAt(b, 0); err != nil {
			t.Fatal(err)
		}
		d.Close()
		files["extras"] = b
	}
	return files
}

// maxCost is what opening and reading a small file may allocate, whatever the
// file says of itself: 200,000 damaged files took 3 MB at most.
const maxCost = 16 << 20

// use opens a file that may say anything and reads all of it in every way. It
// reports what must not happen; errors are fine, and clear.
func use(b []byte) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := useBytes(b)
	runtime.ReadMemStats(&after)
	if cost := after.TotalAlloc - before.TotalAlloc; cost > maxCost {
		return fmt.Errorf("%d bytes were allocated for a file of %d", cost, len(b))
	}
	if err != nil {
		s := err.Error()
		if strings.Contains(s, "panic") || strings.Contains(s, "goroutine") || len(s) > 2000 || !strings.Contains(s, "memory") {
			return fmt.Errorf("not a clear error: %s", s)
		}
	}
	return nil
}

func useBytes(b []byte) error {
	d, err := openBytes(b)
	if err != nil {
		return err
	}
	if err := d.Verify(nil); err != nil {
		return err
	}
	if _, err := d.sum(); err != nil {
		return err
	}
	d.Metadata().Unknown()
	d.OtherColumns()
	var rec Batch
	rows := []int64{d.Rows() - 1, 0, d.Rows() / 2}
	if err := d.Read(&rec, rows, ^Columns(0)); err != nil {
		return err
	}
	if d.HasToken() {
		if _, err = d.Tokens(rows); err != nil {
			return err
		}
	}
	return copyExtras(d)
}

// copyExtras takes the columns that only a copy keeps through all of it but
// the disk.
func copyExtras(d *Dump) error {
	x := &extras{d: d, fields: d.others()}
	for _, b := range d.batches {
		if err := x.add(&Writer{}, b, MakeRows(Run{b.first, b.first + 1}, Run{b.first + 2, b.first + b.rows})); err != nil {
			return err
		}
	}
	if len(x.fields) == 0 {
		return nil
	}
	_, err := x.take(x.waiting[0][0].Len())
	return err
}

// TestDamaged flips bits, overwrites words and cuts files at thousands of
// places. Nothing may panic or allocate what the file cannot justify.
func TestDamaged(t *testing.T) {
	files := smallFiles(t)
	for name, whole := range files {
		t.Run(name, func(t *testing.T) {
			if err := useBytes(whole); err != nil {
				t.Fatalf("the whole file is refused: %v", err)
			}
			rng := rand.New(rand.NewPCG(5, uint64(len(whole))))
			for range damagesFor(name) {
				b := bytes.Clone(whole)
				what := damage(rng, &b)
				if err := use(b); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

func damagesFor(name string) int {
	switch name {
	case "plain", "extras":
		return 2000
	}
	return 300
}

// damage changes b in one of the ways in which files break, or are broken.
func damage(rng *rand.Rand, b *[]byte) string {
	n := len(*b)
	at := rng.IntN(n)
	if rng.IntN(2) == 0 { // the metadata are the smaller part and the more telling
		at = n - 1 - rng.IntN(min(n, 2500))
	}
	switch rng.IntN(6) {
	case 0:
		*b = (*b)[:at]
		return fmt.Sprintf("cut at %d", at)
	case 1:
		at &^= 3
		word := []uint32{0, 1, 0x7fffffff, 0x80000000, 0xffffffff, rng.Uint32(), 1 << rng.IntN(32)}[rng.IntN(7)]
		for i := 0; i < 4 && at+i < n; i++ {
			(*b)[at+i] = byte(word >> (8 * i))
		}
		return fmt.Sprintf("word %#x at %d", word, at)
	case 2:
		m := min(1+rng.IntN(64), n-at)
		clear((*b)[at : at+m])
		return fmt.Sprintf("%d zeros at %d", m, at)
	}
	bit := byte(1) << rng.IntN(8)
	(*b)[at] ^= bit
	return fmt.Sprintf("bit %#x flipped at %d", bit, at)
}

// FuzzOpen looks for a file that makes the reader panic, or allocate more than
// it can justify.
func FuzzOpen(f *testing.F) {
	for _, b := range smallFiles(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := use(b); err != nil {
			t.Error(err)
		}
	})
}
