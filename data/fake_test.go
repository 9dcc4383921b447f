package data

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/reuse"
)

// fake is a dump in memory whose row i holds 10 i + j at j, and 7 i - j as its
// gradient.
type fake struct {
	n    int64
	d    int
	doc  func(row int64) int64 // nil for no column doc
	fail int64                 // reading this row is an error; 0 for none
}

func (f *fake) Name() string { return "fake" }
func (f *fake) Rows() int64  { return f.n }
func (f *fake) D() int       { return f.d }

func (f *fake) Has(c activations.Columns) bool {
	return c == activations.Gradient || c == activations.Doc && f.doc != nil
}

func (f *fake) Read(b *activations.Batch, rows []int64, cols activations.Columns) error {
	if err := f.ReadColumns(b, rows, cols); err != nil {
		return err
	}
	b.X = reuse.Slice(b.X, b.N*f.d)
	for k, row := range rows {
		for j := range f.d {
			b.X[k*f.d+j] = float32(10*row + int64(j))
		}
	}
	return nil
}

func (f *fake) ReadColumns(b *activations.Batch, rows []int64, cols activations.Columns) error {
	b.N, b.D, b.Row = len(rows), f.d, append(b.Row[:0], rows...)
	if cols&activations.Gradient != 0 {
		b.Gradient = reuse.Slice(b.Gradient, b.N*f.d)
	}
	if cols&activations.Doc != 0 && f.doc != nil {
		b.Doc = reuse.Slice(b.Doc, b.N)
	}
	for k, row := range rows {
		if row < 0 || row >= f.n || f.fail != 0 && row == f.fail {
			return fmt.Errorf("fake: row %d cannot be read", row)
		}
		if b.Doc != nil {
			b.Doc[k] = f.doc(row)
		}
		if b.Gradient != nil {
			for j := range f.d {
				b.Gradient[k*f.d+j] = float32(7*row - int64(j))
			}
		}
	}
	return nil
}

// check fails unless the batch holds the rows that it says, in full.
func (f *fake) check(t testing.TB, b *activations.Batch) {
	t.Helper()
	if len(b.Row) != b.N || len(b.X) != b.N*b.D || b.D != f.d {
		t.Fatalf("batch of %d rows of width %d has %d row numbers and %d values", b.N, b.D, len(b.Row), len(b.X))
	}
	for k, row := range b.Row {
		for j := range f.d {
			if b.X[k*f.d+j] != float32(10*row+int64(j)) {
				t.Fatalf("place %d, row %d: value %d is %v", k, row, j, b.X[k*f.d+j])
			}
		}
	}
}

// openReal opens a dump of the shared data, or skips the test.
func openReal(t testing.TB, name ...string) *activations.Dump {
	t.Helper()
	dir := os.Getenv("SAECTL_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{dir, "dumps"}, name...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real dump is missing: %v (SAECTL_DATA names the folder that holds dumps/)", err)
	}
	d, err := activations.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}
