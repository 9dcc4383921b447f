package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTables(t *testing.T) {
	dir := t.TempDir()
	for name, fvu := range map[string]string{"topk-s0": "0.1", "topk-s1": "0.3", "mpsae-s0": "0.5", "afa-s0": "0.25"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		text := `{"metrics": {"fvu": {"value": ` + fvu + `}, "probe_k1_accuracy": {"value": 0.5}, "probe_k1_accuracy_raw": {"value": 0.25}}}`
		if err := os.WriteFile(filepath.Join(dir, name, "report.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	report(&b, runs)
	for _, want := range []string{"| FVU | 0.200 ± 0.141 | 0.500 | 0.250 |", "| one class against the rest, 1 features | 50.0 ± 0.0 | 50.0 | 50.0 | 25.0 |", "| nearest |  |  |  |  |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the tables lack %q:\n%s", want, b.String())
		}
	}
	if _, err := read(t.TempDir()); err == nil {
		t.Error("a folder without runs is taken")
	}
}
