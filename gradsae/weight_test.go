package gradsae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// watched builds v and calls look before each of its runs, with β in force.
type watched struct {
	*GradSAE
	look func(beta float64)
}

func (w watched) Build(b *sae.Builder) sae.Out {
	out := w.GradSAE.Build(b)
	after := out.After
	factor := &weight{v: w.GradSAE, b: b}
	out.After = func(step int) {
		w.look(factor.scheduled())
		after(step)
	}
	return out
}

// TestSchedule follows β over a run: linear from beta_start to beta, then
// constant; and the same without a schedule.
func TestSchedule(t *testing.T) {
	toy := saetest.NewToy(toyWidth, 24, 2, 7)
	for _, c := range []struct {
		start, end float64
		steps      int
		want       []float64
	}{{0.5, 2.5, 4, []float64{0.5, 1, 1.5, 2, 2.5, 2.5}}, {3, 0, 3, []float64{3, 2, 1, 0, 0, 0}}, {7, 2, 0, []float64{2, 2, 2, 2, 2, 2}}} {
		var got []float64
		v := small(func(v *GradSAE) { v.Beta, v.BetaStart, v.BetaSteps = c.end, c.start, c.steps })().(*GradSAE)
		tr := newTrainer(t, watched{v, func(beta float64) { got = append(got, beta) }}, toyRows, toyWidth, toyLatents)
		for i := range c.want {
			if err := tr.Step(toy.Batch(i, toyRows)); err != nil {
				t.Fatal(err)
			}
		}
		saetest.Same(t, "β", got, c.want)
	}
}

// TestAfterTraining: a gradient-scored evaluation takes the last β of the
// schedule, and the median that training left behind.
func TestAfterTraining(t *testing.T) {
	v := small(func(v *GradSAE) { v.Beta, v.BetaStart, v.BetaSteps, v.BetaUnit = 2, 9, 5, "median" })().(*GradSAE)
	w := &weight{v: v, b: &sae.Builder{}, median: &sae.State{Data: []float64{0.25}}}
	if got := w.beta(); got != 8 {
		t.Errorf("β is %v, want 2 / 0.25", got)
	}
	for median, want := range map[float64]float64{0: 0, 1e-42: 0, 1e-37: 2e37, 0x1p-126: 0x1p127} {
		w.median.Data[0] = median
		if got := w.beta(); math.Abs(got-want) > 1e-12*want {
			t.Errorf("median %v: β is %v, want %v", median, got, want)
		}
	}
	v.Beta = 10
	if got := w.beta(); got > math.MaxFloat32 {
		t.Errorf("β is %v, which is no float32", got)
	}
}

// TestMedian is of rows of width 1, so that <g,d> is a product of numbers: row b
// has the gradient g[b] and keeps the latents of index[b], with rows 1, 2, ...
func TestMedian(t *testing.T) {
	for _, c := range []struct {
		g     []float64
		index [][]int32
		rows  int
		want  float64
	}{
		{[]float64{1}, [][]int32{{0, 1, 2}}, 1, 2},
		{[]float64{-1, 0, 3}, [][]int32{{0, 1}, {1, 2}, {0}}, 3, 2},
		{[]float64{-1, 2}, [][]int32{{0, 3}, {2, 3}}, 2, 5},
		{[]float64{0, 0}, [][]int32{{0}, {1}}, 2, 0},
		{[]float64{1, 1}, [][]int32{nil, nil}, 2, 0},
		{[]float64{1, 9}, [][]int32{{3}, nil}, 1, 4},
	} {
		w := &weight{median: &sae.State{Data: []float64{0}}}
		s := &sparseop.Support{B: len(c.g), F: 4, Rows: c.rows}
		ptr, index := []int32{0}, []int32{}
		for _, row := range c.index {
			index = append(index, row...)
			ptr = append(ptr, int32(len(index)))
		}
		s.Set(ptr, index, make([]float32, len(index)))
		decoder := []float64{1, 2, 3, 4}
		got, narrow := []float64{math.NaN()}, []float32{float32(math.NaN())}
		medianOf(w, s, dots)(got, [][]float64{c.g, decoder})
		if got[0] != c.want || w.measured != c.want {
			t.Errorf("gradients %v: the median is %v and %v, want %v", c.g, got[0], w.measured, c.want)
		}
		medianOf(w, s, dots32)(narrow, [][]float32{single(c.g), single(decoder)})
		if float64(narrow[0]) != c.want {
			t.Errorf("gradients %v: the median in float32 is %v, want %v", c.g, narrow[0], c.want)
		}
	}
}

func single(x []float64) (y []float32) {
	for _, v := range x {
		y = append(y, float32(v))
	}
	return y
}

// TestMedianOfManyRows looks at every third of 200 rows.
func TestMedianOfManyRows(t *testing.T) {
	w := &weight{median: &sae.State{Data: []float64{0}}}
	s := &sparseop.Support{B: 200, F: 1, Rows: 200}
	ptr, g := []int32{0}, []float64{}
	for b := range 200 {
		ptr = append(ptr, int32(b+1))
		g = append(g, 1e6)
		if b%3 == 0 {
			g[b] = float64(b + 1)
		}
	}
	s.Set(ptr, make([]int32, 200), make([]float32, 200))
	got := []float64{0}
	medianOf(w, s, dots)(got, [][]float64{g, {1}})
	if got[0] != 100 {
		t.Errorf("the median is %v, want that of 1, 4, ... 199", got[0])
	}
}

// TestRunningMedian: the first batch sets it, later ones move it, and those
// without a gradient do not.
func TestRunningMedian(t *testing.T) {
	w := &weight{median: &sae.State{Data: []float64{0}}}
	for _, c := range []struct{ measured, want float64 }{{0, 0}, {4, 4}, {0, 4}, {8, 4.04}, {4.04, 4.04}} {
		w.measured = c.measured
		w.update(0)
		if got := w.median.Data[0]; math.Abs(got-c.want) > 1e-12 {
			t.Errorf("after %v the running median is %v, want %v", c.measured, got, c.want)
		}
	}
}
