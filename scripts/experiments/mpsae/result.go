package main

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// A result is the figures of the runs of one setting, one map a seed.
type result struct {
	name, variant string
	seeds         []map[string]float64
}

// values are the figures of the seeds that have it.
func (r *result) values(metric string) (v []float64) {
	for _, s := range r.seeds {
		if w, ok := s[metric]; ok {
			v = append(v, w)
		}
	}
	return v
}

// mean leaves out seeds without the figure; NaN when all are.
func (r *result) mean(metric string) float64 { return stat.Mean(r.values(metric), nil) }

// cell is mean ± spread, each in the format given; "-" without a figure. A
// figure of fewer seeds than there are names their number.
func (r *result) cell(format, metric string, unit float64) string {
	v := r.values(metric)
	if len(v) == 0 {
		return "-"
	}
	text := fmt.Sprintf(format, unit*stat.Mean(v, nil))
	if len(v) > 1 {
		text += " ± " + fmt.Sprintf(format, unit*stat.StdDev(v, nil))
	}
	if len(v) < len(r.seeds) {
		text += fmt.Sprintf(" (%d)", len(v))
	}
	return text
}

// least is the least figure of a seed; NaN without one.
func (r *result) least(metric string) float64 {
	if v := r.values(metric); len(v) > 0 {
		return slices.Min(v)
	}
	return math.NaN()
}
