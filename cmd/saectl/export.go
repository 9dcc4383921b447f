package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/internal/interop"
	"github.com/saectl/saectl/internal/interop/foreign"
)

func newExport(s streams) *cobra.Command {
	var dir, format, out string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write an autoencoder in the files of another tool",
		Long: `Write a run, or an autoencoder of another tool, as a folder that SAELens, sparsify
or dictionary_learning loads and that gives the same latents and reconstructions.
Where the tool's formulas differ, scales, norms and biases are folded into the
weights; what it cannot compute is refused by name.`,
		Example: `  saectl export --sae runs/topk-001 --format saelens --out topk-saelens
  saectl export --sae imported --format sparsify --out topk-sparsify`,
		Args: arguments(0, 0),
		RunE: func(*cobra.Command, []string) error { return runExport(s, dir, format, out) },
	}
	f := cmd.Flags()
	f.StringVar(&dir, "sae", "", "run folder, or files of another tool")
	f.StringVar(&format, "format", "", "format to write: "+strings.Join(interop.Names(true), ", "))
	f.StringVar(&out, "out", "", "folder to write")
	return cmd
}

func runExport(s streams, dir, format, out string) error {
	switch {
	case format == "":
		return usageError{fmt.Errorf("--format is missing: %s", strings.Join(interop.Names(true), ", "))}
	case out == "":
		return usageError{fmt.Errorf("--out is missing: the folder to write")}
	}
	t, err := openRun(dir, 1)
	if err != nil {
		return err
	}
	defer t.model.Close()
	f := t.foreign
	if f == nil {
		if f, err = t.describeForOthers(); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	if err := interop.Write(out, format, f); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	fmt.Fprintf(s.out, "%s: %s latents of %d values, for %s\n", out, thousands(int64(f.F)), f.D, format)
	if f.Scale != 1 {
		s.note("the scale %g of rows is folded into the weights", f.Scale)
	}
	if f.Rule == foreign.BatchTopK {
		s.note("latents above the running threshold are kept, in place of the k·B largest of a batch")
	}
	return nil
}
