package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/configs"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/sae"
)

// A trainJob is a run whose settings, rows and folder are decided.
type trainJob struct {
	settings *configs.Settings
	dir      string
	state    sae.RunState
	dump     *activations.Dump
	needs    activations.Columns // optional ones that training reads
	train    activations.Rows
	heldOut  int64
	scale    data.Scale
	plan     sae.Plan
	meta     map[string]string

	// scales are those of these rows that other runs took, by kind; nil for none.
	scales map[string]data.Scale
}

// planTrain decides everything that is decided before the first step. It
// returns nil when the run is finished already.
func planTrain(s streams, o trainOptions) (*trainJob, error) {
	j := &trainJob{}
	if err := j.resolve(s, o); err != nil {
		return nil, err
	}
	finished, err := j.prepare(o)
	if finished {
		s.note("%s: the run is finished (%d steps); raise train.steps or train.rows to extend it", j.dir, j.state.Steps)
		return nil, err
	}
	return j, err
}

// prepare opens the dump, settles what depends on it and makes the plan. A run
// that is finished already, or an error, leaves the dump closed.
func (j *trainJob) prepare(o trainOptions) (finished bool, err error) {
	if err = j.open(); err != nil {
		return false, err
	}
	defer func() {
		if finished || err != nil {
			err = errors.Join(err, j.dump.Close())
		}
	}()
	if err = j.complete(); err != nil {
		return false, err
	}
	if j.done() {
		return true, nil
	}
	if err = j.measure(); err == nil {
		err = j.build(o)
	}
	return false, err
}

// done reports whether the run has all its steps.
func (j *trainJob) done() bool {
	return j.state.Done && j.state.Steps == j.settings.Train.TotalSteps()
}

// open opens the dump, settles a number of latents that was left to saectl,
// checks that the dump has what the variant reads, and splits its rows.
func (j *trainJob) open() (err error) {
	if j.dump, err = openDump(j.settings.Dump); err != nil {
		return err
	}
	if c := j.settings; c.SAE.Latents == 0 {
		c.SAE.Latents = 8 * j.dump.D()
	}
	if j.needs, err = sae.Columns(j.settings.Section, j.settings.SAE.Latents); err == nil {
		err = missingColumns(j.dump, j.needs, j.settings.Variant)
	}
	if err == nil {
		var test activations.Rows
		j.train, test, err = splitRows(j.dump, j.settings)
		j.heldOut = test.Len()
	}
	if err != nil {
		j.dump.Close()
	}
	return err
}

func missingColumns(d *activations.Dump, needs activations.Columns, variant string) error {
	switch {
	case needs&activations.Gradient != 0 && !d.Has(activations.Gradient):
		return fmt.Errorf("%s: the dump has no column gradient, which the variant %s selects by; write one with scripts/python (saectl-bridge dump --gradient)", d.Name(), variant)
	case needs&activations.Target != 0 && !d.Has(activations.Target):
		return fmt.Errorf("%s: the dump has no column target, which a transcoder predicts; join one with saectl data convert --target", d.Name())
	}
	return nil
}

// measure takes the two full passes over the rows: the fingerprint, and the
// scale unless a checkpoint holds it.
func (j *trainJob) measure() error {
	fingerprint, err := j.dump.Fingerprint()
	if err != nil {
		return err
	}
	if was := j.state.Meta["dump_fingerprint"]; was != "" && was != fingerprint {
		return fmt.Errorf("%s: the content of the dump is not what the run in %s began with (fingerprint %.12s, now %.12s); give the same dump or another --out", j.dump.Name(), j.dir, was, fingerprint)
	}
	if j.state.Meta != nil {
		j.scale, err = data.ParseScale(j.state.Meta)
	} else {
		j.scale, err = j.fitScale()
	}
	if err != nil {
		return err
	}
	j.meta = j.scale.Metadata()
	j.meta["variant"] = j.settings.Variant
	j.meta["seed"] = strconv.FormatUint(j.settings.Seed, 10)
	j.meta["dump_fingerprint"] = fingerprint
	j.meta["version"] = version
	return nil
}

func (j *trainJob) build(o trainOptions) error {
	c := j.settings
	j.plan = sae.Plan{
		Variant: c.Section, D: j.dump.D(), DOut: j.dump.DOut(), Model: c.SAE, Train: c.Train, Optimizer: c.Optimizer,
		Seed: c.Seed, Threads: o.threads,
	}
	if j.train.Len() == 0 {
		return fmt.Errorf("%s: no rows are left to train on", j.dump.Name())
	}
	if o.init == "" {
		return nil
	}
	f, err := safetensors.Open(o.init)
	if err != nil {
		return fmt.Errorf("--init: %w", err)
	}
	defer f.Close()
	j.plan.Init = map[string][]float32{}
	for _, name := range f.Names() {
		if strings.HasPrefix(name, "state.") {
			continue // training sets its own
		}
		if j.plan.Init[name], err = f.Float32(name); err != nil {
			return fmt.Errorf("--init: %w", err)
		}
	}
	return nil
}

// rows opens the training rows from a position on, read ahead of the trainer.
func (j *trainJob) rows(position int64, cols activations.Columns) (activations.Source, error) {
	shuffle, err := j.shuffled(position, cols)
	if err != nil {
		return nil, err
	}
	return data.Prefetch(data.Scaled(shuffle, j.scale)), nil
}

// shuffled are the training rows from a position on, in the units of the dump.
func (j *trainJob) shuffled(position int64, cols activations.Columns) (*data.Shuffle, error) {
	shuffle, err := data.NewShuffle(j.dump, j.train, cols, j.settings.Train.Batch, j.settings.Seed, j.settings.Data.Shuffle)
	if err != nil {
		return nil, err
	}
	shuffle.SeekTo(position)
	return shuffle, nil
}
