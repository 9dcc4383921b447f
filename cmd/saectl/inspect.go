package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/report"
)

// inspectOptions are the flags of inspect-features.
type inspectOptions struct {
	lookFlags
	html, direction      string
	format, out, release string
	sweep                string
	features, by, search string
	count, top, similar  int
	json                 bool
	images               string
}

func newInspect(s streams) *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect-features",
		Short: "Show what latents stand for",
		Long: `Show, for chosen latents, how often they fire, the rows on which they fire
most with their text, examples from each quantile of their activation, and the
latents nearest to them. --format writes the same as pages for Neuronpedia or
SAEDashboard. Without --feature the latents are ranked by --by, or by
how well they pick out the text of --search. By default those come first whose
activity lies on one token, and of the latents of one token the clearest, so
that the first ones show different things that can be read at once.

Memory is bounded by the latents shown, however large the dump.`,
		Example: `  saectl inspect-features --sae runs/topk-001 --top 10
  saectl inspect-features --sae runs/topk-001 --feature 3,17,40-52
  saectl inspect-features --sae runs/topk-001 --by activation --count 5
  saectl inspect-features --sae runs/topk-001 --search func
  saectl inspect-features --sae runs/topk-001 --html latents.html
  saectl inspect-features --sae runs/digits --html latents.html --images pictures
  saectl inspect-features --sae runs/topk-001 --feature 78 --direction func.npy
  saectl inspect-features --sae runs/topk-001 --format neuronpedia --out pages --release my-saes`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runInspect(cmd.Context(), s, o) },
	}
	o.lookFlags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&o.features, "feature", "", "latents by number, such as 3,17,40-52")
	f.StringVar(&o.by, "by", "", "rank latents by clarity (the default: those whose activity lies on one token first), frequency, activation or attribution (needs gradients)")
	f.StringVar(&o.search, "search", "", "rank latents by how well they pick out the rows of this text")
	f.IntVar(&o.similar, "similar", -1, "rank latents by decoder cosine to this latent")
	f.IntVar(&o.count, "count", 0, "most latents to show (default 10, or all of --feature)")
	f.IntVar(&o.top, "top", 10, "rows to show of each latent")
	f.StringVar(&o.html, "html", "", "write an explorer of the latents, all unless some are chosen, to this file, as one HTML page")
	f.StringVar(&o.sweep, "sweep", "", "with --html, folder of a sweep to show the error against L0 of (default the one that the run lies in)")
	f.StringVar(&o.images, "images", "", "with --html: folder of pictures of the documents, such as 17.png of document 17 (of row 17 where rows have no document), to show with the rows")
	f.StringVar(&o.direction, "direction", "", "write the decoder rows of the latents shown, in the dump's units, to this .npy or .safetensors file")
	f.StringVar(&o.format, "format", "", "write pages of the latents, all that fire unless some are chosen, into --out: saedashboard or neuronpedia")
	f.StringVar(&o.out, "out", "", "folder for the pages of --format")
	f.StringVar(&o.release, "release", "saectl", "name that the pages of --format are published under")
	f.BoolVar(&o.json, "json", false, "print one JSON object and nothing else on stdout")
	return cmd
}

func runInspect(ctx context.Context, s streams, o inspectOptions) error {
	if err := o.check(); err != nil {
		return usageError{err}
	}
	l, err := o.open()
	if err != nil {
		return err
	}
	defer l.close()
	how, err := o.how(l.model.F, l.d.HasToken() || l.d.Has(activations.Label))
	if err != nil {
		return usageError{err}
	}
	if o.format != "" {
		pages, err := newDashboards(l.trained, l.d, o)
		if err != nil {
			return err
		}
		how = how.ForDashboards()
		how.Emit = pages.emit
		r, err := l.inspect(ctx, o, how)
		if err != nil {
			return err
		}
		return pages.finish(s, r)
	}
	shown, err := o.beside()
	if err != nil {
		return err
	}
	r, err := l.inspect(ctx, o, how)
	if err != nil {
		return err
	}
	return o.write(ctx, s, l, r, shown)
}

// beside is what a page shows that comes from other files than the run's and the
// dump's. They are read before the rows, so that a wrong name is noticed early.
type beside struct {
	pictures *pictures
	sweep    []report.Swept
}

func (o inspectOptions) beside() (b beside, err error) {
	if o.html == "" {
		return b, nil
	}
	if b.pictures, err = openPictures(o.images); err != nil {
		return b, err
	}
	b.sweep, err = sweepPoints(o.sweep, o.sae)
	return b, err
}

