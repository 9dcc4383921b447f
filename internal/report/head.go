package report

import "math"

// head is what the page shows before any block is opened.
type head struct {
	Title    string        `json:"title"`
	Search   string        `json:"search"`
	Warnings []string      `json:"warnings"`
	Runs     []runHead     `json:"runs"`
	Metrics  []metricHead  `json:"metrics"`
	Charts   []chart       `json:"charts"`
	Features int           `json:"features"`
	PerBlock int           `json:"perBlock"`
	Sections []sectionHead `json:"sections"`
	Order    string        `json:"order"`
	First    []firstHead   `json:"first"`
}

// firstHead is one of the first latents, for the overview.
type firstHead struct {
	Latent int      `json:"latent"`
	Tokens []string `json:"tokens"`
	Before string   `json:"before"`
	After  string   `json:"after"`
}

type runHead struct {
	Name     string       `json:"name"`
	Variant  string       `json:"variant"`
	F        int          `json:"latents"`
	Facts    []Fact       `json:"facts"`
	Warnings []string     `json:"warnings"`
	Rows     int          `json:"rows"` // of its table
	Columns  []columnHead `json:"columns"`
}

type columnHead struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Help  string `json:"help"`
	Kind  Kind   `json:"kind"`
}

// metricHead is a metric with the value of each run.
type metricHead struct {
	Name       string  `json:"name"`
	Family     string  `json:"family"`
	Unit       string  `json:"unit"`
	Definition string  `json:"definition"`
	Values     numbers `json:"values"` // [runs]
	Rows       []int64 `json:"rows"`   // [runs]
}

func newHead(p *Page) *head {
	h := &head{
		Title: p.Title, Search: p.Search, Warnings: some(p.Warnings), Runs: []runHead{}, Metrics: metricsOf(p.Runs),
		Charts: charts(p), Features: len(p.Features), PerBlock: featuresPerBlock, Sections: sectionHeads(p.Sections),
		Order: p.Order, First: first(p.Features),
	}
	for _, r := range p.Runs {
		x := runHead{
			Name: r.Name, Variant: r.Variant, F: r.F, Facts: some(r.Facts), Warnings: some(r.Warnings),
			Rows: r.Table.Rows(), Columns: []columnHead{},
		}
		for _, c := range r.Table.Columns {
			x.Columns = append(x.Columns, columnHead{c.Key, c.Title, c.Help, c.Kind})
		}
		h.Runs = append(h.Runs, x)
	}
	return h
}

// shownFirst is how many latents the overview shows.
const shownFirst = 12

// first are the first latents that have text to show.
func first(features []Feature) []firstHead {
	list := []firstHead{}
	var c textColumn
	for i := range features[:min(len(features), shownFirst)] {
		c.add(&features[i])
		if len(c.Tokens[i]) > 0 {
			list = append(list, firstHead{features[i].Latent, c.Tokens[i], c.Before[i], c.After[i]})
		}
	}
	return list
}

// metricsOf joins the metrics of the runs, in the order they come in.
func metricsOf(runs []Run) []metricHead {
	list, at := []metricHead{}, map[string]int{}
	for i, r := range runs {
		for _, m := range r.Metrics {
			k, known := at[m.Name]
			if !known {
				k = len(list)
				at[m.Name] = k
				list = append(list, metricHead{Name: m.Name, Family: m.Family, Unit: m.Unit, Definition: m.Definition, Rows: make([]int64, len(runs))})
				for range runs {
					list[k].Values = append(list[k].Values, math.NaN())
				}
			}
			list[k].Values[i], list[k].Rows[i] = m.Value, m.Rows
		}
	}
	return list
}

// some is list, which JSON must not show as null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
