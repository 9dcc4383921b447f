package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/configs"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/sae"
)

// sweepOptions are the flags of sweep.
type sweepOptions struct {
	config, dump, out, where, test, split, html string
	set, grid                                   []string
	together, threads                           int
	json, quiet                                 bool
}

func newSweep(s streams) *cobra.Command {
	var o sweepOptions
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Train many settings on one dump and compare them",
		Long: `Train an autoencoder for every combination of values, each in a run folder of
its own below --out, evaluate each, and write one table: sweep.csv, sweep.json
and sweep.svg, a picture of error against L0.

Values are lists in place of single values in the --config file, or lists after
--grid. Where the variant itself is swept, a key such as topk.k counts for that
variant alone. Settings that read the same rows in the same order (the same
seed, batch and split) are trained side by side on one pass over them.

Given again, a sweep keeps the runs that are finished, goes on with those that
are not and starts those that are new. Evaluation is on the rows held out from
training, or on --test.`,
		Example: `  saectl sweep --config topk --dump activations/ --grid topk.k=8,16,32 --grid seed=0,1,2 --out runs/ladder
  saectl sweep --grid variant=topk,batchtopk,afa --grid topk.k=16,32 --grid batchtopk.k=16,32 --grid afa.coefficient=0.03,0.06
  saectl sweep --config grid.yaml --dump activations/train --test activations/test
  saectl eval --sae runs/ladder --html ladder.html`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runSweep(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "settings, with lists of values where they are swept: a YAML file, or a preset ("+strings.Join(configs.Presets(), ", ")+")")
	f.StringArrayVar(&o.grid, "grid", nil, "values of one setting, `key=a,b,c`, over those of --config; may be given again")
	f.StringArrayVar(&o.set, "set", nil, "one setting, `key=value`, of all runs; may be given again")
	f.StringVar(&o.dump, "dump", "", "dump to train on: a folder of shards or one file (default the embedded sample)")
	f.StringVar(&o.where, "where", "", "use only rows that meet a condition, such as 'pos>0'; the same as --set data.where=...")
	f.StringVar(&o.test, "test", "", "dump to evaluate on (default the rows held out from training)")
	f.StringVar(&o.split, "split", "test", "rows of the runs' own dump to evaluate on: test (held out from training) or all")
	f.StringVar(&o.out, "out", "", "folder of the runs and the table (default runs/sweep-NNN, the next free number)")
	f.IntVar(&o.together, "together", 8, "most autoencoders to train at a time; each needs its own memory")
	f.IntVar(&o.threads, "threads", 0, "threads to compute on, all runs together; changes no bit of a result (default all)")
	f.StringVar(&o.html, "html", "", "write figures and plots of all runs to this file, as one HTML page")
	f.BoolVar(&o.json, "json", false, "print the table as one JSON object and nothing else on stdout")
	f.BoolVar(&o.quiet, "quiet", false, "no progress")
	completeConfig(cmd)
	return cmd
}

func runSweep(ctx context.Context, s streams, o sweepOptions) error {
	w, err := planSweep(s, o)
	if err != nil {
		return err
	}
	if !o.quiet {
		s.note("sweep   %d runs in %s, of which %d are finished", len(w.runs), w.dir, w.finished())
	}
	w.bar = newSweepProgress(s, o.quiet, w)
	for _, group := range w.groups() {
		if err := w.train(ctx, group); err != nil {
			return fmt.Errorf("%w; the same command goes on with the sweep in %s", err, w.dir)
		}
		for _, r := range group {
			if err := w.evaluate(ctx, r); err != nil {
				return err
			}
		}
		if err := w.writeTables(); err != nil {
			return err
		}
	}
	return w.finish(ctx, s)
}

// A sweptRun is one point of a sweep with what is known of it so far.
type sweptRun struct {
	trainJob
	name    string // of its folder
	point   configs.Point
	metrics map[string]float64 // of its evaluation
	report  *eval.Report       // the same with what a page shows, where one is asked for and it was just made
	failed  error
}

// A sweepJob is a sweep under way.
type sweepJob struct {
	sweepOptions
	dir  string
	runs []*sweptRun
	keys []string // that are swept, in order
	bar  *sweepProgress
}

