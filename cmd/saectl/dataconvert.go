package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/interop/convert"
)

// convertOptions are the flags of data convert.
type convertOptions struct {
	convert.Options
	out, model, hook string
	meta             []string
	shardMiB         int64
	json, quiet      bool
}

func newDataConvert(s streams) *cobra.Command {
	var o convertOptions
	cmd := &cobra.Command{
		Use:   "convert SRC",
		Short: "Make a dump of activations that another tool wrote",
		Long: `Write the rows of SRC as a dump. SRC is a folder of datasets' save_to_disk, an
npy, npz, Parquet, Arrow (file or stream), safetensors or torch file, or a folder
of files of one of these kinds, read in the order of their names. Which it is
is seen from the file.

Activations are an array of shape [N,d] or [docs,ctx,d], or a column of lists
of d numbers, which may lie in lists themselves. float16 stays float16; other
types become float32 (to nearest even). Columns that are called as in a dump
(gradient, target, token_id or token_ids, token, doc, pos, label) are taken
along; flags name others, or files of their own that have a value a row.

A conversion that was stopped goes on when the same command is given again. It
needs no more memory for a large source than for a small one.`,
		Example: `  saectl data convert activations.npy --out dump
  saectl data convert cache/ --column blocks.3.hook_resid_post --out dump
  saectl data convert x.npy --token-id ids.npy --context 128 --model gpt2 --out dump
  saectl data convert in.safetensors --target out.safetensors --out dump`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return runDataConvert(cmd, s, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "folder for the dump")
	f.StringVar(&o.Column, "column", "", "column, member or tensor of the activations (default the only one)")
	for _, c := range []struct {
		flag, what string
		to         *string
	}{
		{"gradient", "gradients, of the activations' shape", &o.Gradient}, {"target", "what a transcoder should predict", &o.Target},
		{"token-id", "numbers of the tokens", &o.TokenID}, {"token", "texts of the tokens", &o.Token}, {"doc", "numbers of the documents", &o.Doc},
		{"pos", "positions in the documents", &o.Pos}, {"label", "classes", &o.Label},
	} {
		f.StringVar(c.to, c.flag, "", "column of SRC, or file, of the "+c.what)
	}
	f.StringVar(&o.As, "as", "", "read the activations' bits as float16, bfloat16, float32 or float64, such as bfloat16 stored as uint16")
	f.Int64Var(&o.Context, "context", 0, "rows of a document, of activations without documents")
	f.BoolVar(&o.Half, "float16", false, "write float16 whatever the source has")
	f.StringVar(&o.model, "model", "", "name of the model, for the dump's metadata")
	f.StringVar(&o.hook, "hook", "", "name of the hook point, such as blocks.3.hook_resid_post")
	f.StringArrayVar(&o.meta, "meta", nil, "more metadata, such as sae.dataset=TinyStories")
	f.Int64Var(&o.shardMiB, "shard", 256, "largest size of a shard in MiB; a stopped conversion goes on behind the last whole one")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.BoolVar(&o.quiet, "quiet", false, "print nothing but errors")
	return cmd
}

func runDataConvert(cmd *cobra.Command, s streams, src string, o convertOptions) error {
	if o.out == "" || o.shardMiB < 1 || o.Context < 0 {
		return usageError{fmt.Errorf("give --out with a folder, a --shard of 1 MiB or more and no negative --context")}
	}
	o.ShardBytes, o.Metadata = o.shardMiB<<20, activations.Metadata{}
	for key, v := range map[string]string{activations.KeyModel: o.model, activations.KeyHook: o.hook} {
		if v != "" {
			o.Metadata[key] = v
		}
	}
	for _, kv := range o.meta {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return usageError{fmt.Errorf("--meta %q is not of the form key=value", kv)}
		}
		o.Metadata[k] = v
	}
	start := time.Now()
	var bar *progressbar.ProgressBar
	if !o.quiet && !o.json && s.onTerminal() {
		o.Progress = func(done, total int64) {
			if bar == nil {
				bar = s.rowBar("converting", total)
			}
			bar.Set64(done)
		}
	}
	res, err := convert.Convert(cmd.Context(), src, o.out, o.Options)
	s.endBar(bar)
	switch {
	case err != nil:
		return err
	case o.json:
		return s.json(res)
	case o.quiet:
		return nil
	}
	kind := map[bool]string{false: "float32", true: "float16"}[res.Half]
	fmt.Fprintf(s.out, "%s: %s rows of %d values, %s, in %v\n", o.out, thousands(res.Rows), res.D, kind, time.Since(start).Round(time.Millisecond))
	if res.Resumed > 0 {
		fmt.Fprintf(s.out, "  %s of them were there already\n", thousands(res.Resumed))
	}
	for _, name := range slices.Sorted(maps.Keys(res.Columns)) {
		fmt.Fprintf(s.out, "  %-12s %s\n", name, res.Columns[name])
	}
	return nil
}
