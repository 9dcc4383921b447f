package eval

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/sae"
)

// TestGoldenSAEBench writes the result of a stored autoencoder and compares it
// with one that is valid against SAEBench's schema.
func TestGoldenSAEBench(t *testing.T) {
	dir := filepath.Join(shared(t, "SAECTL_GOLDEN", "golden"), "formats", "reports", "saebench")
	var c struct {
		Output, SAE, Case string
		Tolerance         struct {
			Relative float64 `json:"metrics_relative"`
			Absolute float64 `json:"details_absolute"`
		}
	}
	readJSON(t, filepath.Join(dir, "case.json"), &c)
	var want map[string]any
	readJSON(t, filepath.Join(dir, c.Output), &want)

	s, src := storedCodes(t, filepath.Join(dir, c.Case), filepath.Join(dir, c.SAE, "sae_weights.safetensors"))
	r, err := Run(context.Background(), s, src, Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := r.SAEBench(SAEBenchInfo{ID: "x", Release: "acme_sae", SAE: "blocks.3.hook_resid_post", Config: map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for key := range want {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	sameNumbers(t, "eval_result_metrics", got["eval_result_metrics"], want["eval_result_metrics"], c.Tolerance.Relative, 0)
	sameNumbers(t, "eval_result_details", got["eval_result_details"], want["eval_result_details"], 0, c.Tolerance.Absolute)
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sameNumbers compares trees of JSON: the same keys and lengths, and numbers
// within the tolerances.
func sameNumbers(t *testing.T, at string, got, want any, relative, absolute float64) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			t.Errorf("%s has other keys: %v, want %v", at, got, want)
			return
		}
		for key := range w {
			sameNumbers(t, at+"."+key, g[key], w[key], relative, absolute)
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			t.Errorf("%s has another length", at)
			return
		}
		for i := range w {
			sameNumbers(t, at, g[i], w[i], relative, absolute)
		}
	case float64:
		if g, ok := got.(float64); !ok || !(math.Abs(g-w) <= relative*math.Abs(w)+absolute) {
			t.Errorf("%s is %v, want %v", at, got, w)
		}
	}
}

// storedCodes is a subject whose codes and reconstructions are those stored in
// a case of golden/formats, with the weights of a SAELens file.
func storedCodes(t *testing.T, path, weights string) (Subject, activations.Source) {
	t.Helper()
	read := func(f *safetensors.File, name string) []float32 {
		v, err := f.Float32(name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := safetensors.Open(weights)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	prompts, err := f.Int64("prompts_context")
	if err != nil {
		t.Fatal(err)
	}
	z, xHat, dec, enc := read(f, "z"), read(f, "x_hat"), read(w, "W_dec"), read(w, "W_enc")
	d, latents := len(read(w, "b_dec")), len(read(w, "b_enc"))
	b := activations.Batch{X: read(f, "x"), D: d, N: int(prompts[0] * prompts[1])}
	for i := range b.N {
		b.Doc = append(b.Doc, int64(i)/prompts[1])
	}
	rows := make([]float32, latents*d) // SAELens stores the encoder [D,F]
	for i := range rows {
		rows[i] = enc[i%d*latents+i/d]
	}
	m := &stored{z: z, xHat: xHat, f: latents, d: d, weights: map[string][]float32{
		"encoder.weight": rows, "encoder.bias": read(w, "b_enc"), "decoder.weight": dec, "decoder.bias": read(w, "b_dec")}}
	return Subject{Model: m, Dims: sae.Dims{D: d, F: latents, B: b.N}}, source(b, 100)
}
