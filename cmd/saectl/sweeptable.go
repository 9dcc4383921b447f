package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/report"
)

// A sweepTable is sweep.json.
type sweepTable struct {
	Dump     string         `json:"dump"`
	Test     string         `json:"test,omitempty"` // dump of the evaluation, where it is another
	Split    string         `json:"split,omitempty"`
	Keys     []string       `json:"keys"` // that were swept
	Runs     []sweepRow     `json:"runs"`
	Settings []sweepSetting `json:"settings"` // runs that differ in nothing but their seed
}

type sweepRow struct {
	Run     string             `json:"run"` // folder, below that of the sweep
	Variant string             `json:"variant"`
	Values  map[string]string  `json:"values"` // of the swept keys that it has
	Steps   int                `json:"steps"`
	Metrics map[string]float64 `json:"metrics,omitempty"` // absent until it is evaluated
	Error   string             `json:"error,omitempty"`
}

type sweepSetting struct {
	Name    string             `json:"name"`
	Variant string             `json:"variant"`
	Values  map[string]string  `json:"values"`
	Runs    []string           `json:"runs"`
	Mean    map[string]float64 `json:"mean"`
	SD      map[string]float64 `json:"sd,omitempty"` // sample standard deviation; absent for one run
	curve   string             // name of its line in the picture
}

func (w *sweepJob) table() sweepTable {
	t := sweepTable{Dump: w.runs[0].settings.Dump, Test: w.test, Keys: w.keys, Runs: []sweepRow{}, Settings: []sweepSetting{}}
	if w.test == "" {
		t.Split = w.split
	}
	groups := map[string][]*sweptRun{}
	var order []string
	for _, r := range w.runs {
		row := sweepRow{Run: r.name, Variant: r.settings.Variant, Values: map[string]string{}, Steps: r.state.Steps, Metrics: r.metrics}
		for _, v := range r.point.Values {
			row.Values[v.Key] = v.Text
		}
		if r.failed != nil {
			row.Error = r.failed.Error()
		}
		t.Runs = append(t.Runs, row)
		name := r.setting()
		if r.metrics != nil && groups[name] == nil {
			order = append(order, name)
		}
		if r.metrics != nil {
			groups[name] = append(groups[name], r)
		}
	}
	for _, name := range order {
		t.Settings = append(t.Settings, newSweepSetting(name, groups[name]))
	}
	return t
}

// setting names what the runs of several seeds have in common.
func (r *sweptRun) setting() string {
	name := r.settings.Variant
	for _, v := range r.point.Values {
		if v.Key != "seed" && v.Key != "variant" {
			name += " " + lastPart(v.Key) + "=" + v.Text
		}
	}
	return name
}

func newSweepSetting(name string, runs []*sweptRun) sweepSetting {
	s := sweepSetting{Name: name, Variant: runs[0].settings.Variant, Values: map[string]string{}, Mean: map[string]float64{}, curve: runs[0].settings.Variant}
	ladder := false
	for _, v := range runs[0].point.Values {
		if v.Key == "seed" {
			continue
		}
		s.Values[v.Key] = v.Text
		switch own := strings.HasPrefix(v.Key, s.Variant+"."); {
		case v.Key == "variant":
		case own && !ladder:
			ladder = true // the line goes along this key
		default:
			s.curve += " " + lastPart(v.Key) + "=" + v.Text
		}
	}
	if len(runs) > 1 {
		s.SD = map[string]float64{}
	}
	for _, r := range runs {
		s.Runs = append(s.Runs, r.name)
	}
	for metric := range runs[0].metrics {
		s.average(metric, runs)
	}
	return s
}

// average leaves out a metric that one of the runs does not have.
func (s *sweepSetting) average(metric string, runs []*sweptRun) {
	sum, squares, n := 0.0, 0.0, float64(len(runs))
	for _, r := range runs {
		v, ok := r.metrics[metric]
		if !ok {
			return
		}
		sum += v
	}
	s.Mean[metric] = sum / n
	for _, r := range runs {
		d := r.metrics[metric] - sum/n
		squares += d * d
	}
	if len(runs) > 1 {
		s.SD[metric] = math.Sqrt(squares / (n - 1))
	}
}

// writeTables writes what is known so far, each file whole or not at all.
func (w *sweepJob) writeTables() error {
	t := w.table()
	if err := writeJSON(filepath.Join(w.dir, "sweep.json"), t); err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(w.dir, "sweep.csv"), t.writeCSV); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(w.dir, "sweep.svg"), t.writeSVG)
}

