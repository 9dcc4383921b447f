package labels

import (
	"math"
	"slices"
	"testing"

	"github.com/saectl/saectl/data"
)

// twoClasses are rows around two points; shift moves them.
func twoClasses(n int, seed uint64, shift float32) *Set {
	s, row := NewSet(4, 4), make([]float32, 4)
	for i := range n {
		data.NormalFillFrom(row, seed, 1, uint64(4*i))
		for j := range row {
			row[j] = max(0, row[j]*0.2+shift)
		}
		row[i%2] += 3
		index := []int32{}
		var value []float32
		for j, v := range row {
			if v != 0 {
				index, value = append(index, int32(j)), append(value, v)
			}
		}
		s.Add(index, value, row, i%2, float64(shift), 1)
	}
	return s
}

// Every score of rows like the training rows is about even, and of codes equal
// to the rows the same for both.
func TestDetectors(t *testing.T) {
	train, test, same, other := twoClasses(200, 1, 0), twoClasses(100, 2, 0), twoClasses(100, 3, 0), twoClasses(100, 4, 1.5)
	probe := FitSoftmax(train.Codes, train.Class, 2, 1)
	scores := func(s *Set, of func(*Set, int) float64) (out []float64) {
		for i := range s.Len() {
			out = append(out, of(s, i))
		}
		return out
	}
	names := map[string]bool{}
	for _, d := range Detectors(train, probe, probe) {
		if names[d.Name] {
			t.Errorf("%s is there twice", d.Name)
		}
		names[d.Name] = true
		id := scores(test, d.Codes)
		if a := DetectionOf(id, scores(same, d.Codes)).AUROC; math.Abs(a-0.5) > 0.12 {
			t.Errorf("%s: AUROC %v of rows that are alike", d.Name, a)
		}
		apart := DetectionOf(id, scores(other, d.Codes))
		switch d.Name {
		case "mahalanobis", "nearest", "neighbour10", "reconstruction", "error", "profile_energy":
			if apart.AUROC < 0.9 || apart.AUPR < 0.9 || apart.FPR95 > 0.5 {
				t.Errorf("%s: %+v of rows that lie elsewhere", d.Name, apart)
			}
		}
		if d.Raw != nil && !slices.Equal(id, scores(test, d.Raw)) {
			t.Errorf("%s differs between rows and codes that are the rows", d.Name)
		}
	}
}

func TestRanks(t *testing.T) {
	if got := ranks([]float64{0, 5, 0, 2}); !slices.Equal(got, []float64{1.5, 4, 1.5, 3}) {
		t.Errorf("ranks %v", got)
	}
	if c := correlation(ranks([]float64{1, 2, 3}), ranks([]float64{10, 100, 1000})); math.Abs(c-1) > 1e-12 {
		t.Errorf("one order correlates by %v", c)
	}
	if c := correlation([]float64{1, 1}, []float64{1, 2}); c != 0 {
		t.Errorf("a constant correlates by %v", c)
	}
}

func TestKthDistance(t *testing.T) {
	f := NewFeatures(2)
	for _, x := range []float32{0, 1, 5, 3} {
		f.AddDense([]float32{x, 0})
	}
	for k, want := range map[int]float64{1: 0, 2: 1, 3: 3, 4: 5, 9: 5} {
		if got := kthDistance(f, 0, f, k); got != want {
			t.Errorf("distance of the %d-th row is %v, want %v", k, got, want)
		}
	}
}

func TestPool(t *testing.T) {
	for kind, want := range map[string]struct {
		index []int32
		value []float32
		raw   []float32
	}{
		PoolMean:  {[]int32{0, 1, 2}, []float32{1, 1, -1}, []float32{2, -1}},
		PoolMax:   {[]int32{0, 1}, []float32{2, 2}, []float32{3, 0}},
		PoolFirst: {[]int32{0, 2}, []float32{2, -2}, []float32{1, -2}},
	} {
		s := NewSet(3, 2)
		p, err := NewPool(s, kind)
		if err != nil {
			t.Fatal(err)
		}
		add := func(doc int64, class int, index []int32, value []float32, x []float32) error {
			return p.Add(doc, index, value, x, class, 1, 2)
		}
		if err := add(4, 1, []int32{0, 2}, []float32{2, -2}, []float32{1, -2}); err != nil {
			t.Fatal(err)
		}
		if err := add(4, 1, []int32{1}, []float32{2}, []float32{3, 0}); err != nil {
			t.Fatal(err)
		}
		if err := add(4, 0, nil, nil, []float32{0, 0}); err == nil {
			t.Error("a document of two classes is taken")
		}
		if err := add(5, 0, nil, nil, []float32{7, 0}); err != nil {
			t.Fatal(err)
		}
		p.Close()
		index, value := s.Codes.Row(0)
		var raw []float32
		places, values := s.Raw.Row(0)
		raw = make([]float32, 2)
		for e, j := range places {
			raw[j] = values[e]
		}
		if s.Len() != 2 || !slices.Equal(index, want.index) || !slices.Equal(value, want.value) || !slices.Equal(raw, want.raw) || s.Class[0] != 1 || s.Class[1] != 0 {
			t.Errorf("%s: latents %v %v, row %v, classes %v", kind, index, value, raw, s.Class)
		}
	}
	if _, err := NewPool(NewSet(1, 1), "median"); err == nil {
		t.Error("another way to pool is taken")
	}
}
