package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/saectl/saectl/data"
)

func newDataSynth(s streams) *cobra.Command {
	p, out := data.DefaultPlanted(), ""
	cmd := &cobra.Command{
		Use:   "synth",
		Short: "Make a dump from a dictionary that is known",
		Long: `Make rows that are sparse sums of the features of a planted dictionary, plus
noise, and write the dictionary beside them (dictionary.safetensors), so that
saectl eval can say how much of it an autoencoder found.`,
		Example: `  saectl data synth --out synthetic --rows 20000 --d 64 --latents 128 --active 4 --seed 1
  saectl data synth gaussian --like sample --out control`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError{fmt.Errorf("--out is missing: the folder for the dump")}
			}
			if err := p.Validate(); err != nil {
				return usageError{err}
			}
			if err := data.WritePlanted(cmd.Context(), out, p, nil); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s: %s rows of %d values from %s features, %d active in a row; the dictionary is in %s/%s\n",
				out, thousands(p.Rows), p.D, thousands(int64(p.Latents)), p.Active, out, data.TruthFile)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for the dump; it must not hold one")
	bindSettings(cmd.Flags(), &p)
	cmd.AddCommand(newSynthGaussian(s), newSynthTree(s), newSynthCircuit(s))
	return cmd
}

func newSynthTree(s streams) *cobra.Command {
	t, out := data.DefaultTree(), ""
	cmd := &cobra.Command{
		Use:   "tree",
		Short: "Make a dump from features that form a hierarchy",
		Long: `Make rows from 20 features of which three have children, which are active only
with their parent (Costa et al. 2025, arXiv 2506.03093), and write the features
beside them (dictionary.safetensors).`,
		Example: `  saectl data synth tree --out tree --rows 20000 --correlation 0.3 --seed 1`,
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError{fmt.Errorf("--out is missing: the folder for the dump")}
			}
			if err := t.Validate(); err != nil {
				return usageError{err}
			}
			if err := data.WriteTree(cmd.Context(), out, t, nil); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s: %s rows of %d values from a tree of %d features; they are in %s/%s\n",
				out, thousands(t.Rows), data.TreeFeatures, data.TreeFeatures, out, data.TruthFile)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for the dump; it must not hold one")
	bindSettings(cmd.Flags(), &t)
	return cmd
}

// bindSettings makes a flag of every setting of a struct, named and described
// by its tags.
func bindSettings(f *pflag.FlagSet, settings any) {
	v := reflect.ValueOf(settings).Elem()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name, doc := strings.ReplaceAll(tag.Get("yaml"), "_", "-"), tag.Get("doc")
		if choices := tag.Get("oneof"); choices != "" {
			doc += " (" + strings.ReplaceAll(choices, "|", ", ") + ")"
		}
		switch p := v.Field(i).Addr().Interface().(type) {
		case *int:
			f.IntVar(p, name, *p, doc)
		case *int64:
			f.Int64Var(p, name, *p, doc)
		case *uint64:
			f.Uint64Var(p, name, *p, doc)
		case *float64:
			f.Float64Var(p, name, *p, doc)
		case *string:
			f.StringVar(p, name, *p, doc)
		case *bool:
			f.BoolVar(p, name, *p, doc)
		}
	}
}

// gaussianOptions are the flags of data synth gaussian.
type gaussianOptions struct {
	like, out, where string
	rows             int64
	seed             uint64
	half             bool
}

func newSynthGaussian(s streams) *cobra.Command {
	var o gaussianOptions
	cmd := &cobra.Command{
		Use:   "gaussian",
		Short: "Make normal rows with the mean and covariance of a dump, as a control",
		Long: `Make rows of the normal distribution that has the mean and covariance of a
dump. An autoencoder that finds structure explains the dump much better than
this control.`,
		Example: "  saectl data synth gaussian --like sample --out control",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runSynthGaussian(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.like, "like", "", "dump to take mean and covariance from")
	f.StringVar(&o.where, "where", "", "take them from rows that meet a condition, such as 'pos>0'")
	f.StringVar(&o.out, "out", "", "folder for the dump; it must not hold one")
	f.Int64Var(&o.rows, "rows", 0, "rows to make (default as many as the dump has)")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the rows")
	f.BoolVar(&o.half, "half", false, "write float16")
	return cmd
}

func runSynthGaussian(ctx context.Context, s streams, o gaussianOptions) error {
	if o.like == "" || o.out == "" || o.rows < 0 {
		return usageError{fmt.Errorf("give --like with a dump and --out with a folder; --rows is 1 or more")}
	}
	d, rows, err := openRows(o.like, o.where)
	if err != nil {
		return err
	}
	defer d.Close()
	if o.rows == 0 {
		o.rows = rows.Len()
	}
	g, err := data.FitGaussian(d, rows, o.rows, o.seed)
	if err != nil {
		return err
	}
	if err := data.WriteGaussian(ctx, o.out, g, o.half, nil); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: %s normal rows with the mean and covariance of %s\n", o.out, thousands(o.rows), d.Name())
	return nil
}
