package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/saectl/saectl/eval"
)

// errRegression ends eval with exit code 1 after the table was printed.
var errRegression = errors.New("a figure is worse than the baseline allows; --update-baseline accepts it")

// check refuses flags that do not go together.
func (o evalOptions) check() error {
	switch {
	case o.format != "" && o.format != "saebench":
		return fmt.Errorf("--format is %q; give saebench", o.format)
	case len(o.saes) > 1 && (o.baseline != "" || o.format != ""):
		return fmt.Errorf("--baseline and --format saebench are of one autoencoder; give --sae once")
	case slices.ContainsFunc(o.tolerances, func(t float64) bool { return !(t >= 0) || math.IsInf(t, 1) }):
		return fmt.Errorf("--tolerance is %v; give numbers from 0 up", o.tolerances)
	case o.zfRows < 0:
		return fmt.Errorf("--zf-rows is %d; give 1 or more, or 0 for all", o.zfRows)
	case o.update && o.baseline == "":
		return fmt.Errorf("--update-baseline needs --baseline with the file")
	case slices.ContainsFunc(o.ks, func(k int) bool { return k < 1 }):
		return fmt.Errorf("--k is %v; give numbers from 1 up", o.ks)
	}
	return o.labels.check()
}

// files checks, before any row is encoded, that what is to be written has a
// folder, and reads the baseline; nil where there is none yet.
func (o evalOptions) files() (*eval.Baseline, error) {
	for _, path := range []string{o.out, o.html, o.zf, o.baseline} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("%s has no folder to be in: %w", path, err)
		}
	}
	if o.baseline == "" {
		return nil, nil
	}
	b, err := eval.ReadBaseline(o.baseline)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && o.update:
		return nil, nil
	case missing:
		return nil, fmt.Errorf("%w; --update-baseline makes one", err)
	}
	return b, err
}

// gate compares a report with the baseline b, or writes it there.
func (o evalOptions) gate(s streams, b *eval.Baseline, r *eval.Report) (err error) {
	if o.update {
		if b == nil {
			b = eval.BaselineOf(r)
		}
		b.Update(r)
		if err := writeJSON(o.baseline, b); err != nil {
			return err
		}
		s.note("%s holds the figures of %s now", o.baseline, r.SAE.Path)
		return nil
	}
	c := eval.Compare(r, b)
	if o.json {
		err = s.json(c)
	} else if o.details {
		err = c.WriteDetails(s.out)
	} else {
		err = c.WriteText(s.out)
	}
	if err == nil && c.Regressed {
		err = errRegression
	}
	return err
}

// printSAEBench prints the report in SAEBench's core schema. The id and the
// time are of the content, so that equal runs print equal bytes.
func printSAEBench(s streams, r *eval.Report) error {
	sum := sha256.Sum256([]byte(r.Dump.Fingerprint + r.SAE.Path))
	raw, err := r.SAEBench(eval.SAEBenchInfo{
		ID: hex.EncodeToString(sum[:16]), SAE: filepath.ToSlash(r.SAE.Path), Release: "saectl", Model: r.Dump.Model,
		Config: map[string]any{"variant": r.SAE.Variant, "d_in": r.SAE.D, "d_sae": r.SAE.Latents, "hook_name": r.Dump.Hook},
	})
	if err != nil {
		return err
	}
	_, err = s.out.Write(raw)
	return err
}
