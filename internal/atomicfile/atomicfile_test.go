package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file system with no room must cost the newest checkpoint, never the one
// before it.
func TestFailedSaveKeepsWhatWasThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := WriteBytes(path, []byte("before")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	err := Write(path, func(w io.Writer) error {
		w.Write([]byte("half"))
		return fmt.Errorf("writing: %w", full)
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "intact") {
		t.Errorf("error %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "before" {
		t.Errorf("the file holds %q", b)
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestClean(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{Prefix + "1", "kept"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Clean(dir); err != nil {
		t.Fatal(err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 || names[0].Name() != "kept" {
		t.Errorf("left: %v", names)
	}
}
