package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDraw: each picture has the runs of its axis, the fastest step of each, and
// a run that both have in common is in both.
func TestDraw(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "runs.jsonl"), filepath.Join(dir, "sizes")
	lines := []string{
		`{"size":{"batch":8,"d":4,"latents":6144,"k":32},"ms":{"step":{"saectl":[3,2],"a":[9,8]}}}`,
		`{"size":{"batch":8,"d":4,"latents":3072,"k":32},"ms":{"step":{"saectl":[1.5],"a":[5]}}}`,
		`{"size":{"batch":8,"d":4,"latents":6144,"k":64},"ms":{"step":{"saectl":[7],"a":[]}}}`,
	}
	if err := os.WriteFile(in, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := draw(in, out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"latents": {"saectl: 3072, 1.5", "saectl: 6144, 2<", "a: 6144, 8"},
		"k":       {"saectl: 32, 2<", "saectl: 64, 7", "a: 32, 8"},
	} {
		svg, err := os.ReadFile(out + "-" + name + ".svg")
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(svg), w) {
				t.Errorf("the picture by %s lacks the point %q", name, w)
			}
		}
		if n := strings.Count(string(svg), "<circle"); n != len(want)+map[string]int{"latents": 1}[name] {
			t.Errorf("the picture by %s has %d points", name, n)
		}
	}
	if err := os.WriteFile(in, []byte("left out x: no such package"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := draw(in, out); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line that is no run gives %v", err)
	}
}
