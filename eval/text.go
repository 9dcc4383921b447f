package eval

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// WriteText writes a table for people: the metrics that most readers look for,
// each family under its heading, in the order of Definitions.
func (r *Report) WriteText(w io.Writer) error { return r.writeTable(w, false) }

// WriteDetails writes every metric with its definition.
func (r *Report) WriteDetails(w io.Writer) error { return r.writeTable(w, true) }

func (r *Report) writeTable(w io.Writer, details bool) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s  %s, F %d, D %d\n", r.SAE.Path, r.SAE.Variant, r.SAE.Latents, r.SAE.D)
	fmt.Fprintf(b, "%s  %s rows%s\n", r.Dump.Path, grouped(r.Dump.Rows), r.Dump.selection())
	family := ""
	for _, d := range Definitions() {
		v, ok := r.Metrics[d.Name]
		if !ok || !details && !isMain(d.Name) {
			continue
		}
		if d.Family != family {
			fmt.Fprintf(b, "\n%s\n", d.Family)
			family = d.Family
		}
		line := fmt.Sprintf("  %-34s %12s  %s", d.Name, number(v.Value), v.Unit)
		if details {
			line = fmt.Sprintf("  %-34s %12s  %-28s %s", d.Name, number(v.Value), v.Unit, v.Definition)
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
	r.writeLadder(b, "k", []string{"fvu_at_k", "nmse_at_k", "l0_at_k", "fvu_by_k"})
	r.writeLadder(b, "tolerance", []string{"fvu_at_tolerance", "nmse_at_tolerance", "l0_at_tolerance", "met_at_tolerance"})
	r.writeLadder(b, "prefix", []string{"fvu_at_prefix", "nmse_at_prefix", "l0_at_prefix"})
	for i, warning := range r.Warnings {
		if i == 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "warning: %s\n", warning)
	}
	return b.Flush()
}

// writeLadder writes the series that are there, of one k, tolerance or prefix after
// another, beside each other.
func (r *Report) writeLadder(w io.Writer, by string, names []string) {
	names = slices.DeleteFunc(names, func(name string) bool { return len(r.Series[name].Y) == 0 })
	if len(names) == 0 {
		return
	}
	titles := map[string]string{"fvu_by_k": "fvu, cut to k", "met_at_tolerance": "share met"}
	fmt.Fprintf(w, "\n%-12s", by)
	for _, name := range names {
		title, ok := titles[name]
		if !ok {
			title, _, _ = strings.Cut(name, "_")
		}
		fmt.Fprintf(w, "%16s", title)
	}
	fmt.Fprintln(w)
	for i, x := range r.Series[names[0]].X {
		fmt.Fprintf(w, "%-12s", number(x))
		for _, name := range names {
			text := ""
			if s := r.Series[name]; i < len(s.X) && s.X[i] == x {
				text = number(s.Y[i])
			}
			fmt.Fprintf(w, "%16s", text)
		}
		fmt.Fprintln(w)
	}
}

// selection says which rows of the dump were evaluated.
func (d DumpInfo) selection() string {
	s := ""
	if d.RowsTotal > 0 {
		s += fmt.Sprintf(" of %s", grouped(d.RowsTotal))
	}
	if d.Split != "" {
		s += ", split " + d.Split
	}
	if d.Where != "" {
		s += ", where " + d.Where
	}
	return s
}

// isMain says whether a metric stands in the short table.
func isMain(name string) bool {
	switch name {
	case "fvu", "explained_variance", "mse", "cosine", "l2_ratio", "relative_reconstruction_bias",
		"l0", "l0_min", "l0_median", "l0_max", "l1", "gini_row_mean",
		"dead_latents", "dead_fraction", "alive",
		"frequency_min", "frequency_q25", "frequency_median", "frequency_q75", "frequency_max",
		"coherence_max", "coherence_mean", "encoder_decoder_cosine_mean", "duplicates_95", "babel_k",
		"pursuit_steps_mean", "share_met_tolerance", "recovered",
		"tree_matched_cosine_mean", "tree_matched_cosine_min", "tree_flat_error", "tree_hierarchical_error", "tree_absorption",
		"eps_lbo_median", "share_f_above_z", "loss_change_first_order", "loss_change_first_order_abs",
		"class_purity_binary_mean", "probe_accuracy", "probe_accuracy_raw", "probe_k1_auroc", "probe_k5_auroc",
		"ood_auroc_reconstruction", "ood_auroc_nearest", "ood_auroc_nearest_raw", "ood_fpr95_nearest", "ood_fpr95_nearest_raw":
		return true
	}
	return false
}

// number writes v with at most six digits that matter.
func number(v float64) string {
	switch a := math.Abs(v); {
	case v == math.Trunc(v) && a < 1e15:
		return grouped(int64(v))
	case a >= 1e6 || a < 1e-4:
		return strconv.FormatFloat(v, 'e', 4, 64)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 4, 64)
	default:
		return strconv.FormatFloat(v, 'f', 6, 64)
	}
}

// grouped writes a whole number with a comma before each three digits.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
