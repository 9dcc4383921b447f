package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestBaselineGate(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=80", "--out", "good")...)
	want(t, 0, quick("--set", "train.steps=8", "--out", "worse")...)
	report, _ := want(t, 0, "eval", "--sae", "good", "--json")
	if err := os.WriteFile("baseline.json", []byte(report), 0o644); err != nil {
		t.Fatal(err)
	}
	want(t, 0, "eval", "--sae", "good", "--baseline", "baseline.json")
	out, errOut := want(t, 1, "eval", "--sae", "worse", "--baseline", "baseline.json")
	if !strings.Contains(out, "fvu") || !strings.Contains(errOut, "--update-baseline") {
		t.Errorf("a regression prints\n%s\n%s", out, errOut)
	}
	want(t, 0, "eval", "--sae", "worse", "--baseline", "baseline.json", "--update-baseline")
	want(t, 0, "eval", "--sae", "worse", "--baseline", "baseline.json")
	for _, flags := range [][]string{{"--baseline", "missing.json"}, {"--out", "missing/report.json"}, {"--html", "missing/page.html"}, {"--zf", "missing/zf.csv"}} {
		if e := atOnce(t, 1, append([]string{"eval", "--sae", "good"}, flags...)...); !strings.Contains(e, "missing") {
			t.Errorf("%v: %s", flags, e)
		}
	}
	want(t, 2, "eval", "--sae", "good", "--sae", "worse", "--baseline", "baseline.json")
	want(t, 2, "eval", "--sae", "good", "--format", "csv")
	out, _ = want(t, 0, "eval", "--sae", "good", "--format", "saebench")
	var core struct {
		Type string `json:"eval_type_id"`
	}
	if err := json.Unmarshal([]byte(out), &core); err != nil || core.Type != "core" {
		t.Errorf("--format saebench prints %.80s: %v", out, err)
	}
	out, _ = want(t, 0, "eval", "--sae", "good", "--k", "1,2,8")
	if !strings.Contains(out, "fvu, cut to k") {
		t.Errorf("--k 1,2,8 prints no ladder:\n%s", out)
	}
	out, _ = want(t, 0, "compare", "good", "worse", "--json")
	if !json.Valid([]byte(out)) {
		t.Errorf("compare --json prints %.80s", out)
	}
	want(t, 0, "compare", "good", "worse")
	want(t, 0, "inspect-features", "--sae", "good", "--similar", "3", "--count", "2")
}

// A planted dictionary is found, and eval says so.
func TestRecovery(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "synth", "--out", "planted", "--rows", "20000", "--d", "32", "--latents", "64", "--active", "3")
	want(t, 0, "train", "--quiet", "--dump", "planted", "--out", "run", "--set", "sae.latents=128", "--set", "topk.k=3", "--set", "train.steps=500")
	out, _ := want(t, 0, "eval", "--sae", "run", "--json")
	var r struct {
		Metrics map[string]struct{ Value float64 }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if v := r.Metrics["recovered"].Value; v < 0.95 {
		t.Errorf("recovered %.3f of 64 features, want 0.95", v)
	}
}
