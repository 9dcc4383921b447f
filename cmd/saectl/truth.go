package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/eval"
)

// recovery adds how much of the true dictionary was found, where the dump was
// made with one, and how far its hierarchy was kept, where it is a tree.
func (t *trained) recovery(ctx context.Context, r *eval.Report, d *activations.Dump, s eval.Subject, threads int) error {
	if _, err := os.Stat(filepath.Join(d.Name(), data.TruthFile)); err != nil {
		return nil
	}
	truth, err := data.ReadTruth(d.Name())
	if err != nil {
		return err
	}
	decoder := t.model.Weight("decoder.weight")
	if truth.D != t.model.D || len(decoder) != t.model.F*t.model.D {
		return nil
	}
	r.SetRecovery(truth.Dictionary, decoder, t.model.D)
	tree, err := data.ReadTree(d.Name())
	if err != nil || tree == nil {
		return err
	}
	return eval.MeasureTree(ctx, r, s, tree, threads)
}
