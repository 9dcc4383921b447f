package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/interop"
)

// encodeOptions are the flags of encode.
type encodeOptions struct {
	sae, dump, where, out string
	threads               int
	quiet                 bool
}

func newEncode(s streams) *cobra.Command {
	var o encodeOptions
	cmd := &cobra.Command{
		Use:   "encode",
		Short: "Write the latents of every row of a dump",
		Long: `Write the latents of every row as an Arrow file with the columns row, latent
(a list of int32, ascending) and value (a list of float32).`,
		Example: `  saectl encode --sae runs/topk-001 --out codes.arrow
  saectl encode --sae runs/topk-001 --dump other/ --out codes.arrow`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runEncode(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.sae, "sae", "", "run folder")
	f.StringVar(&o.dump, "dump", "", "dump to encode (default the run's own, all rows)")
	f.StringVar(&o.where, "where", "", "only rows that meet a condition, such as 'pos>0'")
	f.StringVar(&o.out, "out", "", "file to write, such as codes.arrow")
	f.IntVar(&o.threads, "threads", 0, "threads to compute on; changes no bit (default all)")
	f.BoolVar(&o.quiet, "quiet", false, "print nothing")
	return cmd
}

func runEncode(ctx context.Context, s streams, o encodeOptions) error {
	if o.out == "" {
		return usageError{fmt.Errorf("--out is missing: the file to write, such as codes.arrow")}
	}
	l, err := openLook(o.sae, o.dump, "all", o.where, o.threads)
	if err != nil {
		return err
	}
	defer l.close()
	t, d, rows := l.trained, l.d, l.rows
	var entries int64
	err = atomicfile.Write(o.out, func(w io.Writer) error {
		entries, err = t.encode(ctx, w, d, rows)
		return err
	})
	if err == nil && !o.quiet {
		fmt.Fprintf(s.out, "%s: %s rows, %s values that are not zero\n", o.out, thousands(rows.Len()), thousands(entries))
	}
	return err
}

// encode writes the codes of rows and returns how many entries they have.
func (t *trained) encode(ctx context.Context, w io.Writer, d *activations.Dump, rows activations.Rows) (entries int64, err error) {
	codes, err := interop.NewCodesWriter(w, t.model.F, t.model.Meta)
	if err != nil {
		return 0, err
	}
	reads, err := t.reads()
	if err != nil {
		return 0, err
	}
	src := data.Prefetch(data.NewSequential(d, rows, reads, evalBatch))
	defer src.Close()
	var b activations.Batch
	for {
		if err := ctx.Err(); err != nil {
			return entries, err
		}
		err := src.Next(&b)
		if errors.Is(err, io.EOF) {
			return entries, codes.Close()
		}
		if err != nil {
			return entries, err
		}
		z, err := t.model.Encode(&b)
		if err != nil {
			return entries, err
		}
		if err := codes.Write(&b, z); err != nil {
			return entries, err
		}
		entries += int64(len(z.Index))
	}
}
