package main

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSAEDashboard writes pages of all latents that fire, in files of 128.
func TestSAEDashboard(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "train", "--quiet", "--set", "sae.latents=200", "--set", "topk.k=8", "--set", "train.batch=256", "--set", "train.steps=60", "--out", "a")
	_, note := want(t, 0, "inspect-features", "--sae", "a", "--where", "doc<60", "--format", "saedashboard", "--out", "pages", "--release", "acme")
	var skipped struct {
		Skipped []int `json:"skipped_indexes"`
	}
	parse(t, read(t, "pages/skipped_indexes.json"), &skipped)
	var seen []int
	for _, name := range []string{"batch-0.json", "batch-1.json"} {
		var batch struct {
			Model    string `json:"model_id"`
			Set      string `json:"sae_set"`
			Layer    int
			Features []struct {
				Index       int `json:"feature_index"`
				Prompts     int `json:"n_prompts_total"`
				Vector      []float64
				Activations []struct {
					Min        float64 `json:"bin_min"`
					Max        float64 `json:"bin_max"`
					Tokens     []string
					Values     []float64
					Qualifying int `json:"qualifying_token_index"`
				}
			}
		}
		parse(t, read(t, filepath.Join("pages", name)), &batch)
		if batch.Set != "res-acme" || batch.Layer != 2 || batch.Model == "" || len(batch.Features) > 128 {
			t.Errorf("%s is of %q, layer %d, set %q, with %d latents", name, batch.Model, batch.Layer, batch.Set, len(batch.Features))
		}
		for _, f := range batch.Features {
			seen = append(seen, f.Index)
			if len(f.Vector) != 64 || f.Prompts != 60 {
				t.Errorf("latent %d has a vector of %d values, of %d prompts", f.Index, len(f.Vector), f.Prompts)
			}
			for _, a := range f.Activations {
				if len(a.Tokens) != len(a.Values) || a.Values[a.Qualifying] > a.Max+1e-5 || a.Values[a.Qualifying] < a.Min-1e-5 {
					t.Fatalf("latent %d has %d tokens with %d values, of which number %d lies outside %v to %v", f.Index, len(a.Tokens), len(a.Values), a.Qualifying, a.Min, a.Max)
				}
			}
		}
	}
	if len(seen)+len(skipped.Skipped) != 200 || !slices.IsSorted(seen) || len(seen) < 150 {
		t.Errorf("%d latents have pages and %d are skipped, of 200", len(seen), len(skipped.Skipped))
	}
	if !strings.Contains(note, "in 2 files") {
		t.Errorf("the note is %s", note)
	}
	if _, e := want(t, 1, "inspect-features", "--sae", "a", "--format", "saedashboard", "--out", "pages"); !strings.Contains(e, "not empty") {
		t.Errorf("a folder with pages: %s", e)
	}
	for _, flags := range [][]string{{"--format", "html", "--out", "x"}, {"--format", "neuronpedia"}, {"--out", "x"}, {"--format", "neuronpedia", "--out", "x", "--json"}, {"--format", "neuronpedia", "--out", "x", "--release", "a/b"}} {
		want(t, 2, append([]string{"inspect-features", "--sae", "a"}, flags...)...)
	}
}

// TestGoldenNeuronpedia wants the files and at least the keys of the sample.
func TestGoldenNeuronpedia(t *testing.T) {
	dir := os.Getenv("SAECTL_GOLDEN")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "golden")
	}
	sample, err := filepath.Abs(filepath.Join(dir, "formats", "reports", "neuronpedia"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(sample); err != nil {
		t.Skipf("%s is missing; set SAECTL_GOLDEN to the golden cases", sample)
	}
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=60", "--out", "a")...)
	want(t, 0, "inspect-features", "--sae", "a", "--feature", "3,17", "--format", "neuronpedia", "--out", "np", "--release", "acme")
	first := string(read(t, "np/gostd-4x64/2-res-acme/source.jsonl"))
	files, err := filepath.Glob(filepath.Join(sample, "*", "*", "*.jsonl"))
	packed, err2 := filepath.Glob(filepath.Join(sample, "*", "*", "*", "*.gz"))
	if err != nil || err2 != nil || len(files) != 4 || len(packed) != 2 {
		t.Fatalf("the sample has %v %v", files, packed)
	}
	for _, path := range append(files, packed...) {
		name, _ := filepath.Rel(filepath.Dir(filepath.Dir(path)), path)
		if filepath.Ext(path) == ".gz" {
			name, _ = filepath.Rel(filepath.Dir(filepath.Dir(filepath.Dir(path))), path)
		}
		parts := strings.SplitN(name, string(filepath.Separator), 2)
		got := firstLine(t, filepath.Join("np", "gostd-4x64", "2-res-acme", parts[1]))
		for key := range firstLine(t, path) {
			if _, ok := got[key]; !ok {
				t.Errorf("%s lacks %s", parts[1], key)
			}
		}
	}
	want(t, 0, "inspect-features", "--sae", "a", "--feature", "3,17", "--format", "neuronpedia", "--out", "again", "--release", "acme")
	if string(read(t, "again/gostd-4x64/2-res-acme/source.jsonl")) != first {
		t.Error("the same pages are other files the second time")
	}
}

// firstLine is the first object of a file of JSON lines.
func firstLine(t *testing.T, path string) (v map[string]any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if filepath.Ext(path) == ".gz" {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.NewDecoder(r).Decode(&v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func parse(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}
