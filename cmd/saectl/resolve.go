package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/saectl/saectl/configs"
	"github.com/saectl/saectl/sae"
)

// resolve settles the settings and the run folder, and checks them against
// what the folder holds.
func (j *trainJob) resolve(s streams, o trainOptions) (err error) {
	if o.out != "" {
		if j.state, err = sae.Inspect(o.out); err != nil {
			return err
		}
	}
	if j.state.Exists && !o.resume {
		return fmt.Errorf("%s: the folder holds a run; give --resume to go on with it, or another --out", o.out)
	}
	if o.resume && o.out == "" {
		return usageError{fmt.Errorf("--resume needs --out with the folder of the run")}
	}
	layers, err := o.layers()
	if err != nil {
		return err
	}
	if j.state.Config != nil && o.config == "" {
		layers.Preset, layers.File, layers.Base = "", "", j.state.Config
	}
	settings, warnings, err := configs.Resolve(layers, variants())
	if err != nil {
		return usageError{err}
	}
	for _, w := range warnings {
		s.note("warning: %s", w)
	}
	j.settings = settings
	if settings.Dump, err = dumpPath(settings.Dump); err != nil {
		return err
	}
	return j.folder(o)
}

// complete settles a rate that was left to saectl. A run that is resumed keeps
// its own.
func (j *trainJob) complete() error {
	var old *configs.Settings
	if j.state.Config != nil {
		var err error
		if old, err = configs.Parse("config.yaml of the run", j.state.Config, variants()); err != nil {
			return err
		}
	}
	if c := j.settings; c.Optimizer.LR == 0 {
		c.Optimizer.LR = sae.AutoRate(c.SAE.Latents, c.Train.TotalSteps())
		if old != nil {
			c.Optimizer.LR = old.Optimizer.LR
		}
	}
	return j.refuseChanges(old)
}

// layers are where the settings come from, lowest first.
func (o trainOptions) layers() (configs.Layers, error) {
	l := configs.Layers{Set: slices.Clone(o.set), Dump: o.dump, Out: o.out}
	switch {
	case o.config != "":
		l.File = o.config
	case !l.NamesDump():
		l.Preset = "sample"
	}
	if o.where != "" {
		l.Set = append(l.Set, "data.where="+o.where)
	}
	if o.threads < 0 {
		return l, usageError{fmt.Errorf("--threads is %d; give 1 or more, or 0 for all", o.threads)}
	}
	return l, nil
}

// refuseChanges names the settings that differ from those that the run in
// the folder began with. Its length may be raised.
func (j *trainJob) refuseChanges(old *configs.Settings) error {
	if old == nil {
		return nil
	}
	var changed []string
	for _, d := range configs.Diff(old, j.settings) {
		if !slices.Contains([]string{"dump", "out", "train.rows", "train.steps", "train.keep_checkpoint"}, d.Key) {
			changed = append(changed, d.String())
		}
	}
	if len(changed) > 0 {
		return usageError{fmt.Errorf("the run has other settings: %s; leave them as they are, or give another --out", strings.Join(changed, "; "))}
	}
	if now, done := j.settings.Train.TotalSteps(), j.state.Steps; now < done {
		return usageError{fmt.Errorf("the run has done %d steps, %d are asked for; train.steps and train.rows can only be raised", done, now)}
	}
	return nil
}

func (j *trainJob) folder(o trainOptions) (err error) {
	switch {
	case o.out != "":
		j.dir = o.out
	case j.settings.Out != "":
		j.dir = j.settings.Out
		if j.state, err = sae.Inspect(j.dir); err == nil && j.state.Exists {
			err = fmt.Errorf("%s: the folder holds a run; give --resume --out %s to go on with it, or another out", j.dir, j.dir)
		}
	default:
		j.dir, err = nextRunDir(j.settings.Variant)
	}
	j.settings.Out = j.dir
	return err
}

// nextRunDir is runs/<variant>-NNN with the next free number.
func nextRunDir(variant string) (string, error) {
	last := 0
	names, err := filepath.Glob(filepath.Join("runs", variant+"-*"))
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if n, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:]); err == nil {
			last = max(last, n)
		}
	}
	dir := filepath.Join("runs", fmt.Sprintf("%s-%03d", variant, last+1))
	return dir, os.MkdirAll(dir, 0o755)
}
