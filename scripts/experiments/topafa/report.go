package main

import (
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// result is one setting: the figures of each seed.
type result struct {
	name, variant string
	k             int // 0 where the model chooses
	seeds         []map[string]float64
}

func (r *result) values(metric string) (v []float64) {
	for _, s := range r.seeds {
		v = append(v, s[metric])
	}
	return v
}

func (r *result) mean(metric string) float64 { return stat.Mean(r.values(metric), nil) }

func (r *result) sd(metric string) float64 {
	if len(r.seeds) < 2 {
		return 0
	}
	return stat.StdDev(r.values(metric), nil)
}

// report prints all settings by L0, and each of AFA's against the baselines
// that keep as many latents.
func report(w io.Writer, all []*result) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *result) int {
		switch x, y := a.mean("l0"), b.mean("l0"); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	fmt.Fprintln(w, "| setting | L0 | least-median-most | FVU | row error | eps_LBO median | in band 0.5 | coherence | duplicates | dead |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range sorted {
		fmt.Fprintf(w, "| %s | %.1f | %.0f-%.0f-%.0f | %s | %s | %.2e | %.1f %% | %.3f | %.1f | %.1f |\n", r.name,
			r.mean("l0"), r.mean("l0_min"), r.mean("l0_median"), r.mean("l0_max"), r.spread("fvu"), r.spread("nmse_mean_of_row_ratios"),
			r.mean("eps_lbo_median"), 100*r.mean("share_inside_e_0.5"), r.mean("coherence_max"), r.mean("duplicates_95"), r.mean("dead_latents"))
	}
	fmt.Fprintln(w, "\n| top-AFA | baseline at its L0 | FVU, AFA / baseline | t | p | eps_LBO median, AFA / baseline | t | p |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, a := range all {
		for _, b := range all {
			if a.variant == "afa" && b.k == int(math.Round(a.mean("l0"))) {
				t, p := welch(a.values("fvu"), b.values("fvu"))
				u, q := welch(a.values("eps_lbo_median"), b.values("eps_lbo_median"))
				fmt.Fprintf(w, "| %s | %s | %.3e / %.3e | %.2f | %.2g | %.2e / %.2e | %.2f | %.2g |\n", a.name, b.name,
					a.mean("fvu"), b.mean("fvu"), t, p, a.mean("eps_lbo_median"), b.mean("eps_lbo_median"), u, q)
			}
		}
	}
}

func (r *result) spread(metric string) string {
	return fmt.Sprintf("%.3e ± %.0e", r.mean(metric), r.sd(metric))
}

// welch is Welch's t-test of two samples with unequal variances, two-sided
// (Welch 1947). t is below 0 where the first mean is the smaller one. It is NaN
// where neither sample varies.
func welch(a, b []float64) (t, p float64) {
	va, vb := stat.Variance(a, nil)/float64(len(a)), stat.Variance(b, nil)/float64(len(b))
	t = (stat.Mean(a, nil) - stat.Mean(b, nil)) / math.Sqrt(va+vb)
	freedom := (va + vb) * (va + vb) / (va*va/float64(len(a)-1) + vb*vb/float64(len(b)-1))
	student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}
	return t, 2 * student.CDF(-math.Abs(t))
}
