package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/configs"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/interop"
	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/sae"
)

// A trained is an autoencoder that was opened to be looked at: a run folder, or
// files of another tool.
type trained struct {
	dir      string
	settings *configs.Settings // of another tool's, the name of its variant alone
	changes  []configs.Change  // of the settings that it was trained with
	model    *model
	foreign  *foreign.SAE // another tool's, or nil
}

// A model is what is looked at.
type model struct {
	eval.Subject
	Meta  map[string]string // stored with the weights of a run
	Steps int               // of training; 0 when not known
	Close func()

	run *sae.Model // nil of another tool's
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
		if format := interop.Recognise(dir); format != "" {
			return openForeign(dir, format, threads, set)
		}
		return nil, fmt.Errorf("%s is no run folder, nor files of another tool that are known: %w", dir, err)
	}
	t := &trained{dir: dir}
	if err = t.settle(path, b, set); err != nil {
		return nil, err
	}
	transcoder, err := t.transcodes()
	if err != nil {
		return nil, err
	}
	m, err := sae.Load(dir, t.settings.Section, sae.ModelOptions{Threads: threads})
	if err != nil {
		return nil, err
	}
	t.model = &model{Subject: eval.Of(m, transcoder), Meta: m.Meta, Steps: m.Steps, Close: m.Close, run: m}
	return t, nil
}

// openForeign loads an autoencoder of another tool, which is only read.
func openForeign(path, format string, threads int, set []string) (*trained, error) {
	if len(set) > 0 {
		return nil, usageError{fmt.Errorf("--set: %s is of another tool (%s) and has no settings; saectl import can choose another rule", path, format)}
	}
	f, err := interop.Open(path, format)
	if err != nil {
		return nil, err
	}
	return trainedOf(path, f, threads)
}

// trainedOf makes a model of f.
func trainedOf(path string, f *foreign.SAE, threads int) (*trained, error) {
	m, err := foreign.NewModel(f, sae.ModelOptions{Threads: threads})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	name := f.Format + " " + f.Architecture
	return &trained{
		dir: path, settings: &configs.Settings{Variant: name}, foreign: f,
		model: &model{
			Subject: eval.Subject{Model: m, Dims: m.Dims, Transcoder: f.Transcoder, Scale: m.Scale},
			Meta:    map[string]string{"variant": name}, Close: m.Close,
		},
	}, nil
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
	if t.foreign != nil {
		return nil, usageError{fmt.Errorf("--dump is missing: %s does not say what it was trained on", t.dir)}
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
	reads, err := t.reads()
	if err != nil {
		return err
	}
	if t.model.Transcoder {
		reads |= activations.Target
	}
	if err := missingColumns(d, reads, t.settings.Variant); err != nil {
		return err
	}
	if t.model.Transcoder && t.model.DOut != d.DOut() {
		return fmt.Errorf("%s: the column target has %d values a row, %s predicts %d; give a dump of its two hook points", d.Name(), d.DOut(), t.dir, t.model.DOut)
	}
	return nil
}

// reads are the optional columns that encoding reads.
func (t *trained) reads() (activations.Columns, error) {
	if t.foreign != nil {
		return 0, nil
	}
	return sae.EncodingColumns(t.settings.Section, t.model.F)
}

// transcodes reports whether the run predicts the target column.
func (t *trained) transcodes() (bool, error) {
	needs, err := sae.Columns(t.settings.Section, t.settings.SAE.Latents)
	return needs&activations.Target != 0, err
}

// lookFlags say what a command looks at: an autoencoder and rows.
type lookFlags struct {
	sae, dump, split, where string
	threads                 int
}

// add gives cmd the flags, with all rows of the run's own dump as the default.
func (o *lookFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.sae, "sae", "", "run folder, or files of another tool")
	f.StringVar(&o.dump, "dump", "", "dump to look at (default the run's own)")
	f.StringVar(&o.split, "split", "all", "rows of the run's own dump: all, or test (held out from training)")
	f.StringVar(&o.where, "where", "", "only rows that meet a condition, such as 'pos>0'")
	f.IntVar(&o.threads, "threads", 0, "threads to compute on; changes no figure (default all)")
}

func (o *lookFlags) open() (*look, error) {
	return openLook(o.sae, o.dump, o.split, o.where, o.threads)
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
