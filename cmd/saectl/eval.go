package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/sae"
)

// evalOptions are the flags of eval.
type evalOptions struct {
	saes, set               []string
	dump, split, where, out string
	format, baseline, html  string
	zf                      string
	zfRows                  int
	ks                      []int
	tolerances              []float64
	json, details, update   bool
	threads                 int
	labels                  labelOptions
}

func newEval(s streams) *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure how good a trained autoencoder is",
		Long: `Measure reconstruction, sparsity, dead latents and the geometry of the
dictionary in one pass, in float64. Without --dump the rows are those that
training held out; of another dump all rows are used. Each figure carries its
definition and the number of rows; docs/metrics.md lists them.`,
		Example: `  saectl eval --sae runs/topk-001
  saectl eval --sae runs/topk-001 --json > baseline.json
  saectl eval --sae runs/topk-002 --baseline baseline.json
  saectl eval --sae runs/topk-001 --sae runs/topk-002 --html compare.html
  saectl eval --sae runs/mpsae-001 --k 1,2,4,8,16,32,64,128 --tolerance 4,2,1
  saectl eval --sae runs/layer-3 --sae runs/layer-4 --zf zf.csv
  saectl eval --sae runs/topk-001 --dump other/ --where 'pos>0'
  saectl eval --sae runs/digits --dump digits/test --probe-train digits/train --ood digits/ood --html digits.html
  saectl eval --sae runs/digits --dump digits/test --hierarchy shapes.txt
  saectl eval --sae runs/gradsae-001 --set gradsae.eval_score=gradient`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runEval(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.saes, "sae", nil, "run folder, files of another tool, or the folder of a sweep for all its runs; may be given again")
	f.StringArrayVar(&o.set, "set", nil, "evaluate with another setting of the variant, `key=value`; the report is then not kept in the run folder")
	f.StringVar(&o.dump, "dump", "", "dump to evaluate on (default the run's own)")
	f.StringVar(&o.split, "split", "test", "rows of the run's own dump: test (held out from training) or all")
	f.StringVar(&o.where, "where", "", "only rows that meet a condition, such as 'pos>0'")
	f.StringVar(&o.out, "out", "", "write the report, as JSON, to this file too")
	f.StringVar(&o.html, "html", "", "write figures and plots of all runs given to this file, as one HTML page")
	f.StringVar(&o.zf, "zf", "", "write rows of the ZF plot of all runs given, as layers 1, 2, ..., to this file: CSV with the columns of the Top-AFA notebook")
	f.IntVar(&o.zfRows, "zf-rows", 1000, "most rows of each run in the file of --zf, drawn at random; 0 for all")
	f.BoolVar(&o.json, "json", false, "print one JSON object and nothing else on stdout")
	f.BoolVar(&o.details, "details", false, "print every metric with its definition")
	f.StringVar(&o.format, "format", "", "saebench prints the core results of SAEBench in place of the report")
	f.StringVar(&o.baseline, "baseline", "", "compare with the figures in this file, what eval --json printed; exit 1 on a regression")
	f.BoolVar(&o.update, "update-baseline", false, "write the figures into the file of --baseline")
	f.IntSliceVar(&o.ks, "k", nil, "also the error with only the k largest latents of each row and, where the variant has a k, when rows are encoded anew with it (mpsae: k steps), for each of these k, such as 1,2,4")
	f.Float64SliceVar(&o.tolerances, "tolerance", nil, "also the error when rows are pursued until less than this is left of them, for each of these tolerances, such as 0.5,0.1 (mpsae)")
	f.IntVar(&o.threads, "threads", 0, "threads to compute on; changes no figure (default all)")
	o.labels.bind(f)
	return cmd
}

func runEval(ctx context.Context, s streams, o evalOptions) error {
	if len(o.saes) == 0 {
		return usageError{fmt.Errorf("--sae is missing: the folder of a run, such as runs/topk-001")}
	}
	var err error
	if o.saes, err = runsOf(o.saes); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return usageError{err}
	}
	baseline, err := o.files()
	if err != nil {
		return err
	}
	reports, err := o.all(ctx)
	if err != nil {
		return err
	}
	var all any = reports
	if len(reports) == 1 {
		all = reports[0]
	}
	if o.out != "" {
		if err := writeJSON(o.out, all); err != nil {
			return err
		}
	}
	if o.html != "" {
		if err := writeHTML(s, o.html, reportsPage(reports)); err != nil {
			return err
		}
	}
	if o.zf != "" {
		if err := o.writeZF(reports); err != nil {
			return err
		}
	}
	if o.baseline != "" {
		return o.gate(s, baseline, reports[0])
	}
	return o.print(s, reports, all)
}

