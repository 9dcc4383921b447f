package data

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
)

// TestReadTree reads the settings of a tree back from its truth, and takes a
// planted dictionary for none.
func TestReadTree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tree")
	want := DefaultTree()
	want.Rows, want.Seed, want.Correlation, want.ChildStd = 50, 1<<63+5, 0.1, 0.025
	if err := WriteTree(context.Background(), dir, want, nil); err != nil {
		t.Fatal(err)
	}
	g, err := ReadTree(dir)
	if err != nil || g == nil {
		t.Fatalf("%v, %v", g, err)
	}
	truth, err := ReadTruth(dir)
	if err != nil || g.t != want || !slices.Equal(g.Dictionary(), truth.Dictionary) {
		t.Errorf("settings %+v, want %+v; %v", g.t, want, err)
	}
	other := filepath.Join(t.TempDir(), "planted")
	p := DefaultPlanted()
	p.Rows, p.D, p.Latents, p.Active = 50, 8, 12, 2
	if err := WritePlanted(context.Background(), other, p, nil); err != nil {
		t.Fatal(err)
	}
	if g, err := ReadTree(other); g != nil || err != nil {
		t.Errorf("a planted dictionary is a tree: %v, %v", g, err)
	}
}
