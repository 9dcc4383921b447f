package eval

import (
	"context"
	"fmt"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

// A Rung is what an autoencoder does with rows when it encodes them in another
// way than it was trained to: with so many latents, or down to a tolerance.
type Rung struct {
	FVU, NMSE, L0 float64
	Met           float64 // share of rows that met the tolerance, NaN without one
}

// Climb evaluates s, which was set up for one rung of a ladder, on all rows of
// src, whose batches hold at most s.B rows.
func Climb(ctx context.Context, s Subject, src activations.Source, threads int) (Rung, error) {
	pool := kernel.NewPool(threads)
	defer pool.Close()
	r := NewReport()
	metrics := []Metric{newReconstruction(s.width()), newSparsity(s.F), &pursuit{}}
	rows, err := pass(ctx, s, src, pool, func(sample *Sample) { addAll(metrics, sample) })
	if err != nil {
		return Rung{}, err
	}
	if rows == 0 {
		return Rung{}, fmt.Errorf("eval: there are no rows to evaluate")
	}
	for _, m := range metrics {
		m.Report(r)
	}
	get := func(name string) float64 {
		if v, ok := r.Metrics[name]; ok {
			return v.Value
		}
		return mean(0, 0)
	}
	return Rung{FVU: get("fvu"), NMSE: get("nmse_mean_of_row_ratios"), L0: get("l0"), Met: get("share_met_tolerance")}, nil
}

// SetLadder adds the rungs, at ascending places x, as series whose names end in
// by: "k", "tolerance" or "prefix".
func (r *Report) SetLadder(by string, x []float64, rungs []Rung) {
	how := "when rows are encoded anew with x latents each, of a matching pursuit x steps, in place of the number of training"
	switch by {
	case "tolerance":
		how = "when rows are pursued until less than x is left of them"
	case "prefix":
		how = "of the first x latents, which end a nested group, when those after them are dropped from the codes"
	}
	add := func(name, what string, of func(Rung) float64) {
		s := Series{Definition: what + " " + how}
		for i, rung := range rungs {
			if v := of(rung); v == v { // a figure that is not there is NaN
				s.X, s.Y = append(s.X, x[i]), append(s.Y, v)
			}
		}
		if len(s.Y) > 0 {
			r.Series[name+"_at_"+by] = s
		}
	}
	add("fvu", "FVU", func(g Rung) float64 { return g.FVU })
	add("nmse", "nmse_mean_of_row_ratios", func(g Rung) float64 { return g.NMSE })
	add("l0", "L0", func(g Rung) float64 { return g.L0 })
	add("met", "share of rows that meet the tolerance,", func(g Rung) float64 { return g.Met })
}
