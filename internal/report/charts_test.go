package report

import (
	"math"
	"slices"
	"testing"
)

func chartNamed(t *testing.T, p *Page, id string) chart {
	t.Helper()
	for _, c := range charts(p) {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("there is no chart %s", id)
	return chart{}
}

// TestBarsCountAll wants each latent in one bar or beside the axis.
func TestBarsCountAll(t *testing.T) {
	const n = 500
	p := samplePage(n)
	for _, id := range []string{"frequency", "max", "nearest_cosine"} {
		c := chartNamed(t, p, id)
		l := c.Lines[0]
		sum := float64(l.Zero)
		for _, y := range l.Y {
			sum += y
		}
		if sum != n || !slices.IsSorted(l.X) || len(l.X) != len(l.Y)+1 {
			t.Errorf("%s: %v latents in %d bars with %d edges", id, sum, len(l.Y), len(l.X))
		}
		if got, want := l.Zero, map[string]int{"frequency": 1, "max": 1}[id]; got != want {
			t.Errorf("%s: %d at zero, want %d", id, got, want)
		}
	}
}

func TestCountInto(t *testing.T) {
	counts, zero := countInto(numbers{0.1, 1, 10}, []float64{0, 0.1, 0.5, 1, 10, math.NaN()}, true)
	if !slices.Equal(counts, numbers{2, 2}) || zero != 1 {
		t.Errorf("got %v and %d at zero", counts, zero)
	}
	for _, values := range [][]float64{{}, {math.NaN()}, {0}} {
		if edges := binEdges([][]float64{values}, true); edges != nil {
			t.Errorf("%v gives bins %v", values, edges)
		}
	}
	for _, c := range []struct {
		values []float64
		log    bool
	}{{[]float64{3}, false}, {[]float64{3}, true}, {[]float64{1}, true}, {[]float64{1e-300, 1e300}, true}, {[]float64{-1e300, 1e300}, false}} {
		edges := binEdges([][]float64{c.values}, c.log)
		counts, _ := countInto(edges, c.values, c.log)
		sum := 0.0
		for _, y := range counts {
			sum += y
		}
		if sum != float64(len(c.values)) || edges[0] > c.values[0] || edges[len(edges)-1] < c.values[len(c.values)-1] || len(edges) > 2*binsInAll+2 {
			t.Errorf("%v: %d bins from %v to %v hold %v", c.values, len(counts), edges[0], edges[len(edges)-1], sum)
		}
	}
}

func TestRunsAreCompared(t *testing.T) {
	p := samplePage(60)
	one := len(charts(p))
	second := samplePage(90).Runs[0]
	second.Name = "second"
	second.Metrics = second.Metrics[:2]
	p.Runs = append(p.Runs, second)
	c := chartNamed(t, p, "error_l0")
	if len(c.Lines) != 2 || c.Lines[1].Run != 1 || c.Lines[1].X[0] != second.Metrics[1].Value || c.Lines[1].Y[0] != second.Metrics[0].Value {
		t.Errorf("error against L0 shows %+v", c.Lines)
	}
	if got := len(charts(p)); got != one+1 {
		t.Errorf("two runs have %d charts, one has %d", got, one)
	}
	d := chartNamed(t, p, "frequency")
	if !slices.Equal(d.Lines[0].X, d.Lines[1].X) {
		t.Error("the bins of two runs differ")
	}
	for _, l := range d.Lines {
		sum := 0.0
		for _, y := range l.Y {
			sum += y
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("the shares of run %d sum to %v", l.Run, sum)
		}
	}
	h := newHead(p)
	if m := h.Metrics[2]; m.Name != "cosine" || len(m.Values) != 2 || !math.IsNaN(m.Values[1]) {
		t.Errorf("a metric that one run lacks is %+v", m)
	}
	written(t, p)
}

// TestViolins takes the numbers from rows whose ε_LBO is known: with F 3, z² of
// 1 + 2e and f 1 it is e.
func TestViolins(t *testing.T) {
	run := func(scale float64) Run {
		r := Run{F: 3, ZF: &ZF{}}
		for i := range 101 {
			r.ZF.Z = append(r.ZF.Z, math.Sqrt(1+2*scale*float64(i)))
			r.ZF.F = append(r.ZF.F, 1)
		}
		return r
	}
	v := violins([]Run{run(1), {}, run(0.5)})
	if v.Left != nil {
		t.Error("there is a normalised error that no run measured")
	}
	s := v.Right
	if s.Best != 2 || s.Worst != 0 || len(s.Shapes) != 2 {
		t.Errorf("best %d, worst %d of %d", s.Best, s.Worst, len(s.Shapes))
	}
	for i, want := range []float64{50, 25} {
		if got := float64(s.Shapes[i].Median); math.Abs(got-want) > 1e-9 {
			t.Errorf("median %v, want %v", got, want)
		}
	}
	if got := float64(s.Shapes[0].Q75 - s.Shapes[0].Q25); math.Abs(got-50) > 1e-9 {
		t.Errorf("quartiles are %v apart, want 50", got)
	}
	// 202 values: 0 to 100 and their halves; place 198.99 of the sorted.
	if got := float64(s.Clip); math.Abs(got-97.99) > 0.011 {
		t.Errorf("clipped at %v, want about 97.99", got)
	}
	if top := slices.Max(s.Shapes[1].Density); top != 1 {
		t.Errorf("the largest density is %v", top)
	}
	withError := run(1)
	for _, z := range withError.ZF.Z {
		withError.ZF.Error = append(withError.ZF.Error, z*z/4)
	}
	if got := violins([]Run{withError}).Left.Shapes[0].Median; math.Abs(float64(got)-0.25) > 1e-12 {
		t.Errorf("normalised error %v, want 0.25", got)
	}
}
