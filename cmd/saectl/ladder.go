package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/sae"
)

// climbs refuses the flags of ladders that are not of this autoencoder.
func (t *trained) climbs(o evalOptions) error {
	if len(o.ks) > 0 && t.model.Weight("skip.weight") != nil {
		return usageError{fmt.Errorf("--k: %s has a skip connection, which is no part of its k largest latents", t.dir)}
	}
	if _, ok := t.settings.Section.(sae.Tolerant); !ok && len(o.tolerances) > 0 {
		return usageError{fmt.Errorf("--tolerance: %s is of the variant %s, which does not go on until little is left of a row; mpsae does", t.dir, t.settings.Variant)}
	}
	return nil
}

// ladders encodes the rows again for each k, nested group and tolerance, where the
// variant can keep other numbers of latents than it was trained to.
func (t *trained) ladders(ctx context.Context, r *eval.Report, d *activations.Dump, rows activations.Rows, o evalOptions) error {
	if v, ok := t.settings.Section.(sae.Laddered); ok && len(o.ks) > 0 {
		ks := slices.Compact(slices.Sorted(slices.Values(o.ks)))
		var x []float64
		for _, k := range ks {
			x = append(x, float64(k))
		}
		rungs, err := t.climb(ctx, d, rows, o, len(ks), func(i int) sae.Variant { return v.WithK(ks[i]) })
		if err != nil {
			return err
		}
		r.SetLadder("k", x, rungs)
	}
	if v, ok := t.settings.Section.(sae.Nested); ok {
		if err := t.prefixes(ctx, r, d, rows, o, v); err != nil {
			return err
		}
	}
	v, ok := t.settings.Section.(sae.Tolerant)
	if !ok || len(o.tolerances) == 0 {
		return nil
	}
	x := slices.Compact(slices.Sorted(slices.Values(o.tolerances)))
	rungs, err := t.climb(ctx, d, rows, o, len(x), func(i int) sae.Variant { return v.WithTolerance(x[i]) })
	if err == nil {
		r.SetLadder("tolerance", x, rungs)
	}
	return err
}

// prefixes decodes the rows from the first groups alone, of each number of them.
func (t *trained) prefixes(ctx context.Context, r *eval.Report, d *activations.Dump, rows activations.Rows, o evalOptions, v sae.Nested) error {
	ends, err := v.Ends(t.model.run.F)
	if err != nil {
		return err
	}
	rungs, err := t.climb(ctx, d, rows, o, len(ends), func(i int) sae.Variant { return v.Prefix(i + 1) })
	if err != nil {
		return err
	}
	var x []float64
	for _, end := range ends {
		x = append(x, float64(end))
	}
	r.SetLadder("prefix", x, rungs)
	return nil
}

// climb evaluates n rungs, one after another so that one model at a time takes
// memory.
func (t *trained) climb(ctx context.Context, d *activations.Dump, rows activations.Rows, o evalOptions, n int, variant func(i int) sae.Variant) (rungs []eval.Rung, err error) {
	for i := range n {
		rung, err := t.rung(ctx, d, rows, o, variant(i))
		if err != nil {
			return nil, err
		}
		rungs = append(rungs, rung)
	}
	return rungs, nil
}

func (t *trained) rung(ctx context.Context, d *activations.Dump, rows activations.Rows, o evalOptions, v sae.Variant) (eval.Rung, error) {
	m, err := t.model.run.With(v, sae.ModelOptions{Threads: o.threads})
	if err != nil {
		return eval.Rung{}, err
	}
	defer m.Close()
	src := data.Prefetch(data.NewSequential(d, rows, eval.Columns(d), m.B))
	defer src.Close()
	return eval.Climb(ctx, eval.Of(m, t.model.Transcoder), src, o.threads)
}
