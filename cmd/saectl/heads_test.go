package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/eval/attention"
)

// dataFolder is a folder of real dumps, or the test is skipped.
func dataFolder(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("SAECTL_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir, err := filepath.Abs(filepath.Join(root, "dumps", name))
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		t.Skipf("no data: %v; set SAECTL_DATA to the folder that holds dumps/%s", err, name)
	}
	return dir
}

func TestHeadsOfAttentionOutputs(t *testing.T) {
	dir := dataFolder(t, "stories260k-z")
	t.Chdir(t.TempDir())
	want(t, 0, quick("--config", "topk", "--dump", dir, "--out", "z", "--set", "train.steps=100", "--set", "data.scale=mean-norm")...)
	patterns, weights := filepath.Join(dir, "dfa.safetensors"), filepath.Join(dir, "w_o.safetensors")
	out, _ := want(t, 0, "heads", "--sae", "z", "--attention", patterns, "--weights", weights, "--json", "--html", "heads.html", "--condition", "pos==0")
	var r attention.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Identity == nil || r.Identity.Rows != 4096 || r.Identity.Worst > 1e-4 || r.Identity.Entries == 0 {
		t.Errorf("identity: %+v", r.Identity)
	}
	main := 0
	for _, h := range r.ByHead {
		main += h.Main
	}
	if len(r.ByHead) != 8 || main != r.Live || r.Live == 0 || r.KVHeads != 4 {
		t.Errorf("%d heads are main of %d latents, %d live; %d key-value heads", len(r.ByHead), main, r.Live, r.KVHeads)
	}
	if best := r.Condition.Latents[0]; best.Sensitivity != 1 || r.Condition.Rows != 157 {
		t.Errorf("no latent fires on every first token: %+v", best)
	}
	if page := string(read(t, "heads.html")); !strings.Contains(page, "Heads of z") || !strings.Contains(page, "2406.17759") {
		t.Error("the page lacks the analysis or its source")
	}
	if _, e := want(t, 2, "heads", "--sae", "z", "--heads", "7"); !strings.Contains(e, "--heads is 7") {
		t.Errorf("another number of heads than the dump's: %s", e)
	}
	if _, e := want(t, 1, "heads", "--sae", "z", "--attention", weights); !strings.Contains(e, "pattern") {
		t.Errorf("weights in place of patterns: %s", e)
	}
	if _, e := want(t, 2, "heads", "--sae", "z", "--residual", "z"); !strings.Contains(e, "--residual-dump") {
		t.Errorf("--residual alone: %s", e)
	}
}

func TestHeadsNeedANumber(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=2", "--out", "a")...)
	if _, e := want(t, 1, "heads", "--sae", "a"); !strings.Contains(e, "--heads") {
		t.Errorf("a dump that does not say how many heads: %s", e)
	}
	if _, e := want(t, 2, "heads", "--sae", "a", "--heads", "7"); !strings.Contains(e, "do not divide") {
		t.Errorf("seven heads: %s", e)
	}
	if out, _ := want(t, 0, "heads", "--sae", "a", "--heads", "4"); !strings.Contains(out, "main of") {
		t.Errorf("four heads:\n%s", out)
	}
}
