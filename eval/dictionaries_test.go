package eval

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/data"
)

// TestAssign compares with all permutations.
func TestAssign(t *testing.T) {
	for trial := range 200 {
		n := 1 + trial%7
		cost := make([]float32, n*n)
		for i := range cost {
			cost[i] = float32(data.Bits(1, uint64(trial), uint64(i))%16) - 4
		}
		columns := assign(cost, n)
		got, seen := 0.0, map[int32]bool{}
		for i, j := range columns {
			got += float64(cost[i*n+int(j)])
			seen[j] = true
		}
		if want := cheapest(cost, n, 0, 0); len(seen) != n || got != want {
			t.Fatalf("%v: columns %v cost %v, want %v", cost, columns, got, want)
		}
	}
}

// cheapest is the least sum of cost over assignments of rows from i on to the
// columns not in used.
func cheapest(cost []float32, n, i int, used uint) float64 {
	if i == n {
		return 0
	}
	best := math.Inf(1)
	for j := range n {
		if used>>j&1 == 0 {
			best = min(best, float64(cost[i*n+j])+cheapest(cost, n, i+1, used|1<<j))
		}
	}
	return best
}

func randomDictionary(name string, f, d int, seed uint64) Dictionary {
	rows := make([]float32, f*d)
	data.NormalFill(rows, seed, 9)
	return Dictionary{Name: name, Rows: rows, F: f, D: d}
}

// TestMatchPermuted finds a dictionary again whose rows were reversed and
// rescaled.
func TestMatchPermuted(t *testing.T) {
	const f, d = 300, 24
	a := randomDictionary("a", f, d, 1)
	b := Dictionary{Name: "b", F: f, D: d, Rows: make([]float32, f*d)}
	for i := range f {
		for j := range d {
			b.Rows[(f-1-i)*d+j] = a.Rows[i*d+j] * float32(1+i%3)
		}
	}
	m, err := MatchDictionaries(context.Background(), a, b, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, j := range m.Hungarian.Columns {
		if int(j) != f-1-i {
			t.Fatalf("latent %d is matched with %d, want %d", i, j, f-1-i)
		}
	}
	if math.Abs(m.MMCS-1) > 1e-6 || math.Abs(m.Back-1) > 1e-6 || math.Abs(m.Hungarian.MeanCosine-1) > 1e-6 || math.Abs(m.Hungarian.Shared["0.95"]-1) > 1e-9 {
		t.Errorf("the match is %+v %+v", m, m.Hungarian)
	}
}

// TestMatchOfUnequalSizes leaves latents of the larger dictionary alone.
func TestMatchOfUnequalSizes(t *testing.T) {
	a := randomDictionary("a", 7, 5, 1)
	b := Dictionary{Name: "b", F: 4, D: 5, Rows: a.Rows[:20]}
	for _, pair := range [][2]Dictionary{{a, b}, {b, a}} {
		m, err := MatchDictionaries(context.Background(), pair[0], pair[1], 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, j := range m.Hungarian.Columns {
			if want := int32(i); j != want && (i < 4 || j != -1) {
				t.Errorf("latent %d is matched with %d", i, j)
			}
		}
		if m.Pairs != 4 || math.Abs(m.Hungarian.MeanCosine-1) > 1e-6 {
			t.Errorf("the match is %+v", m)
		}
	}
	if _, err := MatchDictionaries(context.Background(), a, randomDictionary("c", 7, 6, 1), 1); err == nil || !strings.Contains(err.Error(), "5 values") {
		t.Errorf("dictionaries of other widths give %v", err)
	}
}

func TestGoldenMetricsDictionaries(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(shared(t, "SAECTL_GOLDEN", "golden"), "metrics", "hand_cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var hand struct {
		Two struct {
			A, B          [][]float32
			MMCS          float64 `json:"mmcs_a_to_b"`
			Back          float64 `json:"mmcs_b_to_a"`
			HungarianMean float64 `json:"hungarian_mean"`
			Assignment    []int32
		} `json:"two_dictionaries"`
		Babel struct {
			W   [][]float32
			Mu1 []float64
		}
	}
	if err := json.Unmarshal(raw, &hand); err != nil {
		t.Fatal(err)
	}
	flat := func(name string, rows [][]float32) Dictionary {
		d := Dictionary{Name: name, F: len(rows), D: len(rows[0])}
		for _, r := range rows {
			d.Rows = append(d.Rows, r...)
		}
		return d
	}
	m, err := MatchDictionaries(context.Background(), flat("A", hand.Two.A), flat("B", hand.Two.B), 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mmcs_a_to_b", m.MMCS, hand.Two.MMCS, 1e-6)
	near(t, "mmcs_b_to_a", m.Back, hand.Two.Back, 1e-6)
	near(t, "hungarian_mean", m.Hungarian.MeanCosine, hand.Two.HungarianMean, 1e-6)
	for i, j := range hand.Two.Assignment {
		if m.Hungarian.Columns[i] != j {
			t.Errorf("assignment is %v, want %v", m.Hungarian.Columns, hand.Two.Assignment)
		}
	}
	w := flat("W", hand.Babel.W)
	s := constant(make([]float32, w.D))
	s.F, s.Model.(*formula).f = w.F, w.F
	s.Model.(*formula).weights["decoder.weight"] = w.Rows
	r := evaluate(t, s, []float32{1, 2, 3, 4, 5, 6}, 2)
	for o, want := range hand.Babel.Mu1 {
		near(t, "babel", r.Series["babel"].Y[o], want, 1e-6)
	}
}

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.12g, want %.12g within %g", name, got, want, tolerance)
	}
}
