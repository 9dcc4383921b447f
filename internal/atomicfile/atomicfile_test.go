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

// TestSet fails at each place where a set can fail, and wants nothing left.
func TestSet(t *testing.T) {
	full := errors.New("no space left on device")
	for name, c := range map[string]struct {
		write  func(io.Writer) error // of the second file
		blocks string                // a folder with this name is in the way
		fails  bool
	}{
		"all is written":      {write: bytesTo([]byte("b"))},
		"the disk is full":    {write: func(io.Writer) error { return full }, fails: true},
		"a name is taken":     {write: bytesTo([]byte("b")), blocks: "b", fails: true},
		"the last is taken":   {write: bytesTo([]byte("b")), blocks: "c", fails: true},
		"the first one taken": {write: bytesTo([]byte("b")), blocks: "a", fails: true},
	} {
		dir := t.TempDir()
		if c.blocks != "" {
			if err := os.Mkdir(filepath.Join(dir, c.blocks), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		var s Set
		err := s.WriteBytes(filepath.Join(dir, "a"), []byte("a"))
		if err == nil {
			err = s.Write(filepath.Join(dir, "b"), c.write)
		}
		if err == nil {
			err = s.WriteBytes(filepath.Join(dir, "c"), []byte("c"))
		}
		if err == nil {
			err = s.Commit()
		}
		s.Discard()
		var left []string
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if !e.IsDir() {
				left = append(left, e.Name())
			}
		}
		want := map[bool]string{false: "[a b c]", true: "[]"}[c.fails]
		if (err != nil) != c.fails || fmt.Sprint(left) != want {
			t.Errorf("%s: %v, %v is there, want %s", name, err, left, want)
		}
	}
}
