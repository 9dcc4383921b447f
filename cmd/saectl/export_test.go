package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/interop"
	"github.com/saectl/saectl/internal/safetensors"
)

// figures are fvu and l0 of an autoencoder on a dump.
func figures(t *testing.T, sae string) (fvu, l0 float64) {
	t.Helper()
	out, _ := want(t, 0, "eval", "--sae", sae, "--dump", "planted", "--split", "all", "--json")
	var r struct {
		Metrics map[string]struct{ Value float64 }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return r.Metrics["fvu"].Value, r.Metrics["l0"].Value
}

// TestExportVariants trains every variant and writes it in every format: what is
// written must evaluate as the run does, what cannot be is refused by name.
func TestExportVariants(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "synth", "--out", "planted", "--rows", "3000", "--d", "16", "--latents", "32", "--active", "3")
	written := map[string]int{}
	for name := range variants() {
		args := []string{"train", "--quiet", "--dump", "planted", "--out", name, "--set", "variant=" + name, "--set", "sae.latents=32", "--set", "train.steps=30", "--set", "train.batch=256"}
		scale := "mean-norm"
		switch name {
		case "mpsae":
			args, scale = append(args, "--set", "mpsae.k=4"), "none"
		case "gradsae":
			args = append(args, "--set", "gradsae.beta=0", "--set", "gradsae.k=3")
		case "topk", "batchtopk", "abstopk", "matryoshka", "vsae":
			args = append(args, "--set", name+".k=3")
		}
		want(t, 0, append(args, "--set", "data.scale="+scale)...)
		exportAll(t, name, written)
	}
	if written["saelens"] < 9 || written["sparsify"] < 2 || written["dictionary-learning"] < 6 {
		t.Errorf("variants written: %v", written)
	}
}

// exportAll writes a run in every format that has words for it.
func exportAll(t *testing.T, name string, written map[string]int) {
	t.Helper()
	fvu, l0 := figures(t, name)
	for _, format := range interop.Names(true) {
		out := name + "-" + format
		if code, _, message := saectl(t, "export", "--sae", name, "--format", format, "--out", out); code != 0 {
			if code != 1 || !strings.Contains(message, name+": ") {
				t.Errorf("%s: exit %d, %s", out, code, message)
			}
			continue
		}
		written[format]++
		gotFVU, gotL0 := figures(t, out)
		if math.Abs(gotFVU-fvu) > 1e-5*math.Abs(fvu) || math.Abs(gotL0-l0) > 1e-3 {
			t.Errorf("%s: fvu %g, l0 %g, the run has %g and %g", out, gotFVU, gotL0, fvu, l0)
		}
	}
}

// TestExportLikeSAELens: decoder rows of any norm, by which latents are ranked
// and cut off, and no bias taken off the input.
func TestExportLikeSAELens(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "synth", "--out", "planted", "--rows", "3000", "--d", "16", "--latents", "32", "--active", "3")
	written := map[string]int{}
	for name, set := range map[string][]string{
		"topk":      {"topk.input_bias=false", "topk.rescale=true"},
		"threshold": {"topk.inference=threshold", "topk.rescale=true"},
		"batchtopk": {"batchtopk.rescale=true", "batchtopk.threshold_from=zero"},
	} {
		variant, _, _ := strings.Cut(set[0], ".")
		args := []string{"train", "--quiet", "--dump", "planted", "--out", name, "--set", "variant=" + variant, "--set", "sae.latents=32",
			"--set", "train.steps=200", "--set", "train.batch=256", "--set", "optimizer.lr=0.01", "--set", variant + ".k=3", "--set", variant + ".decoder=free"}
		for _, s := range set {
			args = append(args, "--set", s)
		}
		want(t, 0, args...)
		exportAll(t, name, written)
	}
	if written["saelens"] != 3 {
		t.Errorf("variants written: %v", written)
	}
}

// TestForeignFolders takes another tool's files through the commands; they are
// never written to.
func TestForeignFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "synth", "--out", "planted", "--rows", "3000", "--d", "16", "--latents", "32", "--active", "3")
	want(t, 0, "train", "--quiet", "--dump", "planted", "--out", "run", "--set", "sae.latents=32", "--set", "topk.k=3", "--set", "train.steps=30", "--set", "train.batch=256")
	want(t, 0, "export", "--sae", "run", "--format", "dictionary-learning", "--out", "theirs")
	out, _ := want(t, 0, "import", "theirs", "--out", "ours", "--dump", "planted", "--json")
	var r imported
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Check == nil {
		t.Fatalf("import --json prints %s: %v", out, err)
	}
	fvu, l0 := figures(t, "ours")
	if math.Abs(r.Check.L0-l0) > 1e-9 || math.Abs(r.Check.ExplainedVariance-(1-fvu)) > 1e-9 {
		t.Errorf("the check says %+v, eval l0 %g and fvu %g", r.Check, l0, fvu)
	}
	for _, sae := range []string{"theirs", filepath.Join("theirs", "ae.pt"), "ours"} {
		want(t, 0, "encode", "--sae", sae, "--dump", "planted", "--out", "codes.arrow", "--quiet")
		want(t, 0, "inspect-features", "--sae", sae, "--dump", "planted", "--count", "2")
		want(t, 0, "compare", sae, "run")
		want(t, 0, "eval", "--sae", sae, "--dump", "planted", "--html", "page.html", "--k", "1,2")
		want(t, 2, "eval", "--sae", sae)
		want(t, 2, "eval", "--sae", sae, "--dump", "planted", "--set", "topk.k=2")
	}
	for dir, files := range map[string]int{"theirs": 2, "ours": 2} {
		if list, err := os.ReadDir(dir); err != nil || len(list) != files {
			t.Errorf("%s holds %v: %v", dir, list, err)
		}
	}
	if _, e := want(t, 1, "import", "run", "--out", "again"); !strings.Contains(e, "--format") {
		t.Errorf("importing a run: %s", e)
	}
	if _, e := want(t, 1, "import", "theirs", "--out", "ours"); !strings.Contains(e, "already") {
		t.Errorf("importing over an autoencoder: %s", e)
	}
	want(t, 2, "import", "theirs", "--out", "other", "--rule", "largest")
	want(t, 0, "import", "theirs", "--out", "other", "--rule", "threshold", "--unit-decoder")
}

// TestTranscodersNeedATarget asks for the column by name.
func TestTranscodersNeedATarget(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "synth", "--out", "planted", "--rows", "500", "--d", "8", "--latents", "16", "--active", "2")
	cfg := `{"architecture":"transcoder","d_in":8,"d_out":8,"d_sae":2,"dtype":"float32","device":"cpu","apply_b_dec_to_input":false,"normalize_activations":"none","reshape_activations":"none","metadata":{"sae_lens_version":"6.54.0"}}`
	if err := os.Mkdir("transcoder", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("transcoder/cfg.json", []byte(cfg), 0o666); err != nil {
		t.Fatal(err)
	}
	var weights []safetensors.Tensor
	for name, shape := range map[string][]int{"W_enc": {8, 2}, "b_enc": {2}, "W_dec": {2, 8}, "b_dec": {8}} {
		n := 1
		for _, s := range shape {
			n *= s
		}
		weights = append(weights, safetensors.Tensor{Name: name, Shape: shape, Data: make([]float32, n)})
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, weights); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("transcoder/sae_weights.safetensors", b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, e := want(t, 1, "eval", "--sae", "transcoder", "--dump", "planted"); !strings.Contains(e, "target") {
		t.Errorf("a transcoder without targets: %s", e)
	}
}
