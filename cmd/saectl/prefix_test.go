package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestPrefixes wants the error of each nested group, which falls from one to the
// next and ends at that of all, in --json and in the table.
func TestPrefixes(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "train", "--quiet", "--config", "matryoshka", "--dump", "sample", "--set", "sae.latents=96", "--set", "matryoshka.k=8", "--set", "matryoshka.groups=1/8,1/4",
		"--set", "train.batch=256", "--set", "train.steps=100", "--out", "a")
	out, _ := want(t, 0, "eval", "--sae", "a", "--json")
	var r struct {
		Metrics map[string]struct{ Value float64 }
		Series  map[string]struct{ X, Y []float64 }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	fvu, l0 := r.Series["fvu_at_prefix"], r.Series["l0_at_prefix"]
	if !slices.Equal(fvu.X, []float64{12, 36, 96}) || len(fvu.Y) != 3 || len(l0.Y) != 3 {
		t.Fatalf("the prefixes are %v and %v", fvu, l0)
	}
	if !(fvu.Y[0] > fvu.Y[1] && fvu.Y[1] > fvu.Y[2] && fvu.Y[0] < 1) || !(l0.Y[0] > 0 && l0.Y[0] < l0.Y[1] && l0.Y[1] < l0.Y[2]) {
		t.Errorf("errors %v at L0 %v", fvu.Y, l0.Y)
	}
	if fvu.Y[2] != r.Metrics["fvu"].Value || l0.Y[2] != r.Metrics["l0"].Value {
		t.Errorf("all groups have FVU %v and L0 %v, the autoencoder %v and %v", fvu.Y[2], l0.Y[2], r.Metrics["fvu"].Value, r.Metrics["l0"].Value)
	}
	if text, _ := want(t, 0, "eval", "--sae", "a"); !strings.Contains(text, "\nprefix ") {
		t.Errorf("the table has no prefixes:\n%s", text)
	}
}
