package data

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

func tree(t *testing.T, change func(*Tree)) *TreeGenerator {
	t.Helper()
	s := DefaultTree()
	s.Rows, s.Seed = 40_000, 3
	change(&s)
	g, err := NewTreeGenerator(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestTreeShare compares with the table of the authors' notebook, and with
// what the formula gives at 0.9, which the paper shows too.
func TestTreeShare(t *testing.T) {
	children := []float64{0, 0.0895, 0.163, 0.226, 0.282, 0.3335, 0.3825, 0.431, 0.482, 0.5407}
	parents := []float64{0, 0.3, 0.44, 0.529, 0.594, 0.6467, 0.692, 0.733, 0.7739, 0.8182}
	for i := range children {
		cosine := float64(i) / 10
		for n, want := range map[int]float64{3: children[i], 11: parents[i]} {
			if got := treeShare(cosine, n); math.Abs(got-want) > 2e-3 {
				t.Errorf("cosine %g in a group of %d: share %g, want %g", cosine, n, got, want)
			}
		}
	}
}

// TestTreeDictionary: the cosine asked for within a group, 0 across groups.
func TestTreeDictionary(t *testing.T) {
	for _, correlation := range []float64{0, 0.3, 0.9} {
		w := tree(t, func(s *Tree) { s.Correlation = correlation }).Dictionary()
		for i := range TreeFeatures {
			for j := range TreeFeatures {
				want := 0.0
				switch {
				case i == j:
					want = 1
				case treeParent(i) == treeParent(j): // -1 of all parents
					want = correlation
				}
				if got := kernel.DotF64(w[i*TreeFeatures:(i+1)*TreeFeatures], w[j*TreeFeatures:(j+1)*TreeFeatures]); math.Abs(got-want) > 1e-5 {
					t.Fatalf("correlation %g: features %d and %d have cosine %g, want %g", correlation, i, j, got, want)
				}
			}
		}
	}
}

// TestTreeRows: one parent in each row, a child only with its own, at the
// frequencies and amplitudes of the paper.
func TestTreeRows(t *testing.T) {
	g := tree(t, func(s *Tree) { s.ChildMean, s.ChildStd = 0.5, 0.125 })
	counts, sums, squares, active := make([]float64, TreeFeatures), make([]float64, TreeFeatures), make([]float64, TreeFeatures), 0.0
	var b activations.Batch
	rows := make([]int64, g.Rows())
	for i := range rows {
		rows[i] = int64(i)
	}
	if err := g.Read(&b, rows, activations.Label); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		c := g.Code(row)
		parent := c.Feature[0]
		if treeParent(int(parent)) != -1 || len(c.Feature) > 2 || len(c.Feature) == 2 && treeParent(int(c.Feature[1])) != int(parent) {
			t.Fatalf("row %d is made of features %v", row, c.Feature)
		}
		if treeParents()[b.Label[i]] != int(parent) {
			t.Fatalf("row %d of parent %d has label %d", row, parent, b.Label[i])
		}
		x := append([]float32{}, b.X[i*TreeFeatures:(i+1)*TreeFeatures]...)
		for e, f := range c.Feature {
			counts[f]++
			sums[f], squares[f] = sums[f]+float64(c.Value[e]), squares[f]+float64(c.Value[e])*float64(c.Value[e])
			kernel.Axpy(x, -c.Value[e], g.Dictionary()[int(f)*TreeFeatures:(int(f)+1)*TreeFeatures])
		}
		if kernel.SumSquares(x) > 1e-10 {
			t.Fatalf("row %d is not the sum of its features", row)
		}
		active += float64(len(c.Feature))
	}
	n := float64(g.Rows())
	if mean := active / n; math.Abs(mean-1.36) > 0.01 {
		t.Errorf("%g features are active in a row, want 1.36", mean)
	}
	for f := range TreeFeatures {
		chance, mean, std := aloneChance, 1.5, 0.25
		switch {
		case treeParent(f) >= 0:
			chance, mean, std = familyChance*childChance, 0.5, 0.125
		case f < treeFamilies*(1+treeChildren):
			chance = familyChance
		}
		m := sums[f] / counts[f]
		s := math.Sqrt(squares[f]/counts[f] - m*m)
		if math.Abs(counts[f]/n-chance) > 0.005 || math.Abs(m-mean) > 0.03 || math.Abs(s-std) > 0.03 {
			t.Errorf("feature %d: frequency %g of %g, amplitude %g ± %g of %g ± %g", f, counts[f]/n, chance, m, s, mean, std)
		}
	}
}

func TestWriteTree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tree")
	s := DefaultTree()
	s.Rows, s.Correlation = 2000, 0.3
	if err := WriteTree(context.Background(), dir, s, nil); err != nil {
		t.Fatal(err)
	}
	d, err := activations.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	g, err := NewTreeGenerator(s)
	if err != nil {
		t.Fatal(err)
	}
	var want, got activations.Batch
	all := activations.AllRows(2000)
	for _, read := range []struct {
		from rowReader
		to   *activations.Batch
	}{{g, &want}, {d, &got}} {
		if err := NewSequential(read.from, all, activations.Label, 2000).Next(read.to); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(want.X, got.X) || !slices.Equal(want.Label, got.Label) {
		t.Error("what is read is not what was made")
	}
	if names, err := d.Metadata().LabelNames(); err != nil || len(names) != 11 || names[3] != "parent 12" {
		t.Errorf("labels %v, %v", names, err)
	}
	truth, err := ReadTruth(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(truth.Dictionary, g.Dictionary()) || truth.Parents[0] != -1 || truth.Parents[7] != 4 || math.Abs(truth.Frequencies[4]-0.2) > 0.05 {
		t.Errorf("truth: parents %v, frequencies %v", truth.Parents, truth.Frequencies)
	}
	if !strings.Contains(d.Metadata()["synth"], `"correlation":0.3`) {
		t.Errorf("settings in the metadata: %s", d.Metadata()["synth"])
	}
}

func TestTreeRefuses(t *testing.T) {
	for _, change := range []func(*Tree){
		func(s *Tree) { s.Rows = 0 }, func(s *Tree) { s.Correlation = 1 }, func(s *Tree) { s.Correlation = -0.1 },
		func(s *Tree) { s.ChildStd = -1 }, func(s *Tree) { s.ParentMean = math.NaN() }, func(s *Tree) { s.ChildMean = math.Inf(1) },
	} {
		s := DefaultTree()
		change(&s)
		if _, err := NewTreeGenerator(s); err == nil || !strings.Contains(err.Error(), "synth tree") {
			t.Errorf("%+v: error %v", s, err)
		}
	}
	var b activations.Batch
	if err := tree(t, func(*Tree) {}).Read(&b, []int64{40_000}, 0); err == nil {
		t.Error("a row beyond the last is made")
	}
}
