package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/eval/circuit"
	"github.com/saectl/saectl/internal/atomicfile"
)

// circuitOptions are the flags of circuit.
type circuitOptions struct {
	circuit.Options
	dump, where, pool, truth string
	codes, html              string
	perLayer                 int
	json                     bool
}

func newCircuit(s streams) *cobra.Command {
	o := circuitOptions{Options: circuit.Options{Settings: circuit.DefaultSettings()}}
	cmd := &cobra.Command{
		Use:   "circuit",
		Short: "Find the attention heads that a behaviour needs, from codes alone",
		Long: `Fit a small autoencoder to what all heads write on a few examples, turn each
head's output on each example into one code, and rank the heads by the codes that
they use on positive examples only. O'Neill and Bui 2024, arXiv 2405.12522.

Examples are the documents of the dump, labelled 1 where the behaviour is needed
and 0 where it is not. Either each example has a row for each head (pos, layer by
layer), or the metadata sae.heads says that a row has all heads at one position,
and the rows of an example are pooled.

With --truth, a file with a line "layer head" for each head of the known circuit,
the rankings are scored against it, as means over seeds. --train, --examples and
--k take lists, each number of which is tried.`,
		Example: `  saectl data synth circuit --out planted
  saectl circuit --dump planted --truth planted/heads.txt
  saectl circuit --dump planted --truth planted/heads.txt --train 5,10,25 --examples 5,50,0 --html circuit.html
  saectl circuit --dump planted --axis atoms --codes codes.csv --json`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runCircuit(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.dump, "dump", "", "dump of head outputs")
	f.StringVar(&o.where, "where", "", "only rows that meet a condition, such as 'doc<100'")
	f.StringVar(&o.pool, "pool", circuit.PoolMean, "how positions of an example become one vector, where a row has all heads: mean or last")
	f.IntVar(&o.perLayer, "heads-per-layer", 0, "heads of a layer (default what the metadata says under "+data.KeyHeadsPerLayer+", else all heads)")
	f.StringVar(&o.truth, "truth", "", "file with the heads of the known circuit")
	f.IntSliceVar(&o.Train, "train", []int{10}, "examples to fit on, drawn at random")
	f.BoolVar(&o.Balanced, "balanced", false, "fit on as many positive examples as others")
	f.IntSliceVar(&o.Options.Examples, "examples", []int{0}, "examples of each class to rank heads by, drawn at random; 0 for all")
	f.IntSliceVar(&o.EdgeK, "k", nil, "entries of the edge list to keep (default half the square of the heads)")
	f.IntVar(&o.Latents, "latents", o.Latents, "latents of the autoencoder, which is how many codes there are")
	f.Float64Var(&o.Lambda, "lambda", o.Lambda, "weight of the sum of activations")
	f.StringVar(&o.Axis, "axis", o.Axis, "what the decoder keeps at norm 1: outputs, as the paper's code, or atoms")
	f.IntVar(&o.Steps, "steps", o.Steps, "steps, each on all training rows")
	f.Float64Var(&o.Rate, "lr", o.Rate, "learning rate of Adam")
	f.IntVar(&o.Seeds, "seeds", 10, "trials of each setting, with seeds of their own")
	f.Uint64Var(&o.Seed, "seed", 0, "the first seed")
	f.StringVar(&o.codes, "codes", "", "write the codes of the first trial to this file, as CSV")
	f.StringVar(&o.html, "html", "", "write what was found to this file, as one HTML page")
	f.BoolVar(&o.json, "json", false, "print one JSON object and nothing else on stdout")
	f.IntVar(&o.Threads, "threads", 0, "threads to compute on; changes no figure (default all)")
	return cmd
}

func runCircuit(ctx context.Context, s streams, o circuitOptions) error {
	if o.dump == "" {
		return usageError{fmt.Errorf("--dump is missing: a dump of head outputs, such as saectl data synth circuit makes")}
	}
	if err := o.Settings.Validate(); err != nil {
		return usageError{err}
	}
	d, rows, err := openRows(o.dump, o.where)
	if err != nil {
		return err
	}
	defer d.Close()
	x, err := circuit.ReadExamples(d, rows, o.pool, o.perLayer)
	if err != nil {
		return err
	}
	if err := o.readTruth(x); err != nil {
		return err
	}
	r, err := circuit.Run(ctx, x, o.Options)
	if err != nil {
		return err
	}
	return o.show(s, x, r)
}

func (o *circuitOptions) readTruth(x *circuit.Examples) error {
	if o.truth == "" {
		return nil
	}
	f, err := os.Open(o.truth)
	if err != nil {
		return err
	}
	o.Truth, err = circuit.ReadTruth(f, o.truth, x.Heads, x.PerLayer)
	return errors.Join(err, f.Close())
}

func (o *circuitOptions) show(s streams, x *circuit.Examples, r *circuit.Report) error {
	if o.codes != "" {
		if err := atomicfile.Write(o.codes, func(w io.Writer) error { return x.WriteCodes(w, r.Codes) }); err != nil {
			return err
		}
	}
	return showSection(s, r.Section(), o.html, o.json, r)
}
