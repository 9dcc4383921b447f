package report

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// chart is one plot of the overview. Kind says how the page draws it: bars
// (edges and heights), lines, points (with a line through those of a variant),
// zf or violin.
type chart struct {
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Help    string  `json:"help"`
	Kind    string  `json:"kind"`
	X       axis    `json:"x"`
	Y       axis    `json:"y"`
	Lines   []line  `json:"lines,omitempty"`
	Violins *violin `json:"violins,omitempty"`
	Column  string  `json:"column,omitempty"` // whose values a bar counts, for the list behind it
}

type axis struct {
	Label string `json:"label"`
	Log   bool   `json:"log"`
	Share bool   `json:"share"` // written as a percentage
}

// line is what a chart shows of one run.
type line struct {
	Run  int     `json:"run"`
	X    numbers `json:"x"`
	Y    numbers `json:"y"`
	Zero int     `json:"zero"` // values that a logarithmic axis has no place for

	Name    string `json:"name,omitempty"` // of a point of a sweep, which is no run of the page
	Variant string `json:"variant,omitempty"`
	Here    bool   `json:"here,omitempty"`

	Points *points `json:"points,omitempty"` // what is known of each beside its place
}

// charts are the plots of a page.
func charts(p *Page) []chart {
	list := []chart{}
	if len(p.Runs) > 1 || len(p.Sweep) > 0 {
		list = append(list, errorAgainstL0(p.Runs, p.Sweep)...)
	}
	list = append(list, columnCharts(p.Runs)...)
	list = append(list, zfCharts(p.Runs)...)
	return inReadingOrder(append(list, seriesCharts(p.Runs)...))
}

func (r *Run) metric(name string) float64 {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m.Value
		}
	}
	return math.NaN()
}

// columnCharts are histograms of the columns to plot, over all runs that have
// them, in common bins.
func columnCharts(runs []Run) (list []chart) {
	seen := map[string]bool{}
	for _, r := range runs {
		for _, c := range r.Table.Columns {
			if c.Plot && !seen[c.Key] {
				seen[c.Key] = true
				if made, ok := columnChart(runs, c); ok {
					list = append(list, made)
				}
			}
		}
	}
	return list
}

func columnChart(runs []Run, like Column) (chart, bool) {
	c := chart{ID: like.Key, Title: title(like.Title), Help: like.Help, Kind: "bars", Column: like.Key,
		X: axis{Label: like.Title, Log: like.Kind.log(), Share: like.Kind == Share}, Y: countAxis("latents", len(runs))}
	var of [][]float64
	for i, r := range runs {
		for _, column := range r.Table.Columns {
			if column.Key == like.Key {
				of = append(of, column.Values)
				c.Lines = append(c.Lines, line{Run: i})
			}
		}
	}
	edges := binEdges(of, c.X.Log)
	if edges == nil {
		return c, false
	}
	for i := range c.Lines {
		c.Lines[i].X = edges
		c.Lines[i].Y, c.Lines[i].Zero = countInto(edges, of[i], c.X.Log)
		if c.Y.Share {
			normalise(c.Lines[i].Y)
		}
	}
	return c, true
}

// countAxis counts things of one run, and compares shares of several.
func countAxis(of string, runs int) axis {
	if runs > 1 {
		return axis{Label: "share of " + of, Share: true}
	}
	return axis{Label: of}
}

func (k Kind) log() bool { return k == Size || k == Share || k == Count }

// Bins of a histogram: on a logarithmic axis so many a factor of ten, or two, four
// or eight times as many when that makes few, of round width as far as they fit;
// else so many in all.
const (
	binsPerDecade = 8
	binsInAll     = 48
)

// binEdges are bins that hold all values; nil when there are none to show.
func binEdges(of [][]float64, log bool) numbers {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, values := range of {
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) || log && v <= 0 {
				continue
			}
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	switch {
	case lo > hi:
		return nil
	case log:
		return decades(lo, hi)
	case lo == hi:
		lo, hi = lo-0.5, hi+0.5
	}
	edges := make(numbers, binsInAll+1)
	for i := range edges {
		edges[i] = lo + (hi-lo)*float64(i)/binsInAll
	}
	edges[binsInAll] = hi
	return edges
}

func decades(lo, hi float64) (edges numbers) {
	per := float64(binsPerDecade)
	for per < 8*binsPerDecade && math.Log10(hi/lo)*per < binsInAll/4 {
		per *= 2
	}
	from, to := math.Floor(math.Log10(lo)*per), math.Ceil(math.Log10(hi)*per)
	if to == from {
		to++
	}
	step := math.Ceil((to - from) / (2 * binsInAll))
	for e := from; e < to+step; e += step {
		edges = append(edges, math.Pow(10, e/per))
	}
	return edges
}

