package main

import (
	"math"
	"strings"
	"testing"
)

// TestWelch has a known example: t = -2.46 with 24.99 degrees of freedom and
// p = 0.021.
func TestWelch(t *testing.T) {
	a := []float64{27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4}
	b := []float64{27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4}
	s, p := welch(a, b)
	if math.Abs(s+2.46) > 0.01 || math.Abs(p-0.021) > 0.001 {
		t.Errorf("t %v, p %v", s, p)
	}
}

// TestReportMatchesByL0 compares a setting of AFA with the baseline of its L0.
func TestReportMatchesByL0(t *testing.T) {
	seeds := func(l0 float64, fvu ...float64) (s []map[string]float64) {
		for _, f := range fvu {
			s = append(s, map[string]float64{"l0": l0, "fvu": f, "eps_lbo_median": f})
		}
		return s
	}
	var out strings.Builder
	report(&out, []*result{
		{name: "AFA", variant: "afa", seeds: seeds(40.4, 1, 2, 3)},
		{name: "TopK 40", variant: "topk", k: 40, seeds: seeds(40, 3, 4, 5)},
		{name: "TopK 41", variant: "topk", k: 41, seeds: seeds(41, 3, 4, 5)},
	})
	if s := out.String(); !strings.Contains(s, "| AFA | TopK 40 | 2.000e+00 / 4.000e+00 | -2.45 |") || strings.Contains(s, "| AFA | TopK 41") {
		t.Errorf("report:\n%s", s)
	}
}
