package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInterval(t *testing.T) {
	// Two degrees of freedom: t is 4.30265.
	mean, half := interval([]float64{1, 2, 3})
	if mean != 2 || math.Abs(half-4.30265/math.Sqrt(3)) > 1e-4 {
		t.Errorf("mean %v, half width %v", mean, half)
	}
	if _, half := interval([]float64{1}); !math.IsInf(half, 1) {
		t.Errorf("one number has an interval of %v", half)
	}
}

// TestReport reads runs of two seeds and prints what they differ in, each seed
// against its own.
func TestReport(t *testing.T) {
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
	fvu := func(v string) string { return `{"metrics": {"fvu": {"value": ` + v + `}}}` }
	write("k8-topk-s0/report.json", fvu("0.5"))
	write("k8-topk-s1/report.json", fvu("0.7"))
	write("k8-beta0.3-s0/report.json", fvu("0.4"))
	write("k8-beta0.3-s1/report.json", fvu("0.6"))
	write("k8-beta0.3-s1/gradient/report.json", fvu("0.25"))
	write("spliced.jsonl", `{"clean": 1, "zero": 3}`+"\n"+`{"run": "a/k8-beta0.3-s1", "ce": 1.5, "rise": 0.5, "recovered": 0.75, "kl": 0.125}`)
	write("other/report.json", "no run")
	write("k16-topk-s0/config.yaml", "a run that is not done")
	all, err := read(dir)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d settings, error %v", len(all), err)
	}
	var out strings.Builder
	report(&out, all)
	for _, want := range []string{
		"| 8 | TopK | 2 | 0.6000 |  |", "| 8 | g-SAE β 0.3 | 2 | 0.5000 | -0.1000 ± 0.0000 |",
		"| 8 | g-SAE β 0.3 | 2 | 0.3250 |", "| 8 | g-SAE β 0.3 | 2 | 0.5000 | - | 75.0000 | - | 0.1250 | - |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}
