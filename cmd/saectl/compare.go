package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/eval"
)

func newCompare(s streams) *cobra.Command {
	asJSON, threads := false, 0
	cmd := &cobra.Command{
		Use:   "compare A B ...",
		Short: "Say how far dictionaries hold the same features",
		Long: `Compare the decoders of runs: the cosine of latents matched one to one, the mean
largest cosine, and the latents that both have. Two runs are shown in full, more
as a matrix.`,
		Example: `  saectl compare runs/topk-001 runs/topk-002
  saectl compare runs/seed-0 runs/seed-1 runs/seed-2 --json`,
		Args: arguments(2, 64),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCompare(cmd.Context(), s, args, threads, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object and nothing else on stdout")
	cmd.Flags().IntVar(&threads, "threads", 0, "threads to compute on; changes no figure (default all)")
	return cmd
}

func runCompare(ctx context.Context, s streams, dirs []string, threads int, asJSON bool) error {
	var all []eval.Dictionary
	for _, dir := range dirs {
		t, err := openRun(dir, threads)
		if err != nil {
			return err
		}
		defer t.model.Close()
		rows := t.model.Weight("decoder.weight")
		all = append(all, eval.Dictionary{Name: dir, Rows: rows, F: t.model.F, D: len(rows) / t.model.F})
		if d := all[0].D; all[len(all)-1].D != d {
			return fmt.Errorf("%s decodes to %d values, %s to %d; dictionaries of one hook point can be compared", dirs[0], d, dir, all[len(all)-1].D)
		}
	}
	table, err := eval.MatchAll(ctx, all, threads)
	if err != nil {
		return err
	}
	if asJSON {
		return s.json(table)
	}
	return table.WriteText(s.out)
}
