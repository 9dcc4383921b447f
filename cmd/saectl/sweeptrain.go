package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/sae"
)

// train trains the runs of a group side by side on one pass over the rows. A
// run that fails by itself, such as by a loss that is not finite, is noted and
// does not stop the others; an error means that the sweep was interrupted.
func (w *sweepJob) train(ctx context.Context, group []*sweptRun) error {
	var open []*sweptRun
	defer func() {
		for _, r := range open {
			r.dump.Close()
		}
	}()
	scales := map[string]data.Scale{}
	for _, r := range group {
		if r.done() {
			continue
		}
		r.scales = scales
		if _, err := r.prepare(trainOptions{threads: w.share(len(group))}); err != nil {
			w.note(r, err)
			continue
		}
		open = append(open, r)
	}
	if len(open) == 0 {
		return nil
	}
	return w.sideBySide(ctx, open)
}

// fitScale takes the scale of the training rows, once for all runs of a sweep
// on them.
func (j *trainJob) fitScale() (data.Scale, error) {
	kind := j.settings.Data.Scale
	if s, known := j.scales[kind]; known {
		return s, nil
	}
	s, err := data.FitScale(j.dump, j.train, kind)
	if err == nil && j.scales != nil {
		j.scales[kind] = s
	}
	return s, err
}

// sideBySide trains each run in a goroutine of its own.
func (w *sweepJob) sideBySide(ctx context.Context, runs []*sweptRun) error {
	pass, closePass, err := sharedPass(runs)
	if err != nil {
		return err
	}
	defer closePass()
	readers := make([]*data.TeeReader, len(runs))
	for i := range runs {
		readers[i] = pass.Reader()
	}
	errs := make([]error, len(runs))
	var wg sync.WaitGroup
	for i, r := range runs {
		wg.Go(func() {
			defer readers[i].Close()
			errs[i] = w.one(ctx, r, readers[i])
		})
	}
	wg.Wait()
	for i, r := range runs {
		switch {
		case errors.Is(errs[i], sae.ErrInterrupted):
			err = errs[i]
		case errs[i] != nil:
			w.note(r, errs[i])
		default:
			r.state, errs[i] = sae.Inspect(r.dir)
			err = errors.Join(err, errs[i])
		}
	}
	return err
}

// sharedPass reads the rows of the runs from the earliest position on.
func sharedPass(runs []*sweptRun) (*data.Tee, func() error, error) {
	first, batch := runs[0], runs[0].settings.Train.Batch
	var cols activations.Columns
	start := int64(first.state.Steps)
	for _, r := range runs {
		cols |= r.needs
		start = min(start, int64(r.state.Steps))
	}
	start *= int64(batch)
	shuffle, err := first.shuffled(start, cols)
	if err != nil {
		return nil, nil, err
	}
	ahead := data.Prefetch(shuffle)
	return data.NewTee(ahead, start, batch), ahead.Close, nil
}

// one trains a run on a reader of the pass. Where the run is elsewhere than its
// folder said, it reads rows by itself.
func (w *sweepJob) one(ctx context.Context, r *sweptRun, reader *data.TeeReader) error {
	return sae.Train(ctx, sae.TrainOptions{
		Plan: r.plan, Dir: r.dir, Config: r.settings.YAML(), Meta: r.meta,
		Rows: func(position int64, cols activations.Columns) (activations.Source, error) {
			if !reader.SeekTo(position) {
				reader.Close()
				return r.rows(position, cols)
			}
			return data.Scaled(reader, r.scale), nil
		},
		Report: func(p sae.Progress) { w.bar.report(r, p) },
	})
}

// note keeps why a run failed, and says so.
func (w *sweepJob) note(r *sweptRun, err error) {
	r.failed = err
	w.bar.line("%s failed: %v", r.name, err)
}

// evaluate measures a run, unless its folder holds the report of these rows.
func (w *sweepJob) evaluate(ctx context.Context, r *sweptRun) error {
	if r.failed != nil {
		return nil
	}
	o := w.evaluation()
	if m, err := w.kept(r, o); err != nil || m != nil {
		r.metrics = m
		return err
	}
	report, err := o.evaluate(ctx, r.dir)
	if err != nil {
		return fmt.Errorf("%s: %w", r.dir, err)
	}
	r.metrics = figuresOf(report)
	if w.html != "" {
		r.report = report
	}
	w.bar.line("%s: L0 %.1f, FVU %.4g, %.0f dead", r.name, r.metrics["l0"], r.metrics["fvu"], r.metrics["dead_latents"])
	return nil
}

// evaluation is how runs are evaluated.
func (w *sweepJob) evaluation() evalOptions {
	return evalOptions{dump: w.test, split: w.split, html: w.html, threads: w.threads}
}

func figuresOf(r *eval.Report) map[string]float64 {
	figures := map[string]float64{}
	for name, v := range r.Metrics {
		figures[name] = v.Value
	}
	return figures
}

// kept are the figures in report.json if they are of the finished run on the
// rows asked for, else nil.
func (w *sweepJob) kept(r *sweptRun, o evalOptions) (map[string]float64, error) {
	b, err := os.ReadFile(filepath.Join(r.dir, "report.json"))
	if err != nil {
		return nil, nil // not evaluated yet
	}
	var report eval.Report
	if json.Unmarshal(b, &report) != nil || report.SAE.Steps != r.state.Steps || report.Dump.Where != "" {
		return nil, nil
	}
	path := r.settings.Dump
	if o.dump != "" {
		path = o.dump
	}
	d, err := openDump(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	fingerprint, err := d.Fingerprint()
	if err != nil {
		return nil, err
	}
	split := "all"
	if fingerprint == r.state.Meta["dump_fingerprint"] {
		split = o.split
	}
	if report.Dump.Fingerprint != fingerprint || report.Dump.Split != split {
		return nil, nil
	}
	return figuresOf(&report), nil
}

// sweepProgress says how far a sweep is, at most every few seconds.
type sweepProgress struct {
	s       streams
	quiet   bool
	mu      sync.Mutex
	done    map[*sweptRun]int // steps
	before  int               // steps done when this process began
	total   int
	started time.Time
	last    time.Time
}

// progressEvery is the time between two lines about the whole sweep.
const progressEvery = 10 * time.Second

func newSweepProgress(s streams, quiet bool, w *sweepJob) *sweepProgress {
	p := &sweepProgress{s: s, quiet: quiet, done: map[*sweptRun]int{}, started: time.Now(), last: time.Now()}
	for _, r := range w.runs {
		p.done[r] = r.state.Steps
		p.before += r.state.Steps
		p.total += r.settings.Train.TotalSteps()
	}
	return p
}

func (p *sweepProgress) report(r *sweptRun, at sae.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[r] = at.Step
	if now := time.Now(); !p.quiet && now.Sub(p.last) >= progressEvery {
		p.last = now
		all, training := 0, 0
		for q, n := range p.done {
			all += n
			if n > 0 && n < q.settings.Train.TotalSteps() {
				training++
			}
		}
		left := time.Duration(float64(now.Sub(p.started)) * float64(p.total-all) / float64(max(all-p.before, 1)))
		p.s.note("step %d of %d of all runs, %d under way, about %s left", all, p.total, training, left.Round(time.Second))
	}
}

// line says something about one run.
func (p *sweepProgress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.quiet {
		p.s.note(format, args...)
	}
}
