package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReport reads runs as the script leaves them, some of them not evaluated,
// and looks at the tables.
func TestReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "toy")
	put := func(name string, fvu, jaccard float64) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(`{"metrics": {"fvu": {"value": %g}, "selection_jaccard": {"value": %g}, "dead_fraction": {"value": 0.25}}}`, fvu, jaccard)
		if err := os.WriteFile(filepath.Join(dir, name, "report.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range 3 {
		put(fmt.Sprintf("null-beta0.1-s%d", seed), 0.1+0.01*float64(seed), 1)
		put(fmt.Sprintf("fixed0.2-beta0.1-s%d", seed), 0.2+0.01*float64(seed), 0.8)
		put(fmt.Sprintf("fixed0.4-beta0.1-s%d", seed), 0.3+0.01*float64(seed), 0.5)
		put(fmt.Sprintf("learnedselected-beta0.01-s%d", seed), 0.15, 0.9)
	}
	for _, empty := range []string{"fixed0.8-beta0.1-s0", "saectl"} {
		if err := os.MkdirAll(filepath.Join(dir, empty), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	settings, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	report(&b, "toy", settings)
	for _, line := range []string{
		"| no noise, ½β‖μ‖², β 0.1 | 3 | 0.1100 ± 0.0100 |",
		"| σ 0.2, β 0.1 | 3 | 0.2100 ± 0.0100 |",
		"| +0.1000 ± 0.0000 |",
		"| σ learned, kept latents, β 0.01 | 3 | 0.1500 ± 0.0000 |",
		"| 0.1 | 9 | +0.95 |  |  | -1.00 |",
	} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("the tables lack %q:\n%s", line, b.String())
		}
	}
}

func TestRanks(t *testing.T) {
	if got := ranks([]float64{3, 1, 3, 7}); !slices.Equal(got, []float64{1.5, 0, 1.5, 3}) {
		t.Errorf("ranks %v", got)
	}
}
