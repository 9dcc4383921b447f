package eval

import (
	"context"
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// TestResidualCosine: of x = (3,4) the code (2,0) on rows (1,0) and (0,2)
// leaves (1,4), at a cosine of 1/√17 with the one that is active; of (5,0) it
// leaves (3,0), along it; of (2,0) nothing, which counts not.
func TestResidualCosine(t *testing.T) {
	m := &stored{z: []float32{2, 0, 2, 0, 2, 0}, f: 2, d: 2, xHat: []float32{2, 0, 2, 0, 2, 0},
		weights: map[string][]float32{"decoder.weight": {1, 0, 0, 2}}}
	r := evaluate(t, Subject{Model: m, Dims: sae.Dims{D: 2, F: 2, B: 3}}, []float32{3, 4, 5, 0, 2, 0}, 3)
	r.want(t, "residual_cosine_max_mean", (1/math.Sqrt(17)+1)/2, 1e-6)
	if got := r.Metrics["residual_cosine_max_mean"].Rows; got != 2 {
		t.Errorf("%d rows", got)
	}
}

// pursued is a model that says how its rows were pursued.
type pursued struct {
	*formula
	extra map[string][]float32
}

func (m *pursued) Extra(name string) []float32 { return m.extra[name] }

// TestPursuit counts steps, and rows that met a tolerance where there is one.
func TestPursuit(t *testing.T) {
	s := identity(2)
	m := &pursued{s.Model.(*formula), map[string][]float32{"steps": {1, 4, 4}, "converged": {1, 0, 1}}}
	s.Model = m
	r := evaluate(t, s, []float32{1, 2, 3, 4, 5, 7}, 3)
	r.want(t, "pursuit_steps_mean", 3, 0)
	r.want(t, "pursuit_steps_max", 4, 0)
	r.want(t, "share_met_tolerance", 2.0/3, 1e-12)
	delete(m.extra, "converged")
	r = evaluate(t, s, []float32{1, 2, 3, 4, 5, 7}, 3)
	if _, ok := r.Metrics["share_met_tolerance"]; ok {
		t.Error("rows without a tolerance have a share that met it")
	}
	delete(m.extra, "steps")
	r = evaluate(t, s, []float32{1, 2, 3, 4, 5, 7}, 3)
	if _, ok := r.Metrics["pursuit_steps_mean"]; ok {
		t.Error("an encoder that takes no steps has a mean of them")
	}
}

// TestClimb equals the figures of a whole report.
func TestClimb(t *testing.T) {
	s, x := randomSubject(40, 8, 5), randomRows(200, 8)
	all := evaluate(t, s, x, 64)
	src := source(activations.Batch{N: 200, D: 8, X: x}, 50)
	g, err := Climb(context.Background(), s, src, 2)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "fvu", g.FVU, all.Metrics["fvu"].Value, 0)
	near(t, "nmse", g.NMSE, all.Metrics["nmse_mean_of_row_ratios"].Value, 0)
	near(t, "l0", g.L0, all.Metrics["l0"].Value, 0)
	all.SetLadder("k", []float64{5}, []Rung{g})
	if s := all.Series["fvu_at_k"]; len(s.X) != 1 || s.X[0] != 5 || s.Y[0] != g.FVU {
		t.Errorf("series %v", s)
	}
	if _, ok := all.Series["met_at_k"]; ok || !math.IsNaN(g.Met) {
		t.Errorf("rows without a tolerance: %v", g.Met)
	}
}