// planSweep settles every run before the first is trained, so that a mistake in
// one setting does not show after hours.
func planSweep(s streams, o sweepOptions) (*sweepJob, error) {
	if o.together < 1 {
		return nil, usageError{fmt.Errorf("--together is %d; give 1 or more", o.together)}
	}
	layers, err := trainOptions{config: o.config, dump: o.dump, set: o.set, where: o.where, threads: o.threads}.layers()
	if err != nil {
		return nil, err
	}
	points, err := configs.Sweep(layers, o.grid, variants())
	if err != nil {
		return nil, usageError{err}
	}
	w := &sweepJob{sweepOptions: o, dir: o.out}
	if w.dir == "" {
		if w.dir, err = nextRunDir("sweep"); err != nil {
			return nil, err
		}
	}
	warned := map[string]bool{}
	for _, p := range points {
		for _, text := range p.Warnings {
			if !warned[text] {
				s.note("warning: %s", text)
			}
			warned[text] = true
		}
		if err := w.add(p); err != nil {
			return nil, err
		}
	}
	return w, os.MkdirAll(w.dir, 0o755)
}

// add settles one run and checks it against what its folder and the dump hold.
func (w *sweepJob) add(p configs.Point) (err error) {
	r := &sweptRun{name: runName(p), point: p}
	for _, other := range w.runs {
		if other.name == r.name {
			return usageError{fmt.Errorf("two settings would share the folder %s; give values that differ in more than odd characters", r.name)}
		}
	}
	for _, v := range p.Values {
		if !slices.Contains(w.keys, v.Key) {
			w.keys = append(w.keys, v.Key)
		}
	}
	if w.test == "" && w.split == "test" && p.Settings.Data.Holdout == 0 {
		return usageError{fmt.Errorf("%s: with data.holdout 0 there are no rows to evaluate on; give --test with a dump, or --split all", r.name)}
	}
	r.settings, r.dir = p.Settings, filepath.Join(w.dir, r.name)
	r.settings.Out = r.dir
	if r.settings.Dump, err = dumpPath(r.settings.Dump); err != nil {
		return err
	}
	if r.state, err = sae.Inspect(r.dir); err != nil {
		return err
	}
	if err = r.open(); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	if err = errors.Join(r.complete(), r.dump.Close()); err != nil {
		return fmt.Errorf("%s: %w", r.dir, err)
	}
	w.runs = append(w.runs, r)
	return nil
}

func (w *sweepJob) finished() (n int) {
	for _, r := range w.runs {
		if r.done() {
			n++
		}
	}
	return n
}

// A pass is what the rows that a run reads, and their order, follow from.
type pass struct {
	seed    uint64
	where   string
	holdout float64
	shuffle string
	batch   int
}

// groups are the runs that train side by side: those that read the same rows
// in the same order, at most so many at a time.
func (w *sweepJob) groups() (groups [][]*sweptRun) {
	open := map[pass]int{}
	for _, r := range w.runs {
		c := r.settings
		p := pass{c.Seed, c.Data.Where, c.Data.Holdout, c.Data.Shuffle, c.Train.Batch}
		if r.done() {
			p = pass{} // nothing is left to read
		}
		g, ok := open[p]
		if !ok || len(groups[g]) == w.together {
			g, open[p] = len(groups), len(groups)
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], r)
	}
	return groups
}

// share is the threads of each of n runs that train at a time.
func (o sweepOptions) share(n int) int {
	threads := o.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return max(1, threads/max(n, 1))
}

// runName is the folder of a point: the variant and, where they are swept, the
// last part of each key with its value, such as topk-k16-seed0.
func runName(p configs.Point) string {
	name := p.Settings.Variant
	for _, v := range p.Values {
		if v.Key != "variant" {
			name += "-" + lastPart(v.Key) + plainValue(v.Text)
		}
	}
	return name
}

// lastPart is a key without its section.
func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// plainValue is a value with what a file name may hold.
func plainValue(text string) string {
	if s, err := strconv.Unquote(text); err == nil {
		text = s
	}
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '+' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, text)
}
