package eval

import (
	"context"
	"math"
	"testing"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// treeSubject has latents that are the features of g in reverse order, after
// two that never fire; each is active where its feature is. change may replace
// decoder rows, by feature.
func treeSubject(t *testing.T, g *data.TreeGenerator, change func(feature int, row []float32)) Subject {
	t.Helper()
	const d, f = data.TreeFeatures, data.TreeFeatures + 2
	w := make([]float32, f*d)
	latent := func(feature int) int { return f - 1 - feature }
	for i := range d {
		row := w[latent(i)*d : (latent(i)+1)*d]
		copy(row, g.Dictionary()[i*d:(i+1)*d])
		if change != nil {
			change(i, row)
		}
	}
	m := &formula{f: f, weights: map[string][]float32{"decoder.weight": w}}
	m.code = func(x []float32) (index []int32, value []float32) {
		for l := range f {
			if i := f - 1 - l; i < d {
				if a := kernel.DotF64(x, g.Dictionary()[i*d:(i+1)*d]); a > 0.5 {
					index, value = append(index, int32(l)), append(value, float32(3*a))
				}
			}
		}
		return index, value
	}
	m.decode = func(dst, x []float32, _ []int32, _ []float32) { copy(dst, x) }
	return Subject{Model: m, Dims: sae.Dims{D: d, F: f, B: 300}}
}

func treeReport(t *testing.T, s Subject, g *data.TreeGenerator) *Report {
	t.Helper()
	r := NewReport()
	if err := MeasureTree(context.Background(), r, s, g, 1); err != nil {
		t.Fatal(err)
	}
	return r
}

func newTree(t *testing.T, correlation float64) *data.TreeGenerator {
	t.Helper()
	settings := data.DefaultTree()
	settings.Correlation = correlation
	g, err := data.NewTreeGenerator(settings)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestTreeOfItself wants the features themselves to have no error, in whatever
// order, also where they are correlated.
func TestTreeOfItself(t *testing.T) {
	for _, correlation := range []float64{0, 0.3} {
		g := newTree(t, correlation)
		r := treeReport(t, treeSubject(t, g, nil), g)
		r.want(t, "tree_matched_cosine_min", 1, 1e-6)
		r.want(t, "tree_flat_error", 0, 1e-12)
		r.want(t, "tree_hierarchical_error", 0, 1e-12)
		r.want(t, "tree_absorption", 0, 1e-6)
		r.want(t, "tree_children_found", 1, 0)
	}
}

// TestTreeAbsorbed lets every child's latent hold its parent too, of norm 2: 9
// of 99 pairs of a parent and a child, and 9 of 91 pairs of one level, get a
// cosine of √½ and ½.
func TestTreeAbsorbed(t *testing.T) {
	g := newTree(t, 0)
	const d = data.TreeFeatures
	r := treeReport(t, treeSubject(t, g, func(i int, row []float32) {
		if p := g.Parent(i); p >= 0 {
			kernel.Axpy(row, 1, g.Dictionary()[p*d:(p+1)*d])
			kernel.Scale(row, 2)
		}
	}), g)
	r.want(t, "tree_absorption", math.Sqrt(0.5), 1e-6)
	r.want(t, "tree_children_found", 1, 0)
	r.want(t, "tree_matched_cosine_mean", (11+9*math.Sqrt(0.5))/20, 1e-6)
	r.want(t, "tree_hierarchical_error", 9*0.5/99, 1e-6)
	r.want(t, "tree_flat_error", 9*0.25/91, 1e-6)
}

// TestTreeMissed leaves the children out: their absorption is not defined.
func TestTreeMissed(t *testing.T) {
	g := newTree(t, 0)
	r := treeReport(t, treeSubject(t, g, func(i int, row []float32) {
		if g.Parent(i) >= 0 {
			clear(row)
		}
	}), g)
	r.want(t, "tree_children_found", 0, 0)
	if v, ok := r.Metrics["tree_absorption"]; ok {
		t.Errorf("the absorption of children that were not found is %v", v.Value)
	}
}

// TestCosineHistogram counts each ordered pair of rows once: cosines 0, √½, -1
// of (2,0), (0,1), (1,1), (-3,0).
func TestCosineHistogram(t *testing.T) {
	m := &stored{z: []float32{1, 0, 0, 0}, f: 4, d: 2, xHat: []float32{2, 0},
		weights: map[string][]float32{"decoder.weight": {2, 0, 0, 1, 1, 1, -3, 0}}}
	s := evaluate(t, Subject{Model: m, Dims: sae.Dims{D: 2, F: 4, B: 1}}, []float32{2, 0}, 1).Series["decoder_cosines"]
	want := map[int]float64{0: 2, 14: 2, 50: 4, 85: 4} // -1, -√½, 0, √½
	for i, n := range s.Y {
		if n != want[i] {
			t.Errorf("bin %d from %v holds %v pairs, want %v", i, s.X[i], n, want[i])
		}
	}
}
