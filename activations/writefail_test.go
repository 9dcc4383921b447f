package activations

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// checkEmpty asks that nothing of a dump is left in a folder.
func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range list {
		t.Errorf("%s was left", e.Name())
	}
}

// TestWriteRefusals: each bad batch is refused, and then the dump as a whole.
func TestWriteRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(b *Batch, tokens []string) []string
		want  []string
	}{
		"nan":          {func(b *Batch, k []string) []string { b.X[7] = float32(math.NaN()); return k }, []string{"row 103", "column activation", "value 1 is NaN"}},
		"inf":          {func(b *Batch, k []string) []string { b.Gradient[2] = float32(math.Inf(-1)); return k }, []string{"row 101", "column gradient", "value 0 is -Inf"}},
		"half":         {func(b *Batch, k []string) []string { b.Target[0] = 65520; return k }, []string{"row 100", "column target", "65520", "more than float16 holds; write float32"}},
		"width":        {func(b *Batch, k []string) []string { b.D = 3; return k }, []string{"a batch of width 3 for a dump of width 2"}},
		"short":        {func(b *Batch, k []string) []string { b.X = b.X[:len(b.X)-1]; return k }, []string{"column activation: 19 values for 10 rows, want 20"}},
		"missing":      {func(b *Batch, k []string) []string { b.Label = nil; return k }, []string{"column label: 0 values for 10 rows"}},
		"token":        {func(b *Batch, k []string) []string { k[3] = "\xff"; return k }, []string{"row 103", "column token", "UTF-8"}},
		"token number": {func(b *Batch, k []string) []string { return k[1:] }, []string{"column token: 9 values for 10 rows"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dump")
			w, err := NewWriter(dir, smallSchema(2, 1, true))
			if err != nil {
				t.Fatal(err)
			}
			var b Batch
			if err := w.Write(&b, numbered(&b, 0, 100, 2, 1)); err != nil {
				t.Fatal(err)
			}
			tokens := c.spoil(&b, numbered(&b, 100, 10, 2, 1))
			err = w.Write(&b, tokens)
			checkMessage(t, err, append(c.want, dir)...)
			if again := w.Close(); again != err {
				t.Errorf("Close says %v", again)
			}
			checkEmpty(t, dir)
		})
	}
}

func TestNewWriterRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		s    Schema
		want string
	}{
		"no width":         {Schema{}, "width 0"},
		"target without":   {Schema{D: 1, Columns: Target}, "target of width 0"},
		"width without":    {Schema{D: 1, DOut: 3}, "target of width 3"},
		"heads":            {Schema{D: 8, Metadata: Metadata{KeyHeads: "3", KeyHeadDim: "2"}}, "3 heads of 2"},
		"future":           {Schema{D: 8, Metadata: Metadata{KeyVersion: "2"}}, "version 2"},
		"row of gigabytes": {Schema{D: 1 << 28}, "a record batch may have"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := NewWriter(dir, c.s)
			checkMessage(t, err, dir, c.want)
			checkEmpty(t, dir)
		})
	}
	dir := writeNumbered(t, Schema{D: 1}, 1)
	_, err := NewWriter(dir, Schema{D: 1})
	checkMessage(t, err, dir, "holds one already", "part-00000.arrow")
}

func TestWriteNothing(t *testing.T) {
	dir := t.TempDir()
	w, err := NewWriter(dir, Schema{D: 1})
	if err != nil {
		t.Fatal(err)
	}
	checkMessage(t, w.Close(), dir, "no rows")
	checkEmpty(t, dir)
}

// TestWriteInterrupted: until Close nothing is called a shard, and what a
// killed process leaves does not hinder the next.
func TestWriteInterrupted(t *testing.T) {
	dir := t.TempDir()
	s := Schema{D: 4, ShardBytes: 1000}
	start := func() *Writer {
		w, err := NewWriter(dir, s)
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		numbered(&b, 0, 1000, 4, 0)
		if err := w.Write(&b, nil); err != nil {
			t.Fatal(err)
		}
		return w
	}
	start() // as if killed here
	list, err := os.ReadDir(dir)
	if err != nil || len(list) < 5 {
		t.Fatalf("%d files, %v", len(list), err)
	}
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s has its name before all is written", e.Name())
		}
	}
	checkMessage(t, useAll(dir), "not finished")
	w := start()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.Discard()
	if d := mustOpen(t, dir); d.Rows() != 1000 {
		t.Errorf("%d rows", d.Rows())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := w.Write(&Batch{D: 4}, nil); err == nil {
		t.Error("a closed dump was written to")
	}
}

// TestDiskFull writes to the device that is always full.
func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skipf("no device that is always full on %s", runtime.GOOS)
	}
	for _, full := range []int{0, 1} { // the first shard, or the second when the first is whole
		dir := t.TempDir()
		w, err := NewWriter(dir, Schema{D: 4, ShardBytes: 4000})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/dev/full", filepath.Join(dir, tempName(full))); err != nil {
			t.Fatal(err)
		}
		var b Batch
		numbered(&b, 0, 1000, 4, 0)
		if err = w.Write(&b, nil); err == nil {
			err = w.Close()
		}
		checkMessage(t, err, "no space left", tempName(full), "nothing of the dump was kept")
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("not the error of a full disk: %v", err)
		}
		checkEmpty(t, dir)
	}
}