// all evaluates every run.
func (o evalOptions) all(ctx context.Context) (reports []*eval.Report, err error) {
	for _, dir := range o.saes {
		r, err := o.evaluate(ctx, dir)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return reports, nil
}

func (o evalOptions) print(s streams, reports []*eval.Report, all any) error {
	switch {
	case o.format == "saebench":
		return printSAEBench(s, reports[0])
	case o.json:
		return s.json(all)
	}
	for _, r := range reports {
		text := r.WriteText
		if o.details {
			text = r.WriteDetails
		}
		if err := text(s.out); err != nil {
			return err
		}
		if r.Labels != nil {
			fmt.Fprintln(s.out)
			if err := r.Labels.Section().WriteText(s.out); err != nil {
				return err
			}
		}
	}
	return nil
}

// evaluate makes the report of one run and keeps it in its folder.
func (o evalOptions) evaluate(ctx context.Context, dir string) (*eval.Report, error) {
	l, err := openLook(dir, o.dump, o.split, o.where, o.threads, o.set...)
	if err != nil {
		return nil, err
	}
	defer l.close()
	r, err := l.measure(ctx, l.d, l.rows, o)
	if err != nil || len(o.set) > 0 || l.foreign != nil {
		return r, err // another tool's files are not written to
	}
	return r, writeJSON(filepath.Join(dir, "report.json"), r)
}

// measure evaluates the run on rows of d.
func (t *trained) measure(ctx context.Context, d *activations.Dump, rows activations.Rows, o evalOptions) (r *eval.Report, err error) {
	if err := t.climbs(o); err != nil {
		return nil, err
	}
	beside, err := t.openBeside(d, rows, o.labels)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, beside.close()) }()
	src := data.Prefetch(data.NewSequential(d, rows, eval.Columns(d), t.model.B))
	defer src.Close()
	subject, how := t.model.Subject, eval.Options{Threads: o.threads, ZFRows: o.pointsOfZF(rows.Len())}
	if len(o.ks) > 0 {
		how.Metrics = append(how.Metrics, eval.NewTruncation(subject, o.ks))
	}
	passes, done, err := t.variational(subject, o.threads)
	if err != nil {
		return nil, err
	}
	defer done()
	how.Metrics = append(how.Metrics, passes...)
	if r, err = eval.Run(ctx, subject, src, how); err != nil {
		return nil, err
	}
	if err := t.recovery(ctx, r, d, subject, o.threads); err != nil {
		return nil, err
	}
	if err := t.ladders(ctx, r, d, rows, o); err != nil {
		return nil, err
	}
	if err := beside.probe(ctx, r, d, rows, subject, o.threads); err != nil {
		return nil, err
	}
	if o.html != "" || o.zf != "" {
		if err := zfTexts(r, d); err != nil {
			return nil, err
		}
	}
	return r, t.describe(r, d, o)
}

// describe says in the report what was evaluated on what.
func (t *trained) describe(r *eval.Report, d *activations.Dump, o evalOptions) error {
	own, fingerprint, err := t.isOwn(d)
	if err != nil {
		return err
	}
	r.SAE.Path, r.SAE.Variant, r.SAE.Steps = t.dir, t.settings.Variant, t.model.Steps
	r.Dump.Path, r.Dump.Fingerprint, r.Dump.RowsTotal, r.Dump.Where = d.Name(), fingerprint, d.Rows(), o.where
	r.Dump.Split = "all"
	if own {
		r.Dump.Split = o.split
	}
	r.Dump.Model, r.Dump.Hook = d.Metadata().Model(), d.Metadata().Hook()
	if t.foreign != nil {
		for _, w := range t.foreign.Warnings {
			r.Warn("%s: %s", t.dir, w)
		}
		return nil
	}
	for _, c := range t.changes {
		r.Warn("evaluated with another setting than trained: %s", c)
	}
	if v, ok := t.settings.Section.(sae.Cautious); ok && v.Caution() != "" {
		r.Warn("%s", v.Caution())
	}
	if total := t.settings.Train.TotalSteps(); t.model.Steps < total {
		r.Warn("training has not ended: step %d of %d", t.model.Steps, total)
	}
	return nil
}

// writeJSON writes a file, whole or not at all.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, append(b, '\n'))
}
