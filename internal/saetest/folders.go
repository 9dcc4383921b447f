package saetest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Folder is a folder below the golden cases, such as "formats/arrays". It
// skips the test, saying so, when there are no golden cases at all.
func Folder(t *testing.T, name string) string {
	t.Helper()
	root := goldenRoot(t)
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no golden cases: %s does not exist; set SAECTL_GOLDEN to the folder that holds %s", root, name)
	}
	return filepath.Join(root, filepath.FromSlash(name))
}

// FolderCases runs f as a subtest folder/case for every case of a folder whose
// cases are folders with case.json and case.safetensors and the files of
// another tool. dir is the case's own.
func FolderCases(t *testing.T, name string, f func(t *testing.T, c *Case, dir string)) {
	t.Helper()
	root := Folder(t, name)
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		if _, err := os.Stat(filepath.Join(dir, "case.json")); err != nil {
			continue
		}
		ran++
		t.Run(filepath.Base(root)+"/"+e.Name(), func(t *testing.T) {
			c := open(t, dir, "case")
			c.Folder, c.Name = filepath.Base(root), e.Name()
			f(t, c, dir)
		})
	}
	if ran == 0 {
		t.Fatalf("%s holds no case", root)
	}
}
