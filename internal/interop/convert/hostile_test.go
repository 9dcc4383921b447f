package convert

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// maxCost and maxTime bound what refusing a hostile file may take.
const (
	maxCost = 64 << 20
	maxTime = time.Second
)

// TestHostileGolden opens every broken file that is no folder of an
// autoencoder, as a source and, where it is sound as a container, reads all
// of it. All must be refused.
func TestHostileGolden(t *testing.T) {
	dir := filepath.Join(formats(t), "hostile")
	var manifest struct {
		Files []struct {
			Path, Wrong string
			OpenAs      string `json:"open_as"`
			ShouldSay   string `json:"should_say"`
		}
	}
	readJSON(t, filepath.Join(dir, "manifest.json"), &manifest)
	ran := 0
	for _, f := range manifest.Files {
		switch f.OpenAs {
		case "saelens", "sparsify", "dictionary_learning":
			continue
		}
		ran++
		t.Run("hostile/"+f.Path, func(t *testing.T) {
			src := filepath.Join(dir, filepath.FromSlash(f.Path))
			out := filepath.Join(t.TempDir(), "dump")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			err := everything(src, out)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if cost := after.TotalAlloc - before.TotalAlloc; cost > maxCost {
				t.Errorf("%d bytes were allocated", cost)
			}
			if took > maxTime {
				t.Errorf("it took %v", took)
			}
			if _, e := os.Stat(out); !errors.Is(e, os.ErrNotExist) {
				t.Errorf("something was written: %v", e)
			}
			if f.Path == "arrow/stream_where_file_is_expected.arrow" && err == nil {
				return // a sound stream, which activations.Open refuses and this reads
			}
			if f.Path == "torch/nested_sharing_bomb.pt" && err == nil {
				t.Fatal("accepted")
			}
			checkMessage(t, err, src)
			t.Logf("%s (%s): %v", f.Wrong, f.ShouldSay, err)
		})
	}
	if ran == 0 {
		t.Error("the manifest lists no files")
	}
}

// checkMessage asks for one clear error that names the file.
func checkMessage(t *testing.T, err error, src string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was accepted")
	}
	s := err.Error()
	for _, bad := range []string{"panic", "goroutine", "\n", "<nil>", "runtime error"} {
		if strings.Contains(s, bad) {
			t.Errorf("the message holds %q: %s", bad, s)
		}
	}
	if !strings.Contains(s, src) || len(s) > 600 {
		t.Errorf("the message does not name the file, or is too long (%d bytes): %.600s", len(s), s)
	}
}

// everything converts src and, if the conversion stops because no column was
// chosen, reads all columns.
func everything(src, out string) error {
	_, err := Convert(context.Background(), src, out, Options{})
	if err == nil {
		os.RemoveAll(out)
	}
	c, openErr := open(src)
	if openErr != nil {
		return openErr
	}
	defer c.Close()
	for _, e := range c.entries() {
		for _, flat := range []bool{false, true} {
			if e := drain(c, e.name, flat); e != nil && err == nil {
				err = e
			}
		}
	}
	return err
}

// drain reads a column to its end.
func drain(c container, name string, flat bool) error {
	col, err := c.open(name, flat)
	if err != nil {
		return err
	}
	defer col.Close()
	var r rows
	for left := col.rows; left > 0; {
		n := min(left, 1<<12)
		if err := col.read(&r, n); err != nil {
			return err
		}
		if size := col.kind.Size(); size > 0 && int64(len(r.raw)) != n*col.d*size || size == 0 && int64(len(r.text)) != n {
			return io.ErrShortBuffer
		}
		left -= n
	}
	return nil
}
