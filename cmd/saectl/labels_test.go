package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/eval"
)

// grouped is a synthetic dump whose rows are labelled by topic, and a run on
// it.
func grouped(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	synth := func(out, seed string) {
		want(t, 0, "data", "synth", "--out", out, "--rows", "600", "--d", "16", "--latents", "24", "--active", "2", "--groups", "3", "--group-share", "1", "--doc-rows", "4", "--seed", seed)
	}
	synth("train", "1")
	synth("elsewhere", "2")
	want(t, 0, quick("--config", "topk", "--dump", "train", "--out", "run", "--set", "train.steps=150", "--set", "data.holdout=0.5")...)
}

func TestEvalOfLabels(t *testing.T) {
	grouped(t)
	tree := "topic 0,a\ntopic 1,a\na,all\ntopic 2,all\n"
	if err := os.WriteFile("tree.txt", []byte(tree), 0o644); err != nil {
		t.Fatal(err)
	}
	flags := []string{"eval", "--sae", "run", "--probe-train", "train", "--ood", "elsewhere", "--hierarchy", "tree.txt"}
	out, _ := want(t, 0, append(flags, "--embedding", "train", "--json", "--html", "page.html")...)
	var r eval.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Labels == nil || r.Labels.Train != 600 || r.Labels.Test != 300 || len(r.Labels.OOD) != 1 || r.Labels.Ontology.Latents == 0 {
		t.Fatalf("labels: %+v", r.Labels)
	}
	for _, name := range []string{"probe_accuracy", "probe_k2_accuracy_raw", "probe_top5_accuracy", "ood_auroc_energy", "ood_aupr_mahalanobis_raw", "hierarchy_coverage_chance", "monosemanticity_mean"} {
		if v, ok := r.Metrics[name]; !ok || v.Definition == "" {
			t.Errorf("the report lacks %s: %+v", name, v)
		}
	}
	if v := r.Metrics["ood_auroc_nearest"].Value; v < 0.6 {
		t.Errorf("rows of another dictionary are told apart by an AUROC of %v", v)
	}
	if v := r.Metrics["probe_accuracy"].Value; v < 0.7 {
		t.Errorf("topics are read off latents on %v of the rows", v)
	}
	if page := string(read(t, "page.html")); !strings.Contains(page, "Test rows against elsewhere") {
		t.Error("the page lacks the section on labels")
	}
	text, _ := want(t, 0, append(flags, "--pool", "mean")...)
	if !strings.Contains(text, "rows of a document, by mean") || !strings.Contains(text, "75, probes fitted on 150") {
		t.Errorf("pooled by document:\n%s", text)
	}
}

func TestEvalOfLabelsRefuses(t *testing.T) {
	grouped(t)
	if err := os.WriteFile("tree.txt", []byte("topic 0,a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	want(t, 0, "data", "synth", "--out", "plain", "--rows", "20", "--d", "16", "--latents", "24", "--active", "2")
	for _, c := range []struct {
		code int
		args []string
		says string
	}{
		{2, []string{"--ood", "train"}, "--probe-train"},
		{2, []string{"--pool", "mean"}, "--pool goes with"},
		{2, []string{"--probe-train", "train", "--pool", "median"}, "median"},
		{1, []string{"--probe-train", "plain"}, "no labels"},
		{1, []string{"--probe-train", "missing"}, "missing"},
		{1, []string{"--probe-train", "train", "--ood", "missing"}, "missing"},
		{1, []string{"--embedding", "missing"}, "missing"},
		{1, []string{"--dump", "plain", "--probe-train", "train"}, "no labels"},
		{1, []string{"--hierarchy", "tree.txt"}, "topic 1"},
		{1, []string{"--hierarchy", "missing.txt"}, "missing.txt"},
		{1, []string{"--embedding", "plain"}, "20 rows"},
	} {
		if e := atOnce(t, c.code, append([]string{"eval", "--sae", "run"}, c.args...)...); !strings.Contains(e, c.says) {
			t.Errorf("%v: %s", c.args, e)
		}
	}
	atOnce(t, exitInterrupted, "eval", "--sae", "run", "--probe-train", "train") // what is right leads to a pass
}

// The digits of the shared data, as the proof has them.
func TestEvalOfDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("probes of many classes are slow under the race detector")
	}
	dir := dataFolder(t, "digits")
	t.Chdir(t.TempDir())
	want(t, 0, quick("--config", "topk", "--dump", filepath.Join(dir, "train"), "--out", "d", "--set", "train.steps=100", "--set", "data.scale=mean-norm", "--set", "data.holdout=0")...)
	out, _ := want(t, 0, "eval", "--sae", "d", "--dump", filepath.Join(dir, "test"), "--probe-train", filepath.Join(dir, "train"), "--ood", filepath.Join(dir, "ood"), "--json")
	var r eval.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if v := r.Metrics["ood_auroc_nearest_raw"].Value; v < 0.94799 || v > 0.94801 {
		t.Errorf("nearest training row: AUROC %v, the data's page says 0.948", v)
	}
	if v := r.Metrics["ood_auroc_nearest"].Value; v < 0.5 || r.Metrics["probe_accuracy"].Value < 0.9 {
		t.Errorf("latents: AUROC %v, accuracy %v", v, r.Metrics["probe_accuracy"].Value)
	}
}