// inspect describes latents, and says of what on what.
func (l *look) inspect(ctx context.Context, o inspectOptions, how eval.InspectOptions) (*eval.Inspection, error) {
	r, err := eval.Inspect(ctx, l.model.Subject, l.d, l.rows, l.model.B, how)
	if err != nil {
		return nil, err
	}
	about := &eval.Report{}
	if err := l.describe(about, l.d, evalOptions{split: o.split, where: o.where}); err != nil {
		return nil, err
	}
	about.SAE.Latents, about.SAE.D, about.Dump.Rows = l.model.F, l.model.D, l.rows.Len()
	r.SAE, r.Dump = about.SAE, about.Dump
	r.Warnings = append(r.Warnings, about.Warnings...)
	return r, nil
}

// write writes what the flags ask for.
func (o inspectOptions) write(ctx context.Context, s streams, l *look, r *eval.Inspection, shown beside) error {
	if o.html != "" {
		measured, err := l.measure(ctx, l.d, l.rows, evalOptions{split: o.split, where: o.where, html: o.html, threads: o.threads})
		if err != nil {
			return err
		}
		page := inspectionPage(measured, r, shown.pictures)
		page.Sweep = shown.sweep
		if err := shown.pictures.err(); err != nil {
			return err
		}
		if err := writeHTML(s, o.html, page); err != nil {
			return err
		}
	}
	if o.direction != "" {
		v, err := l.directions(r)
		if err == nil {
			err = v.write(s, o.direction)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case o.json:
		return s.json(r)
	case o.html != "":
		return nil // the page may hold all latents: too many to print as well
	}
	return r.WriteText(s.out, coloured(s))
}

// check refuses flags that do not go together, before anything is read.
func (o inspectOptions) check() error {
	if o.direction != "" {
		if _, err := directionKind(o.direction); err != nil {
			return err
		}
	}
	switch {
	case o.images != "" && o.html == "":
		return fmt.Errorf("--images goes with --html, which shows the pictures")
	case o.format != "" && o.format != formatSAEDashboard && o.format != formatNeuronpedia:
		return fmt.Errorf("--format is %q; give %s or %s", o.format, formatSAEDashboard, formatNeuronpedia)
	case o.sweep != "" && o.html == "":
		return fmt.Errorf("--sweep is shown in the page of --html")
	case (o.format == "") != (o.out == ""):
		return fmt.Errorf("--format and --out go together: the form of the pages and the folder for them")
	case o.format != "" && (o.json || o.html != "" || o.direction != ""):
		return fmt.Errorf("--format writes pages only; leave out --json, --html and --direction")
	case strings.ContainsAny(o.release, `/\ `) || o.release == "":
		return fmt.Errorf("--release is %q; give a name without spaces and slashes", o.release)
	}
	return nil
}

// how turns the flags into what eval is asked for. readable says that rows carry
// text or labels.
func (o inspectOptions) how(latents int, readable bool) (eval.InspectOptions, error) {
	how := eval.DefaultInspect()
	how.By, how.Search, how.Count, how.Top, how.Threads = o.by, o.search, o.count, o.top, o.threads
	if o.top < 1 || o.count < 0 {
		return how, fmt.Errorf("--top is %d and --count %d; give 1 or more", o.top, o.count)
	}
	if o.features != "" {
		var err error
		how.Latents, err = eval.ParseLatents(o.features, latents)
		if err != nil {
			return how, fmt.Errorf("--feature: %w", err)
		}
		return how, nil
	}
	if o.similar >= latents {
		return how, fmt.Errorf("--similar is %d; latents are 0 to %d", o.similar, latents-1)
	}
	if o.similar >= 0 {
		how.Similar = &o.similar
	}
	ranked := o.by != "" || o.search != "" || how.Similar != nil
	if o.html != "" && !ranked && o.count == 0 {
		for latent := range latents { // those that never fire too
			how.Latents = append(how.Latents, latent)
		}
	}
	switch {
	case ranked || o.format != "":
	case readable:
		how.By = eval.ByClarity
	default:
		how.By = eval.ByFrequency
	}
	if o.count == 0 && o.html == "" && o.format == "" {
		how.Count = 10
	}
	return how, nil
}

// coloured reports whether stdout is a terminal that wants colours.
func coloured(s streams) bool {
	f, ok := s.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
}
