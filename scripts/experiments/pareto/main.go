// Command pareto makes docs/experiments/pareto.md's tables and pictures: FVU
// against L0 for every variant on each dump, and what each recovers of a tree of
// known features. Each variant's learning rate is the best of the same few, at
// the middle L0 and a seed of its own. Runs that are finished are kept, so that
// the command may be given again.
//
//	go run ./scripts/experiments/pareto -saectl ./saectl -dumps DIR -out runs/pareto
//
// DIR holds babyllama105-l3 and stories260k-l3.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/saectl/saectl/internal/figures"
)

type options struct {
	saectl, dumps, out, only string
	rates, variants          string
	steps, seeds, threads    int
	report                   bool
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.saectl, "saectl", "saectl", "the program")
	flag.StringVar(&o.dumps, "dumps", "../shared/data/dumps", "folder that holds babyllama105-l3 and stories260k-l3")
	flag.StringVar(&o.out, "out", "runs/pareto", "folder of the runs")
	flag.StringVar(&o.only, "only", "", "one of the dumps: sample, stories260k-l3, babyllama105-l3, tree")
	flag.StringVar(&o.variants, "variants", "", "variants, such as topk,relu; empty for all")
	flag.StringVar(&o.rates, "rates", "0.003,0.01,0.03", "learning rates to choose from")
	flag.IntVar(&o.steps, "steps", 400, "steps of 1,024 rows")
	flag.IntVar(&o.seeds, "seeds", 3, "seeds of each setting")
	flag.IntVar(&o.threads, "threads", 1, "threads; changes no figure")
	flag.BoolVar(&o.report, "report", false, "print the tables of what is finished, and make no run")
	flag.Parse()
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func (o *options) run() error {
	for _, s := range scenes() {
		if o.only != "" && o.only != s.name {
			continue
		}
		if err := o.scene(s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// scene runs and reports one dump.
func (o *options) scene(s scene) error {
	flags, clean, err := o.open(s)
	if err != nil {
		return err
	}
	var all []measured
	for _, m := range s.methods() {
		if o.variants != "" && !slices.Contains(strings.Split(o.variants, ","), m.variant) {
			continue
		}
		found, err := o.method(s, m, flags)
		if err != nil {
			return fmt.Errorf("%s: %w", m.variant, err)
		}
		all = append(all, found...)
	}
	s.print(os.Stdout, all)
	clean()
	if s.tree {
		return nil
	}
	return writePicture(filepath.Join(o.out, s.name+".svg"), s, all)
}

// open names the dumps of a scene as flags; clean removes one that was made.
func (o *options) open(s scene) (flags []string, clean func(), err error) {
	switch {
	case s.tree:
		dir := filepath.Join(o.out, "tree.rows")
		if o.report {
			return nil, func() {}, nil
		}
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			if _, err := figures.Run(o.saectl, "data", "synth", "tree", "--out", dir, "--rows", "500000", "--correlation", "0.3"); err != nil {
				return nil, nil, err
			}
		}
		return []string{"--dump", dir, "--set", "data.holdout=0.02"}, func() { os.RemoveAll(dir) }, nil
	case s.name == "sample":
		return []string{"--dump", "sample", "--set", "data.holdout=0.1"}, func() {}, nil
	}
	dir := filepath.Join(o.dumps, s.name)
	return []string{"--dump", filepath.Join(dir, "train"), "--test", filepath.Join(dir, "test"), "--set", "data.holdout=0"}, func() {}, nil
}

// method chooses a variant's rate and measures its settings.
func (o *options) method(s scene, m method, flags []string) ([]measured, error) {
	common := append([]string{"--config", m.variant, "--quiet", "--threads", fmt.Sprint(o.threads),
		"--set", fmt.Sprintf("sae.latents=%d", s.latents), "--set", fmt.Sprintf("train.steps=%d", o.steps),
		"--set", "train.log_every=100", "--set", "train.keep_checkpoint=false"}, flags...)
	for _, set := range append(s.set, m.set...) {
		common = append(common, "--set", set)
	}
	tuning := filepath.Join(o.out, s.name, "tune-"+m.variant)
	t, err := o.sweep(tuning, append(common, "--set", m.key+"="+m.values[len(m.values)/2], "--set", "seed=100", "--grid", "optimizer.lr="+o.rates))
	if err != nil || t == nil {
		return nil, err
	}
	rate := t.bestRate()
	if rate == "" {
		return nil, errors.New("no rate gives a finite FVU")
	}
	var seeds []string
	for i := range o.seeds {
		seeds = append(seeds, fmt.Sprint(i))
	}
	t, err = o.sweep(filepath.Join(o.out, s.name, m.variant), append(common, "--set", "optimizer.lr="+rate,
		"--grid", m.key+"="+strings.Join(m.values, ","), "--grid", "seed="+strings.Join(seeds, ",")))
	if err != nil || t == nil {
		return nil, err
	}
	var all []measured
	for _, x := range t.Settings {
		all = append(all, measured{method: m, rate: rate, value: x.Values[m.key], seeds: len(x.Runs), mean: x.Mean, sd: x.SD})
	}
	return all, nil
}

// table is what is read of a sweep's sweep.json.
type table struct {
	Settings []struct {
		Values   map[string]string
		Runs     []string
		Mean, SD map[string]float64
	}
}

// sweep makes the runs of a sweep that are not finished; nil where it may make
// none and some are missing.
func (o *options) sweep(dir string, args []string) (*table, error) {
	finished, all := filepath.Join(dir, "finished"), strings.Join(args, " ")+"\n"
	if done, err := os.ReadFile(finished); err != nil || string(done) != all && !o.report {
		if o.report {
			return nil, nil
		}
		log.Print(dir)
		if _, err := figures.Run(o.saectl, append([]string{"sweep", "--out", dir}, args...)...); err != nil {
			return nil, err
		}
		if err := os.WriteFile(finished, []byte(all), 0o644); err != nil {
			return nil, err
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "sweep.json"))
	if err != nil {
		return nil, err
	}
	var t table
	return &t, json.Unmarshal(b, &t)
}

// bestRate is the rate of the lowest FVU, "" if none is finite.
func (t *table) bestRate() (rate string) {
	best := math.Inf(1)
	for _, s := range t.Settings {
		if fvu, ok := s.Mean["fvu"]; ok && fvu < best {
			best, rate = fvu, s.Values["optimizer.lr"]
		}
	}
	return rate
}
