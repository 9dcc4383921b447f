package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/report"
)

// measured is one setting of a method: figures over its seeds.
type measured struct {
	method
	rate, value string
	seeds       int
	mean, sd    map[string]float64
}

// A column of a table is a metric in multiples of a unit.
type column struct {
	title, metric, format string
	unit                  float64
}

func (s scene) columns() []column {
	if s.tree {
		return []column{
			{"L0", "l0", "%.2f", 1}, {"FVU", "fvu", "%.4f", 1}, {"recovered, %", "recovered", "%.0f", 0.01},
			{"matched cosine", "tree_matched_cosine_mean", "%.3f", 1}, {"absorption", "tree_absorption", "%.2f", 1},
			{"children found, %", "tree_children_found", "%.0f", 0.01}, {"dead", "dead_latents", "%.1f", 1},
		}
	}
	return []column{{"L0", "l0", "%.2f", 1}, {"FVU", "fvu", "%.4f", 1}, {"cosine", "cosine", "%.4f", 1}, {"dead, %", "dead_fraction", "%.1f", 0.01}}
}

// print is the table of a scene.
func (s scene) print(w io.Writer, all []measured) {
	columns := s.columns()
	fmt.Fprintf(w, "\n%s, F %d\n\n| variant | setting | rate | seeds |", s.name, s.latents)
	for _, c := range columns {
		fmt.Fprintf(w, " %s |", c.title)
	}
	fmt.Fprintln(w, "\n"+strings.Repeat("| --- ", 4+len(columns))+"|")
	for _, x := range all {
		_, key, _ := strings.Cut(x.key, ".")
		fmt.Fprintf(w, "| %s | %s %s | %s | %d |", x.variant, key, x.value, x.rate, x.seeds)
		for _, c := range columns {
			fmt.Fprintf(w, " %s |", c.text(x))
		}
		fmt.Fprintln(w)
	}
}

func (c column) text(x measured) string {
	mean, ok := x.mean[c.metric]
	if !ok {
		return "-"
	}
	text := fmt.Sprintf(c.format, mean/c.unit)
	if sd, ok := x.sd[c.metric]; ok {
		text += " ± " + fmt.Sprintf(c.format, sd/c.unit)
	}
	return text
}

// writePicture draws FVU against L0, a curve for each variant.
func writePicture(path string, s scene, all []measured) error {
	p := report.Picture{Title: fmt.Sprintf("%s, %d latents", s.name, s.latents), X: "latents of a row (L0)", Y: "FVU"}
	for _, x := range all {
		i := slices.IndexFunc(p.Curves, func(c report.Curve) bool { return c.Name == x.variant })
		if i < 0 {
			i = len(p.Curves)
			p.Curves = append(p.Curves, report.Curve{Name: x.variant})
		}
		p.Curves[i].Points = append(p.Curves[i].Points, report.Point{X: x.mean["l0"], Y: x.mean["fvu"], Spread: x.sd["fvu"], Name: x.key + " " + x.value})
	}
	for i := range p.Curves {
		slices.SortFunc(p.Curves[i].Points, func(a, b report.Point) int { return cmp.Compare(a.X, b.X) })
	}
	return atomicfile.Write(path, p.WriteSVG)
}
