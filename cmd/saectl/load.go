package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/configs"
	"github.com/saectl/saectl/sae"
)

// evalBatch is how many rows are encoded at a time; no figure depends on it.
const evalBatch = 1024

// A trained is a run folder that was opened to be looked at.
type trained struct {
	dir      string
	settings *configs.Settings
	changes  []configs.Change // of the settings that it was trained with
	model    *sae.Model
}

// openRun loads the settings and weights of a run folder. set changes settings
// of the variant.
func openRun(dir string, threads int, set ...string) (*trained, error) {
	if dir == "" {
		return nil, usageError{fmt.Errorf("--sae is missing: the folder of a run, such as runs/topk-001")}
	}
	path := filepath.Join(dir, "config.yaml")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s is no run folder: %w", dir, err)
	}
	t := &trained{dir: dir}
	if err = t.settle(path, b, set); err != nil {
		return nil, err
	}
	t.model, err = sae.Load(dir, t.settings.Section, sae.ModelOptions{Rows: evalBatch, Threads: threads})
	return t, err
}

// settle reads the settings of the run in config b. What set changes must lie in
// the section of the variant: the rest is past.
func (t *trained) settle(path string, b []byte, set []string) (err error) {
	if t.settings, err = configs.Parse(path, b, variants()); err != nil || len(set) == 0 {
		return err
	}
	changed, _, err := configs.Resolve(configs.Layers{Base: b, Set: set}, variants())
	if err != nil {
		return usageError{err}
	}
	t.changes = configs.Diff(t.settings, changed)
	for _, c := range t.changes {
		if !strings.HasPrefix(c.Key, t.settings.Variant+".") {
			return usageError{fmt.Errorf("--set %s: after training only settings of the section %s can change", c.Key, t.settings.Variant)}
		}
	}
	t.settings = changed
	return nil
}

// dump opens the dump at path, or for "" the one that the run was trained on.
func (t *trained) dump(path string) (*activations.Dump, error) {
	if path != "" {
		return openDump(path)
	}
	d, err := openDump(t.settings.Dump)
	if err != nil {
		return nil, fmt.Errorf("the dump that %s was trained on: %w; name one with --dump", t.dir, err)
	}
	return d, nil
}

// isOwn reports whether d is what the run was trained on.
func (t *trained) isOwn(d *activations.Dump) (own bool, fingerprint string, err error) {
	fingerprint, err = d.Fingerprint()
	return err == nil && fingerprint == t.model.Meta["dump_fingerprint"], fingerprint, err
}

// rows are those of a split: of the run's own dump the held-out ones (test)
// or all that the run uses; of any other dump all. condition filters them.
func (t *trained) rows(d *activations.Dump, split, condition string) (activations.Rows, error) {
	own, _, err := t.isOwn(d)
	if err != nil {
		return activations.Rows{}, err
	}
	rows := activations.AllRows(d.Rows())
	switch {
	case split != "test" && split != "all":
		return rows, usageError{fmt.Errorf("--split is %q; give test or all", split)}
	case own && split == "test" && t.settings.Data.Holdout == 0:
		return rows, fmt.Errorf("%s was trained with data.holdout 0, so its own dump has no held-out rows; give --split all or another --dump", t.dir)
	case own && split == "test":
		_, rows, err = splitRows(d, t.settings)
	case own:
		rows, err = where(d, t.settings.Data.Where, rows)
	}
	if err != nil {
		return rows, err
	}
	return where(d, condition, rows)
}

// check refuses a dump of other widths than the run's.
func (t *trained) check(d *activations.Dump) error {
	if d.D() != t.model.D {
		return fmt.Errorf("%s: rows have %d values, %s was trained on %d; give a dump of the same hook point", d.Name(), d.D(), t.dir, t.model.D)
	}
	needs, err := sae.Columns(t.settings.Section)
	if err != nil {
		return err
	}
	reads, err := t.reads()
	if err != nil {
		return err
	}
	return missingColumns(d, needs&activations.Target|reads, t.settings.Variant)
}

// reads are the optional columns that encoding reads.
func (t *trained) reads() (activations.Columns, error) {
	return sae.EncodingColumns(t.settings.Section)
}

// transcodes reports whether the run predicts the target column.
func (t *trained) transcodes() (bool, error) {
	needs, err := sae.Columns(t.settings.Section)
	return needs&activations.Target != 0, err
}

// A look is a run opened together with rows to look at it on.
type look struct {
	*trained
	d    *activations.Dump
	rows activations.Rows
}

// openLook opens the run in dir, the dump ("" is the run's own) and those rows
// of the split that meet a condition. close closes both.
func openLook(dir, dump, split, condition string, threads int, set ...string) (l *look, err error) {
	l = &look{}
	if l.trained, err = openRun(dir, threads, set...); err != nil {
		return nil, err
	}
	if l.d, err = l.dump(dump); err == nil {
		if err = l.check(l.d); err == nil {
			l.rows, err = l.trained.rows(l.d, split, condition)
		}
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *look) close() {
	l.model.Close()
	if l.d != nil {
		l.d.Close()
	}
}