// writeCSV has a row a run: its name, swept settings, steps and every metric
// that some run has.
func (t sweepTable) writeCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	var metrics []string
	for _, d := range eval.Definitions() {
		if slices.ContainsFunc(t.Runs, func(r sweepRow) bool { _, ok := r.Metrics[d.Name]; return ok }) {
			metrics = append(metrics, d.Name)
		}
	}
	keys := slices.DeleteFunc(slices.Clone(t.Keys), func(k string) bool { return k == "variant" })
	w.Write(slices.Concat([]string{"run", "variant"}, keys, []string{"steps"}, metrics, []string{"error"}))
	for _, r := range t.Runs {
		row := []string{r.Run, r.Variant}
		for _, k := range keys {
			row = append(row, r.Values[k])
		}
		row = append(row, strconv.Itoa(r.Steps))
		for _, m := range metrics {
			text := ""
			if v, ok := r.Metrics[m]; ok {
				text = strconv.FormatFloat(v, 'g', -1, 64)
			}
			row = append(row, text)
		}
		w.Write(append(row, r.Error))
	}
	w.Flush()
	return w.Error()
}

// writeSVG draws the error of each setting against its L0.
func (t sweepTable) writeSVG(to io.Writer) error {
	curves := map[string]*report.Curve{}
	var order []*report.Curve
	for _, s := range t.Settings {
		c := curves[s.curve]
		if c == nil {
			c = &report.Curve{Name: s.curve}
			curves[s.curve], order = c, append(order, c)
		}
		c.Points = append(c.Points, report.Point{X: s.Mean["l0"], Y: s.Mean["fvu"], Spread: s.SD["fvu"], Name: s.Name})
	}
	p := report.Picture{Title: "Error against L0", X: "L0, mean over rows", Y: "FVU"}
	for _, c := range order {
		slices.SortFunc(c.Points, func(a, b report.Point) int { return cmp.Compare(a.X, b.X) })
		p.Curves = append(p.Curves, *c)
	}
	return p.WriteSVG(to)
}

// writeText is the table for people, a line a setting, by L0.
func (t sweepTable) writeText(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "setting\truns\tL0\tFVU\t±\tdead\teps_LBO median\tcoherence max")
	sorted := slices.Clone(t.Settings)
	slices.SortStableFunc(sorted, func(a, b sweepSetting) int { return cmp.Compare(a.Mean["l0"], b.Mean["l0"]) })
	for _, s := range sorted {
		spread := "-"
		if s.SD != nil {
			spread = fmt.Sprintf("%.1e", s.SD["fvu"])
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.4g\t%s\t%.1f\t%.3g\t%.3f\n", s.Name, len(s.Runs), s.Mean["l0"], s.Mean["fvu"], spread,
			s.Mean["dead_latents"], s.Mean["eps_lbo_median"], s.Mean["coherence_max"])
	}
	return w.Flush()
}

// finish prints the table, and fails if a run did.
func (w *sweepJob) finish(ctx context.Context, s streams) error {
	t := w.table()
	if w.html != "" {
		if err := w.writePage(ctx, s); err != nil {
			return err
		}
	}
	if w.json {
		if err := s.json(t); err != nil {
			return err
		}
	} else {
		if err := t.writeText(s.out); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "\nThe table is in %[1]s: sweep.csv, sweep.json and sweep.svg. Try next:\n  %[2]s eval --sae %[1]s --html %[1]s/sweep.html\n", w.dir, program())
	}
	failed := 0
	for _, r := range w.runs {
		if r.failed != nil {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d runs failed; sweep.json in %s says why", failed, len(w.runs), w.dir)
	}
	return nil
}

// writePage writes the page of all runs. Those that were kept from before are
// evaluated again: the report in their folder lacks what a page shows.
func (w *sweepJob) writePage(ctx context.Context, s streams) error {
	var reports []*eval.Report
	for _, r := range w.runs {
		if r.failed != nil {
			continue
		}
		if r.report == nil {
			var err error
			if r.report, err = w.evaluation().evaluate(ctx, r.dir); err != nil {
				return err
			}
		}
		reports = append(reports, r.report)
	}
	return writeHTML(s, w.html, reportsPage(reports))
}

// runsOf puts the runs of a sweep in the place of its folder.
func runsOf(dirs []string) (all []string, err error) {
	for _, dir := range dirs {
		b, err := os.ReadFile(filepath.Join(dir, "sweep.json"))
		if err != nil {
			all = append(all, dir) // a run, or an error when it is opened
			continue
		}
		var t sweepTable
		if err := json.Unmarshal(b, &t); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "sweep.json"), err)
		}
		for _, r := range t.Runs {
			if r.Error == "" && r.Metrics != nil {
				all = append(all, filepath.Join(dir, r.Run))
			}
		}
	}
	return all, nil
}
