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

func TestMedian(t *testing.T) {
	w := &weight{median: &sae.State{Data: []float64{0}}}
	s := &sparseop.Support{B: 1, F: 20}
	for _, c := range []struct {
		along []float64
		want  float64
	}{
		{[]float64{3, -1, 2}, 2}, {[]float64{-4, 0, 1, 0, 0}, 2.5}, {[]float64{0, 0}, 0}, {nil, 0}, {[]float64{-7}, 7},
	} {
		index := make([]int32, len(c.along))
		for i := range index {
			index[i] = int32(i)
		}
		s.Set([]int32{0, int32(len(index))}, index, make([]float32, len(index)))
		got := []float64{math.NaN()}
		medianOf[float64](w, s)(got, [][]float64{append(c.along, 9, 9, 9)}) // what lies beyond is not in use
		if got[0] != c.want || w.measured != c.want {
			t.Errorf("%v: the median is %v and %v, want %v", c.along, got[0], w.measured, c.want)
		}
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