// countInto counts values into bins closed on the left, the last on both
// sides; zero is how many a logarithmic axis leaves out.
func countInto(edges numbers, values []float64, log bool) (counts numbers, zero int) {
	counts = make(numbers, len(edges)-1)
	for _, v := range values {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			continue
		case log && v <= 0:
			zero++
			continue
		}
		bin, exact := slices.BinarySearch(edges, v)
		if !exact {
			bin--
		}
		counts[max(0, min(len(counts)-1, bin))]++
	}
	return counts, zero
}

// normalise makes heights sum to 1.
func normalise(heights numbers) {
	sum := 0.0
	for _, h := range heights {
		sum += h
	}
	for i := range heights {
		heights[i] /= max(sum, 1e-300)
	}
}

// shown says how series that eval makes are presented; others are drawn
// plainly under their own name.
func shown() map[string]chart {
	return map[string]chart{
		"l0_histogram":        {Title: "L0", X: axis{Label: "active latents of a row"}, Y: axis{Label: "rows"}},
		"frequency_histogram": {Title: "Density", X: axis{Label: "log10 of the share of rows"}, Y: axis{Label: "latents"}},
		"dead_by_window":      {Title: "Dead latents by window", X: axis{Label: "rows in a row", Log: true}, Y: axis{Label: "share of latents", Share: true}},
		"fvu_by_k":            {Title: "Error when codes are cut", X: axis{Label: "latents kept of a row", Log: true}, Y: axis{Label: "FVU", Log: true}},
		"fvu_at_k":            {Title: "Error by latents of inference", X: axis{Label: "latents or steps of a row", Log: true}, Y: axis{Label: "FVU", Log: true}},
		"fvu_at_tolerance":    {Title: "Error by tolerance", X: axis{Label: "tolerance", Log: true}, Y: axis{Label: "FVU", Log: true}},
		"eps_lbo_histogram":   {Title: "ε_LBO", X: axis{Label: "ε_LBO, clipped"}, Y: axis{Label: "rows"}},
		"decoder_cosines":     {Title: "Cosines of decoder rows", X: axis{Label: "cosine"}, Y: axis{Label: "ordered pairs"}},
		"babel":               {Title: "Babel function", X: axis{Label: "latents", Log: true}, Y: axis{Label: "largest sum of |cosines|"}},
	}
}

// seriesCharts draw what the columns and the ZF plot do not show.
func seriesCharts(runs []Run) (list []chart) {
	at, known := map[string]int{}, shown()
	for i, r := range runs {
		for _, name := range seriesOf(r) {
			s := r.Series[name]
			k, ok := at[name]
			if !ok {
				c, titled := known[name]
				if !titled {
					c.Title, c.X.Label = title(name), "x"
				}
				c.ID, c.Help, c.Kind = name, capital(s.Definition), "lines"
				if len(s.X) == len(s.Y)+1 {
					c.Kind = "bars"
				}
				k, at[name] = len(list), len(list)
				list = append(list, c)
			}
			list[k].Lines = append(list[k].Lines, line{Run: i, X: s.X, Y: slices.Clone(s.Y)})
		}
	}
	for i := range list {
		if c := &list[i]; c.Kind == "bars" && len(runs) > 1 {
			c.Y = axis{Label: "share of " + cmp.Or(c.Y.Label, "all"), Share: true}
			for j := range c.Lines {
				normalise(c.Lines[j].Y)
			}
		}
	}
	return list
}

// seriesOf are the names of the series that get a plain chart, in order.
func seriesOf(r Run) (names []string) {
	for name, s := range r.Series {
		drawn := strings.HasPrefix(name, "zf") || name == "frequency_histogram" && r.has("frequency")
		if !drawn && len(s.Y) > 0 && len(s.X)-len(s.Y) <= 1 && len(s.X) >= len(s.Y) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (r *Run) has(column string) bool {
	return slices.ContainsFunc(r.Table.Columns, func(c Column) bool { return c.Key == column })
}

// title is a name of a series as a heading.
func title(name string) string {
	return capital(strings.ReplaceAll(name, "_", " "))
}

// capital begins a sentence; symbols such as ε stay as they are.
func capital(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; 'a' <= c && c <= 'z' {
		return string(c-'a'+'A') + s[1:]
	}
	return s
}
