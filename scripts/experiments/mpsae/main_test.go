package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTables reads sweeps of two seeds, leaves out one that is not finished,
// and prints means, deviations and worst figures.
func TestTables(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(figures string) string {
		return `{"runs": [{"run": "mpsae", "variant": "mpsae", "metrics": {` + figures + `}}]}`
	}
	write("tree-c0.3-s0/sweep.json", run(`"l0": 1, "tree_matched_cosine_min": 0.5, "tree_absorption": 0.25`))
	write("tree-c0.3-s0/done", "")
	write("tree-c0.3-s1/sweep.json", run(`"l0": 2, "tree_matched_cosine_min": 0.75`))
	write("tree-c0.3-s1/done", "")
	write("tree-c0.3-s2/sweep.json", run(`"l0": 60`))
	write("steps-x/sweep.json", run(""))
	for seed, fvu := range map[string]string{"0": "0.5", "1": "0.25"} {
		write("steps-x/mpsae-seed"+seed+"/ladder.json", `{"sae": {"variant": "mpsae"}, "metrics": {"babel_16": {"value": 3}},
			"series": {"fvu_at_k": {"x": [1, 2], "y": [1, `+fvu+`]}, "fvu_by_k": {"x": [1, 2], "y": [1, 0.75]}}}`)
	}
	write("steps-x/seeds-mpsae.json", `{"matches": [{"hungarian": {"mean_cosine": 0.5}}, {"hungarian": {"mean_cosine": 0.75}}]}`)
	var out strings.Builder
	if err := tables(&out, dir); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| correlation 0.3 | mpsae | 2 | 1.500 ± 0.707 | - |", "| 0.500 |", "| 0.25 (1) |", "| mpsae | 1.0000 | 0.3750 |", "| mpsae, codes cut | 1.0000 | 0.7500 |", "| 3.00 |", "| 0.625 |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if err := tables(&out, t.TempDir()); err == nil {
		t.Error("a folder without runs is no error")
	}
}
