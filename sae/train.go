package sae

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/atomicfile"
)

// ErrInterrupted is returned by Train when its context ended and the state
// was saved.
var ErrInterrupted = errors.New("interrupted; the state is saved")

// TrainOptions is a training run in a folder.
type TrainOptions struct {
	Plan   Plan
	Dir    string
	Config []byte            // written as config.yaml
	Meta   map[string]string // stored with weights and checkpoints; no time, path or thread count

	// Rows opens the rows of training, scaled and with the columns that the
	// variant needs, from a position on: the number of rows handed out before.
	// A Source that is an io.Closer is closed.
	Rows func(position int64, cols activations.Columns) (activations.Source, error)

	// Report is called after each step, with Metrics on logged ones; nil is
	// allowed.
	Report func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Step, Total int
	Rows        int64
	Metrics     *Metrics // nil between logged steps
}

// Train runs or resumes training in o.Dir and ends with the final weights
// there. It goes on from the newest complete checkpoint; what a run logged
// after it is cut off and made again. On an error, or when ctx ends, the
// folder holds a checkpoint from which the next call goes on.
func Train(ctx context.Context, o TrainOptions) (err error) {
	if err := os.MkdirAll(filepath.Join(o.Dir, checkpointDir), 0o755); err != nil {
		return err
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	t, err := NewTrainer(o.Plan)
	if err != nil {
		return err
	}
	defer t.Close()
	r := &trainRun{TrainOptions: o, t: t}
	if err := r.prepare(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.log.close()) }()
	return r.loop(ctx)
}

// trainRun is a run under way.
type trainRun struct {
	TrainOptions
	t     *Trainer
	log   *metricsLog
	saved int // steps of the newest checkpoint
}

// prepare writes the config, restores the newest checkpoint and opens the
// log where it left off.
func (r *trainRun) prepare() error {
	for _, dir := range []string{r.Dir, filepath.Join(r.Dir, checkpointDir)} {
		if err := atomicfile.Clean(dir); err != nil {
			return err
		}
	}
	if err := atomicfile.WriteBytes(filepath.Join(r.Dir, configFile), r.Config); err != nil {
		return err
	}
	path, _, err := newestCheckpoint(r.Dir)
	if err != nil {
		return err
	}
	logged := "0"
	r.saved = -1
	if path != "" {
		meta, err := r.t.Restore(path)
		if err != nil {
			return err
		}
		logged, r.saved = meta[metaMetrics], r.t.Done()
	}
	r.log, err = openMetricsLog(filepath.Join(r.Dir, metricsFile), logged)
	return err
}

func (r *trainRun) loop(ctx context.Context) error {
	src, err := r.Rows(int64(r.t.Done())*int64(r.Plan.Train.Batch), r.t.Columns())
	if err != nil {
		return err
	}
	if c, ok := src.(io.Closer); ok {
		defer c.Close()
	}
	if err := r.steps(ctx, src); err != nil {
		return err
	}
	if err := r.save(); err != nil {
		return err
	}
	if err := r.t.SaveWeights(filepath.Join(r.Dir, weightsFile), r.Meta); err != nil {
		return err
	}
	if !r.Plan.Train.KeepCheckpoint {
		return os.RemoveAll(filepath.Join(r.Dir, checkpointDir))
	}
	return nil
}

// steps trains to the end of the run. A batch that cannot be read, or a step
// that is not finite, leaves the state as it was before the step, which is
// saved.
func (r *trainRun) steps(ctx context.Context, src activations.Source) error {
	var b activations.Batch
	started, first := time.Now(), r.t.Done()
	for r.t.Done() < r.t.Total() {
		if ctx.Err() != nil {
			return errors.Join(r.save(), ErrInterrupted)
		}
		if err := src.Next(&b); err != nil {
			return errors.Join(fmt.Errorf("reading the rows of step %d: %w", r.t.Done(), err), r.save())
		}
		if err := r.t.Step(&b); err != nil {
			return errors.Join(err, r.save())
		}
		if err := r.after(&b, first, started); err != nil {
			return err
		}
	}
	return nil
}

// after logs, reports and saves what is due after a step.
func (r *trainRun) after(b *activations.Batch, first int, started time.Time) error {
	done, train := r.t.Done(), r.Plan.Train
	p := Progress{Step: done, Total: r.t.Total(), Rows: int64(done) * int64(train.Batch)}
	if done%train.LogEvery == 0 || done == p.Total {
		m := r.t.Metrics(b)
		m.RowsPerSecond = float64(done-first) * float64(train.Batch) / time.Since(started).Seconds()
		if err := r.log.write(m); err != nil {
			return errors.Join(err, r.save())
		}
		p.Metrics = &m
	}
	if r.Report != nil {
		r.Report(p)
	}
	if done%train.SaveEvery == 0 {
		return r.save()
	}
	return nil
}

// save writes a checkpoint of the state as it is, unless there is one.
func (r *trainRun) save() error {
	if r.saved == r.t.Done() {
		return nil
	}
	logged, err := r.log.sync()
	if err != nil {
		return err
	}
	meta := map[string]string{metaMetrics: logged}
	for k, v := range r.Meta {
		meta[k] = v
	}
	if err := r.t.Save(checkpointPath(r.Dir, r.t.Done()), meta); err != nil {
		return err
	}
	r.saved = r.t.Done()
	return pruneCheckpoints(r.Dir)
}
