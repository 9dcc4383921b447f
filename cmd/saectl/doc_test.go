package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestREADME runs every command line that the README shows behind a $, in
// order, in an empty folder.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	ran := 0
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "$ saectl "); ok {
			want(t, 0, words(rest)...)
			ran++
		}
	}
	if ran < 5 {
		t.Errorf("ran %d command lines of the README", ran)
	}
}
