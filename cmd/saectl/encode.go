package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
)

// encodeOptions are the flags of encode.
type encodeOptions struct {
	sae, dump, where, out, format, recon string
	splits, threads                      int
	quiet                                bool
}

func newEncode(s streams) *cobra.Command {
	var o encodeOptions
	cmd := &cobra.Command{
		Use:   "encode",
		Short: "Write the latents, or the reconstruction, of every row of a dump",
		Long: `Write the latents of every row as an Arrow file with the columns row, latent
(a list of int32, ascending) and value (a list of float32); or, with --format
delphi, as the cache that delphi's interpretation of latents reads, a folder of
safetensors files, one for each of --splits ranges of latents.

--recon writes the reconstructions as a dump, in the units of the dump that was
encoded and with its tokens and documents, to be put into the model elsewhere.`,
		Example: `  saectl encode --sae runs/topk-001 --out codes.arrow
  saectl encode --sae runs/topk-001 --dump other/ --out codes.arrow
  saectl encode --sae runs/topk-001 --format delphi --out latents/
  saectl encode --sae runs/topk-001 --dump other/ --recon reconstructions/`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runEncode(cmd, s, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.sae, "sae", "", "run folder, or files of another tool")
	f.StringVar(&o.dump, "dump", "", "dump to encode (default the run's own, all rows)")
	f.StringVar(&o.where, "where", "", "only rows that meet a condition, such as 'pos>0'")
	f.StringVar(&o.out, "out", "", "file to write, such as codes.arrow, or the folder of a cache")
	f.StringVar(&o.format, "format", "arrow", "arrow or delphi")
	f.IntVar(&o.splits, "splits", 5, "ranges of latents of a delphi cache, a file each")
	f.StringVar(&o.recon, "recon", "", "folder for a dump of the reconstructions")
	f.IntVar(&o.threads, "threads", 0, "threads to compute on; changes no bit (default all)")
	f.BoolVar(&o.quiet, "quiet", false, "print nothing")
	return cmd
}

func (o encodeOptions) check(splits bool) error {
	switch {
	case o.out == "" && o.recon == "":
		return errors.New("--out is missing: the file to write, such as codes.arrow; or --recon with a folder")
	case o.format != "arrow" && o.format != "delphi":
		return fmt.Errorf("--format is %q; give arrow or delphi", o.format)
	case o.format == "delphi" && o.out == "":
		return errors.New("--format delphi needs --out with a folder")
	case splits && o.format != "delphi":
		return errors.New("--splits has no effect without --format delphi")
	}
	return nil
}

func runEncode(cmd *cobra.Command, s streams, o encodeOptions) error {
	if err := o.check(cmd.Flags().Changed("splits")); err != nil {
		return usageError{err}
	}
	l, err := openLook(o.sae, o.dump, "all", o.where, o.threads)
	if err != nil {
		return err
	}
	defer l.close()
	e, err := newEncoder(l, o)
	if err != nil {
		return err
	}
	if err := e.run(cmd.Context()); err != nil {
		return err
	}
	if o.quiet {
		return nil
	}
	if o.out != "" {
		fmt.Fprintf(s.out, "%s: %s rows, %s values that are not zero\n", o.out, thousands(l.rows.Len()), thousands(e.entries))
	}
	if o.recon != "" {
		fmt.Fprintf(s.out, "%s: reconstructions of %s rows\n", o.recon, thousands(l.rows.Len()))
	}
	return nil
}

// An encoder passes the rows of a look through its model once.
type encoder struct {
	*look
	sinks   []encodeSink
	reads   activations.Columns
	entries int64
}

// newEncoder opens what o asks to be written.
func newEncoder(l *look, o encodeOptions) (e *encoder, err error) {
	e = &encoder{look: l}
	defer func() {
		if err != nil {
			e.discard()
		}
	}()
	if e.reads, err = l.reads(); err != nil {
		return nil, err
	}
	add := func(sink encodeSink, err error) error {
		if err == nil {
			e.sinks = append(e.sinks, sink)
		}
		return err
	}
	switch {
	case o.out == "":
	case o.format == "delphi":
		hook := l.d.Metadata().Hook()
		if hook == "" {
			hook = "activations"
		}
		e.reads |= activations.DocPos
		err = add(newDelphiSink(filepath.Join(o.out, filepath.Base(hook)), l, o.splits))
	default:
		err = add(newArrowSink(o.out, l))
	}
	if err == nil && o.recon != "" {
		sink, columns, openErr := newReconSink(o.recon, l)
		e.reads |= columns
		err = add(sink, openErr)
	}
	return e, err
}

func (e *encoder) discard() {
	for _, s := range e.sinks {
		s.discard()
	}
}

// run encodes all rows; nothing is left of an attempt that failed.
func (e *encoder) run(ctx context.Context) (err error) {
	defer e.discard()
	src := data.Prefetch(data.NewSequential(e.d, e.rows, e.reads, e.model.B))
	defer src.Close()
	var b activations.Batch
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := src.Next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		z, err := e.model.Encode(&b)
		if err != nil {
			return err
		}
		for _, s := range e.sinks {
			if err := s.write(&b, z, e.model.Recon); err != nil {
				return err
			}
		}
		e.entries += int64(len(z.Index))
	}
	for _, s := range e.sinks {
		if err := s.close(); err != nil {
			return err
		}
	}
	return nil
}
