package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
)

// splitOptions are the flags of data split.
type splitOptions struct {
	out, where string
	holdout    float64
	seed       uint64
}

func newDataSplit(s streams) *cobra.Command {
	var o splitOptions
	cmd := &cobra.Command{
		Use:   "split DUMP",
		Short: "Write the training rows and the held-out rows of a dump as two dumps",
		Long: `Write OUT/train and OUT/test with all columns. The rows are those that training
with the same seed and holdout would use and hold out: whole documents where the
dump has them, else a block of rows.`,
		Example: "  saectl data split sample --out parts --holdout 0.1",
		Args:    arguments(1, 1),
		RunE:    func(_ *cobra.Command, args []string) error { return runDataSplit(s, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "folder for the two dumps")
	f.StringVar(&o.where, "where", "", "only rows that meet a condition, such as 'pos>0'")
	f.Float64Var(&o.holdout, "holdout", data.DefaultSettings().Holdout, "share of the rows to hold out")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the choice")
	return cmd
}

func runDataSplit(s streams, path string, o splitOptions) error {
	if o.out == "" || !(o.holdout > 0 && o.holdout < 1) {
		return usageError{fmt.Errorf("give --out with a folder and --holdout above 0 and below 1")}
	}
	d, rows, err := openRows(path, o.where)
	if err != nil {
		return err
	}
	defer d.Close()
	train, test, err := data.Split(d, rows, o.holdout, o.seed)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		rows activations.Rows
	}{{"train", train}, {"test", test}} {
		dir := filepath.Join(o.out, part.name)
		if err := activations.Copy(dir, d, part.rows, activations.Metadata{activations.KeySplit: part.name}); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s: %s rows\n", dir, thousands(part.rows.Len()))
	}
	return nil
}
