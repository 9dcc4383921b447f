package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
)

// report prints what each setting gave, means over seeds with the standard
// deviation, and then how figures move with σ.
func report(w io.Writer, dump string, all []*setting) {
	fmt.Fprintf(w, "\n## %s\n\n", dump)
	columns := []struct {
		title, metric string
		format        string
		unit          float64
	}{
		{"FVU", "fvu", "%.4f", 1}, {"FVU, sampled", "fvu_sampled", "%.4f", 1}, {"L0", "l0", "%.1f", 1},
		{"dead, %", "dead_fraction", "%.1f", 0.01}, {"below half, %", "underused_0.5", "%.1f", 0.01},
		{"overlap", "selection_jaccard", "%.3f", 1}, {"KL, nats", "kl", "%.1f", 1}, {"active units", "active_units", "%.0f", 1},
	}
	fmt.Fprint(w, "| setting | seeds |")
	for _, c := range columns {
		fmt.Fprintf(w, " %s |", c.title)
	}
	fmt.Fprint(w, " FVU against null |\n| --- | --- |"+strings.Repeat(" --- |", len(columns)+1)+"\n")
	for _, s := range all {
		fmt.Fprintf(w, "| %s | %d |", s.label(), len(s.seeds))
		for _, c := range columns {
			fmt.Fprintf(w, " %s |", spread(s.values(c.metric), c.format, c.unit))
		}
		fmt.Fprintf(w, " %s |\n", against(s, null(all, s.beta)))
	}
	orderings(w, all)
}

func (s *setting) label() string {
	switch s.kind {
	case "null":
		return fmt.Sprintf("no noise, ½β‖μ‖², β %g", s.beta)
	case "none":
		return fmt.Sprintf("no noise, divergence, β %g", s.beta)
	case "learned":
		return fmt.Sprintf("σ learned, β %g", s.beta)
	case "learnedselected":
		return fmt.Sprintf("σ learned, kept latents, β %g", s.beta)
	}
	return fmt.Sprintf("σ %g, β %g", s.sigma, s.beta)
}

// values are a figure of each seed that has it, in the order of the seeds.
func (s *setting) values(metric string) (v []float64) {
	for _, seed := range s.order() {
		if x, ok := s.seeds[seed][metric]; ok {
			v = append(v, x)
		}
	}
	return v
}

func (s *setting) order() (seeds []int) {
	for seed := range s.seeds {
		seeds = append(seeds, seed)
	}
	slices.Sort(seeds)
	return seeds
}

func spread(v []float64, format string, unit float64) string {
	switch len(v) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(format, v[0]/unit)
	}
	mean, deviation := stat.MeanStdDev(v, nil)
	return fmt.Sprintf(format+" ± "+strings.Replace(format, "+", "", 1), mean/unit, deviation/unit)
}

// null is the model without noise and with the same β, or nil.
func null(all []*setting, beta float64) *setting {
	for _, s := range all {
		if s.kind == "null" && s.beta == beta {
			return s
		}
	}
	return nil
}

// against is the mean difference of FVU from base over the seeds of both.
func against(s, base *setting) string {
	if base == nil || base == s {
		return ""
	}
	var d []float64
	for _, seed := range s.order() {
		if b, ok := base.seeds[seed]; ok {
			d = append(d, s.seeds[seed]["fvu"]-b["fvu"])
		}
	}
	return spread(d, "%+.4f", 1)
}

// orderings prints, for each β, the rank correlation of σ with each figure over
// all seeds; the null model counts as σ 0.
func orderings(w io.Writer, all []*setting) {
	fmt.Fprint(w, "\n| β | runs | σ and FVU | σ and FVU, sampled | σ and dead | σ and overlap |\n| --- | --- | --- | --- | --- | --- |\n")
	var betas []float64
	for _, s := range all {
		if s.kind == "fixed" && !slices.Contains(betas, s.beta) {
			betas = append(betas, s.beta)
		}
	}
	for _, beta := range betas {
		var row []string
		runs := 0
		for _, metric := range []string{"fvu", "fvu_sampled", "dead_fraction", "selection_jaccard"} {
			var x, y []float64
			for _, s := range all {
				if s.beta != beta || s.kind != "fixed" && s.kind != "null" {
					continue
				}
				for _, v := range s.values(metric) {
					x, y = append(x, s.sigma), append(y, v)
				}
			}
			runs = max(runs, len(x))
			row = append(row, correlation(x, y))
		}
		if runs > 6 {
			fmt.Fprintf(w, "| %g | %d | %s |\n", beta, runs, strings.Join(row, " | "))
		}
	}
}

// correlation is Spearman's, "" where it is not defined.
func correlation(x, y []float64) string {
	if len(x) < 3 {
		return ""
	}
	r := stat.Correlation(ranks(x), ranks(y), nil)
	if math.IsNaN(r) {
		return ""
	}
	return fmt.Sprintf("%+.2f", r)
}

// ranks gives equal numbers their mean rank.
func ranks(x []float64) []float64 {
	sorted := slices.Sorted(slices.Values(x))
	r := make([]float64, len(x))
	for i, v := range x {
		first, _ := slices.BinarySearch(sorted, v)
		last := first
		for last < len(sorted) && sorted[last] == v {
			last++
		}
		r[i] = float64(first+last-1) / 2
	}
	return r
}
