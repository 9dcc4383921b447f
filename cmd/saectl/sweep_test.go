package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// quickSweep is a sweep of runs such as quick's.
func quickSweep(more ...string) []string {
	return append([]string{"sweep", "--quiet", "--set", "sae.latents=96", "--set", "topk.aux_k=0",
		"--set", "train.batch=256", "--set", "train.log_every=10"}, more...)
}

// TestSweep trains a grid and wants each run to be, to the bit, what train
// makes of its settings, in whatever pieces the sweep was made.
func TestSweep(t *testing.T) {
	t.Chdir(t.TempDir())
	grid := []string{"--grid", "topk.k=4,8", "--grid", "seed=0,1", "--out", "s"}
	short := quickSweep("--set", "train.steps=12", "--together", "3", "--threads", "1", "--grid", "topk.k=4", "--grid", "seed=0,1", "--out", "s")
	want(t, 0, short...)
	// longer, and with new runs beside those that are half done
	out, _ := want(t, 0, quickSweep(append(grid, "--set", "train.steps=20", "--html", "s.html")...)...)
	if !strings.Contains(out, "topk k=8") || !strings.Contains(out, "eval --sae s") {
		t.Errorf("sweep prints\n%s", out)
	}
	want(t, 0, append(append([]string{"train"}, quickSweep()[1:]...), "--set", "train.steps=20", "--set", "topk.k=4", "--set", "seed=1", "--out", "alone")...)
	if !bytes.Equal(weights(t, "alone"), weights(t, "s/topk-k4-seed1")) {
		t.Error("a run of the sweep has other weights than the same run by itself")
	}
	var table sweepTable
	if err := json.Unmarshal(read(t, "s/sweep.json"), &table); err != nil || len(table.Runs) != 4 || len(table.Settings) != 2 {
		t.Fatalf("sweep.json has %d runs of %d settings, %v", len(table.Runs), len(table.Settings), err)
	}
	s := table.Settings[0]
	if a, b := table.Runs[0].Metrics["fvu"], table.Runs[1].Metrics["fvu"]; s.Mean["fvu"] != (a+b)/2 || !(s.SD["fvu"] > 0) || table.Runs[0].Steps != 20 {
		t.Errorf("mean %v ± %v of %v and %v, %d steps", s.Mean["fvu"], s.SD["fvu"], a, b, table.Runs[0].Steps)
	}
	rows, err := csv.NewReader(bytes.NewReader(read(t, "s/sweep.csv"))).ReadAll()
	if err != nil || len(rows) != 5 || strings.Join(rows[0][:5], " ") != "run variant topk.k seed steps" || rows[4][0] != "topk-k8-seed1" {
		t.Errorf("sweep.csv: %v, %v", rows, err)
	}
	if svg := string(read(t, "s/sweep.svg")); strings.Count(svg, "<circle") != 2 {
		t.Errorf("the picture has not two points:\n%s", svg)
	}
	before, err := os.Stat("s/topk-k4-seed0/weights.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	_, note := want(t, 0, quickSweep(append(grid, "--set", "train.steps=20", "--quiet=false")...)...)
	after, err := os.Stat("s/topk-k4-seed0/weights.safetensors")
	if err != nil || !after.ModTime().Equal(before.ModTime()) || !strings.Contains(note, "4 runs in s, of which 4 are finished") {
		t.Errorf("a finished run is made again: %v\n%s", err, note)
	}
	if page := string(read(t, "s.html")); !strings.Contains(page, `"id":"error_l0"`) || !strings.Contains(page, `"name":"topk-k8-seed1"`) {
		t.Error("the page lacks the error against L0 or a run")
	}
	want(t, 0, "inspect-features", "--sae", "s/topk-k8-seed1", "--html", "one.html")
	if page := string(read(t, "one.html")); strings.Count(page, `"variant":"topk","here":true`) != 1 || !strings.Contains(page, `"name":"topk-k4-seed0"`) {
		t.Error("the page of a run of a sweep does not show it among the others")
	}
	want(t, 0, "inspect-features", "--sae", "alone", "--sweep", "s", "--html", "other.html")
	if page := string(read(t, "other.html")); strings.Contains(page, `"here":true`) || !strings.Contains(page, `"name":"topk-k4-seed0"`) {
		t.Error("the page of another run does not show the sweep")
	}
	want(t, 1, "inspect-features", "--sae", "alone", "--sweep", "none", "--html", "other.html")
	want(t, 2, "inspect-features", "--sae", "alone", "--sweep", "s")
	if out, _ := want(t, 0, "eval", "--sae", "s", "--json"); strings.Count(out, `"variant"`) != 4 {
		t.Errorf("eval of the sweep's folder has not four reports:\n%.300s", out)
	}
}

func weights(t *testing.T, dir string) []byte {
	return read(t, filepath.Join(dir, "weights.safetensors"))
}

// TestSweepOfVariants wants a key of one variant to count for it alone.
func TestSweepOfVariants(t *testing.T) {
	t.Chdir(t.TempDir())
	out, _ := want(t, 0, "sweep", "--quiet", "--json", "--set", "sae.latents=96", "--set", "train.steps=3", "--set", "train.batch=64", "--out", "v",
		"--grid", "variant=topk,afa,mpsae", "--grid", "topk.k=4,8", "--grid", "afa.coefficient=0.1")
	var table sweepTable
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range table.Runs {
		names = append(names, r.Run)
		if r.Metrics["l0"] == 0 || r.Values["variant"] != r.Variant {
			t.Errorf("%+v", r)
		}
	}
	if got := strings.Join(names, " "); got != "topk-k4 topk-k8 afa-coefficient0.1 mpsae" {
		t.Errorf("runs %s", got)
	}
}

// TestSweepFailures wants a run that diverges not to stop the others, and the
// settings of a folder to stay.
func TestSweepFailures(t *testing.T) {
	t.Chdir(t.TempDir())
	grid := func(rates string) []string {
		return quickSweep("--set", "train.steps=8", "--set", "optimizer.clip=0", "--set", "optimizer.warmup=0", "--grid", "optimizer.lr="+rates, "--out", "f")
	}
	_, e := want(t, 1, grid("0.001,1e38")...)
	if !strings.Contains(e, "1 of 2 runs failed") {
		t.Errorf("stderr: %s", e)
	}
	var table sweepTable
	if err := json.Unmarshal(read(t, "f/sweep.json"), &table); err != nil || table.Runs[0].Error != "" || !strings.Contains(table.Runs[1].Error, "optimizer.lr") || table.Runs[1].Metrics != nil {
		t.Errorf("%+v, %v", table.Runs, err)
	}
	_, e = want(t, 2, append(grid("0.001"), "--set", "topk.decoder_scale=2")...)
	if !strings.Contains(e, "decoder_scale") {
		t.Errorf("an unknown setting: %s", e)
	}
	_, e = want(t, 2, append(grid("0.001"), "--set", "sae.decoder_bias=zero")...)
	if !strings.Contains(e, "the run has other settings: sae.decoder_bias is zero, was ") {
		t.Errorf("another setting for a run that is there: %s", e)
	}
	want(t, 2, quickSweep("--together", "0")...)
	if _, e := want(t, 2, quickSweep("--set", "data.holdout=0", "--out", "g")...); !strings.Contains(e, "--split all") {
		t.Errorf("nothing to evaluate on: %s", e)
	}
}
