package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/interop"
	"github.com/saectl/saectl/internal/interop/foreign"
)

// importOptions are the flags of import.
type importOptions struct {
	out, format, rule string
	groups            int
	unit              bool
	dump              string
	rows              int
	json              bool
	threads           int
}

func newImport(s streams) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import SRC",
		Short: "Take over an autoencoder that another tool trained",
		Long: `Read an autoencoder of SAELens, sparsify or dictionary_learning, or the npz of
Gemma Scope, and keep it in a folder of its own, to the last bit. The tool is
recognised by its files. What cannot be represented is refused by name.

eval, encode, inspect-features and compare also take the other tool's folder
itself; it is only read.`,
		Example: `  saectl import gpt2-small-res --out imported
  saectl import trainer_0 --out imported --format dictionary-learning
  saectl import trainer_0 --out imported --rule topk --dump dump/`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return runImport(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "folder to write")
	f.StringVar(&o.format, "format", "", "what SRC is of: "+strings.Join(interop.Names(false), ", ")+" (default recognised)")
	f.StringVar(&o.rule, "rule", "", "keep latents by another rule than the file's: topk, threshold or batch, where it holds the numbers")
	f.IntVar(&o.groups, "groups", 0, "of a Matryoshka autoencoder keep the first groups of latents alone (default all)")
	f.BoolVar(&o.unit, "unit-decoder", false, "bring decoder rows to norm 1, as dictionary_learning does on loading an AutoEncoder: latents grow by what they were")
	f.StringVar(&o.dump, "dump", "", "check on rows of this dump: print L0 and explained variance")
	f.IntVar(&o.rows, "rows", 4096, "rows of the check, spread over the dump")
	f.BoolVar(&o.json, "json", false, "print one JSON object and nothing else on stdout")
	f.IntVar(&o.threads, "threads", 0, "threads to compute on; changes no figure (default all)")
	return cmd
}

func runImport(ctx context.Context, s streams, src string, o importOptions) error {
	if o.out == "" {
		return usageError{fmt.Errorf("--out is missing: the folder to write")}
	}
	if o.rows < 1 {
		return usageError{fmt.Errorf("--rows is %d; give 1 or more", o.rows)}
	}
	f, err := interop.Open(src, o.format)
	if err != nil {
		return err
	}
	if f, err = o.change(f); err != nil {
		return fmt.Errorf("%s: %w", src, err)
	}
	r := imported{Path: o.out, Format: f.Format, Architecture: f.Architecture, Rule: string(f.Rule), D: f.D, Latents: f.F, Warnings: f.Warnings}
	if o.dump != "" {
		if r.Check, err = o.check(ctx, src, f); err != nil {
			return err
		}
	}
	if err := f.Save(o.out); err != nil {
		return err
	}
	if o.json {
		return s.json(r)
	}
	r.print(s)
	return nil
}

// change applies what the flags ask for.
func (o importOptions) change(f *foreign.SAE) (*foreign.SAE, error) {
	f, err := f.With(o.rule)
	if err != nil {
		return nil, usageError{err}
	}
	if o.groups > 0 {
		if f, err = f.FirstGroups(o.groups); err != nil {
			return nil, usageError{fmt.Errorf("--groups %d: %w", o.groups, err)}
		}
	}
	if o.unit {
		f = f.Clone()
		f.FoldNorms()
	}
	return f, nil
}

// imported is what import prints.
type imported struct {
	Path         string   `json:"path"`
	Format       string   `json:"format"`
	Architecture string   `json:"architecture"`
	Rule         string   `json:"rule"`
	D            int      `json:"d"`
	Latents      int      `json:"latents"`
	Check        *check   `json:"check,omitempty"`
	Warnings     []string `json:"warnings"`
}

// A check is how the autoencoder does on sample rows.
type check struct {
	Dump              string  `json:"dump"`
	Rows              int     `json:"rows"`
	L0                float64 `json:"l0"`
	ExplainedVariance float64 `json:"explained_variance"`
}

func (r imported) print(s streams) {
	fmt.Fprintf(s.out, "%s: %s %s, %s latents of %d values, latents by %s\n", r.Path, r.Format, r.Architecture, thousands(int64(r.Latents)), r.D, r.Rule)
	if c := r.Check; c != nil {
		fmt.Fprintf(s.out, "on %s rows of %s: L0 %.4g, explained variance %.4f\n", thousands(int64(c.Rows)), c.Dump, c.L0, c.ExplainedVariance)
	}
	for _, w := range r.Warnings {
		s.note("warning: %s", w)
	}
}

// check encodes rows spread evenly over the dump.
func (o importOptions) check(ctx context.Context, src string, f *foreign.SAE) (*check, error) {
	t, err := trainedOf(src, f, o.threads)
	if err != nil {
		return nil, err
	}
	defer t.model.Close()
	d, err := openDump(o.dump)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := t.check(d); err != nil {
		return nil, err
	}
	n := min(int64(o.rows), d.Rows())
	if n == 0 {
		return nil, fmt.Errorf("%s has no rows", d.Name())
	}
	every := make([]int64, n)
	for i := range every {
		every[i] = int64(i) * d.Rows() / n
	}
	return o.measure(ctx, t, d, every)
}

// measure reads the named rows of d, some at a time.
func (o importOptions) measure(ctx context.Context, t *trained, d *activations.Dump, every []int64) (*check, error) {
	f, cols := t.foreign, activations.Columns(0)
	if f.Transcoder {
		cols = activations.Target
	}
	v := variance{sum: make([]float64, f.DOut)}
	var b activations.Batch
	for len(every) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(len(every), t.model.B)
		if err := d.Read(&b, every[:n], cols); err != nil {
			return nil, err
		}
		every = every[n:]
		codes, err := t.model.Encode(&b)
		if err != nil {
			return nil, err
		}
		want := b.X
		if f.Transcoder {
			want = b.Target
		}
		v.add(want[:b.N*f.DOut], t.model.Recon(), codes.L0()*float64(b.N))
	}
	return &check{Dump: d.Name(), Rows: int(v.rows), L0: v.l0 / v.rows, ExplainedVariance: v.explained()}, nil
}

// variance adds up what explained variance is made of, in float64.
type variance struct {
	rows, l0, err, squares float64
	sum                    []float64 // [DOut]
}

func (v *variance) add(want, recon []float32, l0 float64) {
	v.l0 += l0
	v.rows += float64(len(want) / len(v.sum))
	for i, w := range want {
		e := float64(w) - float64(recon[i])
		v.err += e * e
		v.squares += float64(w) * float64(w)
		v.sum[i%len(v.sum)] += float64(w)
	}
}

// explained is 1 - squared error / squares around the mean; 0 where these are 0.
func (v *variance) explained() float64 {
	around := v.squares
	for _, s := range v.sum {
		around -= s * s / v.rows
	}
	if around <= 0 {
		return 0
	}
	return 1 - v.err/around
}
