package eval

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/sae"
)

// identity is a model whose latents are the values of the row.
func identity(d int) Subject {
	m := &formula{f: d}
	m.code = func(x []float32) (index []int32, value []float32) {
		for j, v := range x {
			index, value = append(index, int32(j)), append(value, v)
		}
		return index, value
	}
	m.decode = func(dst, x []float32, _ []int32, _ []float32) { copy(dst, x) }
	return Subject{Model: m, Dims: sae.Dims{D: d, F: d, B: 512}}
}

// TestDigits repeats the scores that dumps/README.md gives for the rows
// themselves. An identity's latents must score the same.
func TestDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("fits of many classes are slow under the race detector")
	}
	dir := filepath.Join(shared(t, "SAECTL_DATA", "data"), "dumps")
	page, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	figure := func(pattern string) float64 {
		m := regexp.MustCompile(pattern + `\s+([0-9.]*[0-9])`).FindSubmatch(page)
		if m == nil {
			t.Fatalf("README.md does not hold %s", pattern)
		}
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	sets := map[string]activations.Source{}
	width := 0
	for _, name := range []string{"train", "test", "ood"} {
		d, err := activations.Open(filepath.Join(dir, "digits", name))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		width = d.D()
		sets[name] = data.NewSequential(d, activations.AllRows(d.Rows()), Columns(d), 100)
	}
	r := NewReport()
	if err := Probe(context.Background(), identity(width), ProbeSets{Train: sets["train"], Test: sets["test"], OOD: []OODSource{{"8 and 9", sets["ood"]}}}, 2, r); err != nil {
		t.Fatal(err)
	}
	accuracy := figure(`train -> test accuracy`)
	auroc, fpr := figure(`nearest train row \(Euclidean\) AUROC`), figure(`nearest train row \(Euclidean\) AUROC [0-9.]+, FPR95`)
	// At the optimum of scikit-learn's own objective one row more is missed than
	// where its default of 100 steps stops, by 0.07 of a logit.
	oneRow := 1/float64(r.Metrics["probe_accuracy"].Rows) + 1e-5
	for _, suffix := range []string{"", "_raw"} {
		r.want(t, "probe_accuracy"+suffix, accuracy, oneRow)
		r.want(t, "ood_auroc_nearest"+suffix, auroc, 1e-5)
		r.want(t, "ood_fpr95_nearest"+suffix, fpr, 1e-5)
	}
	if k1, k20 := r.Metrics["probe_k1_auroc"].Value, r.Metrics["probe_k20_auroc"].Value; !(k20 > k1) {
		t.Errorf("20 latents tell classes no better than 1: AUROC %v and %v", k20, k1)
	}
}

func TestProbeNeedsLabels(t *testing.T) {
	x := randomRows(10, 3)
	set := func() activations.Source {
		return source(activations.Batch{N: 10, D: 3, X: x, Label: []int32{0, 1, 0, 1, -1, 0, 1, 0, 1, 0}}, 4)
	}
	if err := Probe(context.Background(), identity(3), ProbeSets{Train: set(), Test: set()}, 1, NewReport()); err == nil {
		t.Error("a row without a label is taken")
	}
}
