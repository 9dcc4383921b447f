package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/report"
	"github.com/saectl/saectl/internal/section"
)

// writeHTML writes a page to a file and says so.
func writeHTML(s streams, path string, p *report.Page) error {
	if err := atomicfile.Write(path, func(w io.Writer) error { return report.Write(w, p) }); err != nil {
		return err
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	s.note("wrote %s, %.1f MB; it opens in a browser and needs nothing else", path, float64(st.Size())/1e6)
	return nil
}

// showSection prints an analysis, as JSON the value v that it is made from, and
// writes it as a page where html names a file.
func showSection(s streams, shown *section.Section, html string, asJSON bool, v any) error {
	if html != "" {
		if err := writeHTML(s, html, &report.Page{Title: shown.Title, Sections: []report.Section{*shown}}); err != nil {
			return err
		}
	}
	if asJSON {
		return s.json(v)
	}
	return shown.WriteText(s.out)
}

// reportsPage shows the reports of one or more runs.
func reportsPage(reports []*eval.Report) *report.Page {
	p := &report.Page{Title: "Evaluation of " + reports[0].SAE.Path}
	if len(reports) > 1 {
		p.Title = fmt.Sprintf("Evaluation of %d autoencoders", len(reports))
	}
	for _, r := range reports {
		run := runOf(r)
		run.Table.Columns = columnsOf(r.Latents, nil)
		p.Runs = append(p.Runs, run)
	}
	distinctNames(p.Runs, reports)
	for i, r := range reports {
		if r.Labels == nil {
			continue
		}
		s := r.Labels.Section()
		if len(reports) > 1 {
			s.Title += " of " + p.Runs[i].Name
		}
		p.Sections = append(p.Sections, *s)
	}
	return p
}

// inspectionPage shows the latents of x, with the report of the same rows.
func inspectionPage(r *eval.Report, x *eval.Inspection, shown *pictures) *report.Page {
	run := runOf(r)
	run.Table = tableOf(r.Latents, x)
	p := &report.Page{Title: "Latents of " + r.SAE.Path, Runs: []report.Run{run}, Warnings: x.Warnings}
	if x.Search != nil {
		p.Search = x.Search.Text
	}
	switch x.By {
	case eval.ByClarity:
		p.Order = "The most readable first: their activity lies on one token, and different tokens come before more of the same."
	case "":
	default:
		p.Order = "By " + x.By + "."
	}
	for i := range x.Features {
		p.Features = append(p.Features, featureOf(&x.Features[i], shown))
	}
	return p
}

// runOf is everything but the table of latents.
func runOf(r *eval.Report) report.Run {
	run := report.Run{
		Name: filepath.Base(r.SAE.Path), Variant: r.SAE.Variant, F: r.SAE.Latents, Facts: factsOf(r),
		Series: map[string]report.Series{}, Warnings: r.Warnings,
	}
	for _, d := range eval.Definitions() {
		if v, ok := r.Metrics[d.Name]; ok {
			run.Metrics = append(run.Metrics, report.Metric{Name: d.Name, Family: d.Family, Value: v.Value, Unit: v.Unit, Rows: v.Rows, Definition: v.Definition})
		}
	}
	for name, s := range r.Series {
		run.Series[name] = report.Series{Definition: s.Definition, X: s.X, Y: s.Y}
	}
	run.ZF = zfOf(r)
	return run
}

// distinctNames names runs by their folders, by the whole path where folders
// of one name stand in several places.
func distinctNames(runs []report.Run, reports []*eval.Report) {
	count := map[string]int{}
	for _, r := range runs {
		count[r.Name]++
	}
	for i := range runs {
		if count[runs[i].Name] > 1 {
			runs[i].Name = reports[i].SAE.Path
		}
	}
}

func factsOf(r *eval.Report) []report.Fact {
	facts := []report.Fact{
		{Name: "autoencoder", Value: r.SAE.Path},
		{Name: "variant", Value: r.SAE.Variant},
		{Name: "latents", Value: thousands(int64(r.SAE.Latents))},
		{Name: "width", Value: thousands(int64(r.SAE.D))},
		{Name: "dump", Value: r.Dump.Path},
		{Name: "rows", Value: fmt.Sprintf("%s of %s", thousands(r.Dump.Rows), thousands(r.Dump.RowsTotal))},
	}
	more := []report.Fact{
		{Name: "split", Value: r.Dump.Split}, {Name: "where", Value: r.Dump.Where},
		{Name: "model", Value: r.Dump.Model}, {Name: "hook", Value: r.Dump.Hook},
	}
	if r.SAE.Steps > 0 {
		facts = append(facts, report.Fact{Name: "trained for", Value: thousands(int64(r.SAE.Steps)) + " steps"})
	}
	for _, f := range more {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

// sweepPoints are the runs of the sweep in a folder, or, for "", of the one that
// the run in dir lies in; nil when there is none.
func sweepPoints(folder, dir string) ([]report.Swept, error) {
	given := folder != ""
	if !given {
		folder = filepath.Dir(filepath.Clean(dir))
	}
	path := filepath.Join(folder, "sweep.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		if given {
			return nil, fmt.Errorf("--sweep: %w; give the folder that saectl sweep wrote", err)
		}
		return nil, nil
	}
	var table sweepTable
	if err := json.Unmarshal(raw, &table); err != nil {
		return nil, fmt.Errorf("%s is no table of saectl sweep: %w", path, err)
	}
	var points []report.Swept
	for _, r := range table.Runs {
		points = append(points, report.Swept{Name: r.Run, Variant: r.Variant, L0: r.Metrics["l0"], FVU: r.Metrics["fvu"], Here: filepath.Join(folder, r.Run) == filepath.Clean(dir)})
	}
	return points, nil
}
