package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// A column of a table is a figure of a run; ok is false where it has none.
type column struct {
	title string
	of    func(r run) (value float64, ok bool)
	unit  float64 // the figure is shown in multiples of it
}

func plainly(title, metric string, unit float64) column {
	return column{title, func(r run) (float64, bool) { v, ok := r.plain[metric]; return v, ok }, unit}
}

func byGradient(title, metric string, unit float64) column {
	return column{title, func(r run) (float64, bool) {
		if r.gradient == nil {
			v, ok := r.plain[metric]
			return v, ok
		}
		v, ok := r.gradient[metric]
		return v, ok
	}, unit}
}

func inModel(title, metric string, unit float64) column {
	return column{title, func(r run) (float64, bool) { v, ok := r.spliced[metric]; return v, ok }, unit}
}

// report prints three tables: chosen by z, chosen by the score, and in the
// model. Each has the mean over seeds, and the mean paired difference from the
// TopK of the same k, seeds and AuxK with its 95 % interval.
func report(w io.Writer, all []*setting) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *setting) int { return slices.Compare(a.order(), b.order()) })
	fmt.Fprintln(w, "Latents chosen by z:")
	table(w, sorted, []column{
		plainly("FVU", "fvu", 1), plainly("mean abs. first-order change", "loss_change_first_order_abs", 1),
		plainly("loss FVU", "loss_fvu_first_order", 1), plainly("first-order change", "loss_change_first_order", 1), plainly("dead, %", "dead_fraction", 0.01),
	})
	fmt.Fprintln(w, "\nLatents chosen by the score (which has seen the tokens to be predicted):")
	table(w, sorted, []column{
		byGradient("FVU", "fvu", 1), byGradient("mean abs. first-order change", "loss_change_first_order_abs", 1), byGradient("loss FVU", "loss_fvu_first_order", 1),
	})
	fmt.Fprintln(w, "\nReconstructions in the model, latents chosen by z:")
	table(w, sorted, []column{
		inModel("rise of the loss", "rise", 1), inModel("recovered, %", "recovered", 0.01), inModel("KL", "kl", 1),
	})
}

// order sorts by AuxK, then k, then TopK before g-SAE, by β.
func (s *setting) order() []float64 {
	beta, kind := 0.0, 0.0
	if text, ok := strings.CutPrefix(s.name, "beta"); ok {
		beta, _ = strconv.ParseFloat(text, 64) // not a number: 0
		kind = 1
	} else if s.name != "topk" {
		kind = 2
	}
	aux := 0.0
	if s.aux {
		aux = 1
	}
	return []float64{aux, float64(s.k), kind, beta}
}

func (s *setting) label() string {
	name := s.name
	switch beta, ok := strings.CutPrefix(name, "beta"); {
	case ok:
		name = "g-SAE β " + beta
	case name == "topk":
		name = "TopK"
	case name == "scored":
		name = "g-SAE β 1, scores kept"
	}
	if s.aux {
		name += ", AuxK"
	}
	return name
}

func table(w io.Writer, all []*setting, columns []column) {
	fmt.Fprint(w, "\n| k | setting | seeds |")
	for _, c := range columns {
		fmt.Fprintf(w, " %s | against TopK |", c.title)
	}
	fmt.Fprint(w, "\n| --- | --- | --- |"+strings.Repeat(" --- | --- |", len(columns))+"\n")
	for _, s := range all {
		fmt.Fprintf(w, "| %d | %s | %d |", s.k, s.label(), len(s.seeds))
		base := baseline(all, s)
		for _, c := range columns {
			fmt.Fprintf(w, " %s | %s |", c.mean(s), c.against(s, base))
		}
		fmt.Fprintln(w)
	}
}

// baseline is the TopK that s is held against, nil for a TopK.
func baseline(all []*setting, s *setting) *setting {
	for _, b := range all {
		if b.name == "topk" && s.name != "topk" && b.k == s.k && b.aux == s.aux {
			return b
		}
	}
	return nil
}

func (c column) mean(s *setting) string {
	var v []float64
	for _, r := range s.seeds {
		if x, ok := c.of(r); ok {
			v = append(v, x/c.unit)
		}
	}
	if len(v) == 0 {
		return "-"
	}
	slices.Sort(v)
	return fmt.Sprintf("%.4f", stat.Mean(v, nil))
}

// against is the paired difference.
func (c column) against(s, base *setting) string {
	if base == nil {
		return ""
	}
	var d []float64
	for seed, r := range s.seeds {
		x, ok := c.of(r)
		y, also := c.of(base.seeds[seed])
		if ok && also {
			d = append(d, (x-y)/c.unit)
		}
	}
	slices.Sort(d)
	switch mean, half := interval(d); {
	case len(d) == 0:
		return "-"
	case len(d) == 1:
		return fmt.Sprintf("%+.4f", mean)
	default:
		return fmt.Sprintf("%+.4f ± %.4f", mean, half)
	}
}

// interval is the mean of d and half the width of its 95 % interval by
// Student's t.
func interval(d []float64) (mean, half float64) {
	if len(d) < 2 {
		return stat.Mean(d, nil), math.Inf(1)
	}
	mean, sd := stat.MeanStdDev(d, nil)
	student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(len(d) - 1)}
	return mean, student.Quantile(0.975) * sd / math.Sqrt(float64(len(d)))
}
