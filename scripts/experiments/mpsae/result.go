package main

import (
	"fmt"
	"math"
)

// A result is the figures of the runs of one setting, one map a seed.
type result struct {
	name, variant string
	seeds         []map[string]float64
}

// mean leaves out seeds without the figure; NaN when all are.
func (r *result) mean(metric string) float64 {
	sum, n := 0.0, 0.0
	for _, s := range r.seeds {
		if v, ok := s[metric]; ok {
			sum, n = sum+v, n+1
		}
	}
	return sum / n
}

// spread is the standard deviation over seeds, NaN for fewer than two.
func (r *result) spread(metric string) float64 {
	mean, squares, n := r.mean(metric), 0.0, 0.0
	for _, s := range r.seeds {
		if v, ok := s[metric]; ok {
			squares, n = squares+(v-mean)*(v-mean), n+1
		}
	}
	if n < 2 {
		return math.NaN()
	}
	return math.Sqrt(squares / (n - 1))
}

// cell is mean ± spread, each in the format given; "-" without a figure. A
// figure of fewer seeds than there are names their number.
func (r *result) cell(format, metric string, unit float64) string {
	n := r.count(metric)
	if n == 0 {
		return "-"
	}
	text := fmt.Sprintf(format, unit*r.mean(metric))
	if n > 1 {
		text += " ± " + fmt.Sprintf(format, unit*r.spread(metric))
	}
	if n < len(r.seeds) {
		text += fmt.Sprintf(" (%d)", n)
	}
	return text
}

// worst is the least or largest figure of a seed.
func (r *result) worst(metric string, pick func(a, b float64) float64) float64 {
	v := math.NaN()
	for _, s := range r.seeds {
		if w, ok := s[metric]; ok && (math.IsNaN(v) || pick(v, w) == w) {
			v = w
		}
	}
	return v
}

// count is how many seeds have the figure.
func (r *result) count(metric string) (n int) {
	for _, s := range r.seeds {
		if _, ok := s[metric]; ok {
			n++
		}
	}
	return n
}
