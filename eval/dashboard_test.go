package eval

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/safetensors"
)

// A pagesCase is a case of golden/formats/reports: pages of one latent of a
// stored autoencoder.
type pagesCase struct {
	Latent            int
	SAE, Case, Folder string

	dir string
}

func openPages(t *testing.T, format string) *pagesCase {
	t.Helper()
	c := &pagesCase{dir: filepath.Join(shared(t, "SAECTL_GOLDEN", "golden"), "formats", "reports", format)}
	readJSON(t, filepath.Join(c.dir, "case.json"), c)
	return c
}

// inspect describes the latent of the case in the depths of the sample: six
// prompts, and two of each interval. do gets it with its contexts.
func (c *pagesCase) inspect(t *testing.T, do func(v *Dashboards, f *Feature)) {
	t.Helper()
	path := filepath.Join(c.dir, c.Case)
	s, _ := storedCodes(t, path, filepath.Join(c.dir, c.SAE, "sae_weights.safetensors"))
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var words []string
	readJSON(t, filepath.Join(c.dir, "..", "vocabulary.json"), &words)
	ids, err := file.Int64("token_ids")
	if err != nil {
		t.Fatal(err)
	}
	shape, err := file.Int64("prompts_context")
	if err != nil {
		t.Fatal(err)
	}
	d := &text{b: activations.Batch{N: len(ids), D: s.D, X: make([]float32, len(ids)*s.D)}}
	for i, id := range ids {
		d.tokens = append(d.tokens, words[id])
		d.b.Doc, d.b.Pos = append(d.b.Doc, int64(i)/shape[1]), append(d.b.Pos, int32(int64(i)%shape[1]))
	}
	o := DefaultInspect().ForDashboards()
	o.Latents, o.Top, o.PerInterval = []int{c.Latent}, 6, 2
	v := &Dashboards{Model: "babyllama-105", Layer: 3, Set: "res-acme", Dataset: "acme/tiny-stories",
		Prompts: int(shape[0]), PromptTokens: int(shape[1]), Decoder: s.Weight("decoder.weight"), D: s.D}
	calls := 0
	o.Emit = func(x *Inspection, features []Feature) error {
		if calls++; x.Docs != shape[0] || x.Longest != shape[1] {
			t.Errorf("%d documents of up to %d rows, want %d and %d", x.Docs, x.Longest, shape[0], shape[1])
		}
		do(v, &features[0])
		return nil
	}
	x, err := Inspect(context.Background(), s, d, activations.AllRows(int64(len(ids))), 100, o)
	if err != nil || calls != 1 {
		t.Fatalf("%d batches of features were passed on: %v", calls, err)
	}
	if x.Features[0].Top[0].Tokens != nil {
		t.Error("contexts are kept after they were passed on")
	}
}

// TestGoldenSAEDashboard writes the page of a latent and compares it with one
// made by hand after SAEDashboard's layout. The random examples are others.
func TestGoldenSAEDashboard(t *testing.T) {
	c := openPages(t, "saedashboard")
	var want map[string]any
	readJSON(t, filepath.Join(c.dir, "batch-0.json"), &want)
	c.inspect(t, func(v *Dashboards, f *Feature) {
		got := tree(t, v.Batch([]Feature{*f}))
		wantPage, page := only(t, want["features"]), only(t, got["features"])
		sameExamples(t, page["activations"].([]any), wantPage["activations"].([]any), "tokens", "values", "qualifying_token_index", "bin_min", "bin_max", "bin_contains")
		delete(page, "activations")
		delete(wantPage, "activations")
		sameNumbers(t, "page", got, want, 0, 1.1e-5)
	})
}

// TestGoldenNeuronpedia does the same with the rows of Neuronpedia's import.
func TestGoldenNeuronpedia(t *testing.T) {
	c := openPages(t, "neuronpedia")
	c.inspect(t, func(v *Dashboards, f *Feature) {
		n := &Neuronpedia{Dashboards: *v, Hook: "blocks.3.hook_resid_post", Release: "acme", Created: "2026-01-01T00:00:00.000Z"}
		feature, activations := n.Lines(f)
		wantFeature := only(t, lines(t, filepath.Join(c.dir, c.Folder, "features", "batch-0.jsonl.gz")))
		sameNumbers(t, "feature", tree(t, feature), wantFeature, 0, 1.1e-5)
		sameStrings(t, tree(t, feature), wantFeature)
		want := lines(t, filepath.Join(c.dir, c.Folder, "activations", "batch-0.jsonl.gz"))
		var got []any
		ids := map[string]bool{}
		for _, a := range activations {
			got, ids[a.ID] = append(got, tree(t, a)), true
		}
		if len(ids) != len(got) {
			t.Errorf("%d activations have %d ids", len(got), len(ids))
		}
		for i := range min(len(got), len(want)) { // how many random ones the sample holds is its own choice
			g, w := got[i].(map[string]any), want[i].(map[string]any)
			sameKeys(t, g, w)
			if w["binMin"].(float64) == -1 {
				delete(g, "id")
				delete(w, "id")
				if !reflect.DeepEqual(g, w) {
					t.Errorf("activation %d is\n%v\nwant\n%v", i, g, w)
				}
			}
		}
	})
}

// sameExamples wants the largest activations to be those of the sample, and as
// many random ones from the same intervals, whose own value lies in theirs.
func sameExamples(t *testing.T, got, want []any, tokens, values, at, lo, hi, contains string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("there are %d examples, want %d", len(got), len(want))
	}
	for i := range want {
		g, w := got[i].(map[string]any), want[i].(map[string]any)
		sameKeys(t, g, w)
		if w[lo].(float64) == -1 {
			if !reflect.DeepEqual(g, w) {
				t.Errorf("example %d is\n%v\nwant\n%v", i, g, w)
			}
			continue
		}
		for _, key := range []string{lo, hi, contains} {
			if math.Abs(g[key].(float64)-w[key].(float64)) > 1.1e-5 {
				t.Errorf("example %d has %s %v, want %v", i, key, g[key], w[key])
			}
		}
		if v := g[values].([]any)[int(g[at].(float64))].(float64); v <= g[lo].(float64)-1e-5 || v > g[hi].(float64)+1e-5 {
			t.Errorf("example %d has an activation of %v in the interval %v to %v", i, v, g[lo], g[hi])
		}
		if len(g[tokens].([]any)) != len(w[tokens].([]any)) {
			t.Errorf("example %d has %d tokens, want %d", i, len(g[tokens].([]any)), len(w[tokens].([]any)))
		}
	}
}

func sameKeys(t *testing.T, got, want map[string]any) {
	t.Helper()
	for key := range want {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is not in the sample", key)
		}
	}
}

func sameStrings(t *testing.T, got, want map[string]any) {
	t.Helper()
	for key, w := range want {
		if w, ok := w.(string); ok && got[key] != w {
			t.Errorf("%s is %v, want %s", key, got[key], w)
		}
	}
}

// tree is v as JSON has it.
func tree(t *testing.T, v any) (out map[string]any) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func only(t *testing.T, list any) map[string]any {
	t.Helper()
	all, ok := list.([]any)
	if !ok || len(all) != 1 {
		t.Fatalf("want a list of one, not %v", list)
	}
	return all[0].(map[string]any)
}

// lines are the objects of a file of one a line, packed with gzip.
func lines(t *testing.T, path string) (all []any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(unpacked); dec.More(); {
		var v map[string]any
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}
