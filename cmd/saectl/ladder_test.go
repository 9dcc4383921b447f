package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/saectl/saectl/eval"
)

// reportOf evaluates a run and returns the report.
func reportOf(t *testing.T, args ...string) *eval.Report {
	t.Helper()
	out, _ := want(t, 0, append([]string{"eval", "--json"}, args...)...)
	var r eval.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// TestLadder climbs with variants that have a k and some that have none.
func TestLadder(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "sweep", "--quiet", "--set", "sae.latents=96", "--set", "train.steps=12", "--set", "train.batch=64", "--set", "optimizer.warmup=0", "--out", "s",
		"--grid", "variant=topk,batchtopk,abstopk,matryoshka,gradsae,vsae,mpsae,afa,relu", "--dump", "sample",
		"--grid", "topk.k=8", "--grid", "batchtopk.k=8", "--grid", "abstopk.k=8", "--grid", "matryoshka.k=8", "--grid", "gradsae.k=8", "--grid", "vsae.k=8", "--grid", "mpsae.k=8")
	for _, variant := range []string{"topk-k8", "batchtopk-k8", "abstopk-k8", "matryoshka-k8", "gradsae-k8", "vsae-k8", "mpsae-k8"} {
		r := reportOf(t, "--sae", "s/"+variant, "--k", "16,2,8", "--where", "pos<20")
		fvu, l0 := r.Series["fvu_at_k"], r.Series["l0_at_k"]
		if len(fvu.Y) != 3 || fvu.X[0] != 2 || fvu.X[2] != 16 || !(l0.Y[0] < l0.Y[1] && l0.Y[1] < l0.Y[2]) || l0.Y[0] > 2 {
			t.Errorf("%s: fvu %v, l0 %v", variant, fvu, l0)
		}
		if own := r.Metrics["fvu"].Value; variant != "batchtopk-k8" && variant != "matryoshka-k8" && fvu.Y[1] != own { // those have a threshold
			t.Errorf("%s: %v with its own k, %v in the report", variant, fvu.Y[1], own)
		}
		if variant == "mpsae-k8" && !(fvu.Y[0] > fvu.Y[1] && fvu.Y[1] > fvu.Y[2]) {
			t.Errorf("the error of a pursuit does not fall with its steps: %v", fvu.Y)
		}
	}
	for _, variant := range []string{"afa", "relu"} {
		r := reportOf(t, "--sae", "s/"+variant, "--k", "2,4", "--where", "pos<20")
		if _, ok := r.Series["fvu_at_k"]; ok || len(r.Series["fvu_by_k"].Y) != 2 {
			t.Errorf("%s, which has no k, was given one", variant)
		}
		if e := atOnce(t, 2, "eval", "--sae", "s/"+variant, "--tolerance", "1"); !strings.Contains(e, "mpsae does") {
			t.Errorf("%s with a tolerance: %s", variant, e)
		}
	}
	r := reportOf(t, "--sae", "s/mpsae-k8", "--tolerance", "2,4", "--where", "pos<20")
	fvu, met := r.Series["fvu_at_tolerance"], r.Series["met_at_tolerance"]
	if len(fvu.Y) != 2 || !(fvu.Y[0] < fvu.Y[1]) || len(met.Y) != 2 || met.Y[1] != 1 {
		t.Errorf("fvu %v, met %v", fvu, met)
	}
	want(t, 2, "eval", "--sae", "s/mpsae-k8", "--tolerance", "-1")
}

// TestTreeReport evaluates on a tree, whose truth stands beside it.
func TestTreeReport(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "synth", "tree", "--out", "tree", "--rows", "20000")
	want(t, 0, "train", "--quiet", "--config", "mpsae-tree", "--dump", "tree", "--set", "train.steps=200", "--out", "run")
	r := reportOf(t, "--sae", "run")
	for _, name := range []string{"tree_matched_cosine_min", "tree_absorption", "tree_flat_error", "tree_hierarchical_error", "share_met_tolerance", "recovered"} {
		if _, ok := r.Metrics[name]; !ok {
			t.Errorf("%s is absent", name)
		}
	}
	if c := r.Metrics["tree_matched_cosine_mean"].Value; c < 0.5 {
		t.Errorf("features are found with a mean cosine of %v", c)
	}
}
