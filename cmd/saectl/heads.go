package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/eval/attention"
)

// headsOptions are the flags of heads.
type headsOptions struct {
	lookFlags
	weights, attention        string
	residual, residualDump    string
	features, condition, html string
	heads, kv, top, perHead   int
	json                      bool
}

func newHeads(s streams) *cobra.Command {
	var o headsOptions
	cmd := &cobra.Command{
		Use:   "heads",
		Short: "Say which attention heads make a latent, and from which tokens",
		Long: `Take apart an autoencoder of attention outputs: rows that are the outputs of all
heads before W_O, one after another (hook_z). For each head: how many latents it
is the main writer of, by the norms of the parts of their decoder rows. With
--attention, for each latent the tokens and heads that its activation comes from
(direct feature attribution); the attributions are checked to add up to the
latent's value on every row. With --weights, shares through W_O and the tokens
that a latent raises. Kissane et al. 2024, arXiv 2406.17759.

--attention is a safetensors file: pattern [documents, heads, positions,
positions], v [documents, positions, key-value heads, head width], doc
[documents] of the dump, and if wanted token_id and ln_scale [documents,
positions]. --weights is one with any of W_O [heads, head width, model width],
W_U [model width, vocabulary], W_V [key-value heads, model width, head width]
and b_V [key-value heads, head width].`,
		Example: `  saectl heads --sae runs/z
  saectl heads --sae runs/z --weights w_o.safetensors --attention dfa.safetensors
  saectl heads --sae runs/z --attention dfa.safetensors --feature 3,17 --top 5 --html heads.html
  saectl heads --sae runs/z --condition 'token_id==287' --json`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runHeads(cmd.Context(), s, o) },
	}
	o.lookFlags.add(cmd)
	f := cmd.Flags()
	f.IntVar(&o.heads, "heads", 0, "heads in a row, where the dump's metadata does not say")
	f.IntVar(&o.kv, "kv-heads", 0, "key-value heads of --weights, where they are fewer than heads and --attention does not say")
	f.StringVar(&o.weights, "weights", "", "safetensors file with W_O, W_U, W_V or b_V of the layer")
	f.StringVar(&o.attention, "attention", "", "safetensors file with the patterns and values of some documents")
	f.StringVar(&o.residual, "residual", "", "run folder of an autoencoder of the residual stream that the layer reads: explain each source by its latents")
	f.StringVar(&o.residualDump, "residual-dump", "", "dump of that residual stream, with the rows of --dump in their order")
	f.StringVar(&o.features, "feature", "", "latents to describe, such as 3,17,40-52 (default the first of each head)")
	f.IntVar(&o.top, "top", 5, "rows to show of each latent described; --json and --html have them too")
	f.IntVar(&o.perHead, "per-head", 10, "latents to list of each head")
	f.StringVar(&o.condition, "condition", "", "say which latents go with a condition on rows, such as 'label==3'")
	f.StringVar(&o.html, "html", "", "write what was found to this file, as one HTML page")
	f.BoolVar(&o.json, "json", false, "print one JSON object and nothing else on stdout")
	return cmd
}

func runHeads(ctx context.Context, s streams, o headsOptions) error {
	if o.top < 0 || o.perHead < 1 {
		return usageError{fmt.Errorf("--top is %d and --per-head %d; give 0 or more, and 1 or more", o.top, o.perHead)}
	}
	l, err := o.open()
	if err != nil {
		return err
	}
	defer l.close()
	subject, done, err := o.subject(l)
	if err != nil {
		return err
	}
	defer done()
	how := attention.Options{PerHead: o.perHead, Top: o.top, Batch: l.model.B}
	if o.features != "" {
		if how.Latents, err = eval.ParseLatents(o.features, l.model.F); err != nil {
			return usageError{fmt.Errorf("--feature: %w", err)}
		}
	}
	r, err := attention.Analyse(ctx, subject, how)
	if err != nil {
		return err
	}
	r.SAE = l.dir
	return showSection(s, r.Section(), o.html, o.json, r)
}

// subject opens what the flags name. done closes it.
func (o headsOptions) subject(l *look) (s attention.Subject, done func() error, err error) {
	var open []func() error
	done = func() error {
		var errs []error
		for _, f := range open {
			errs = append(errs, f())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	s = attention.Subject{Model: l.model, F: l.model.F, Scale: l.model.Scale, Dump: l.d, Rows: l.rows}
	if s.Layout, err = o.layout(l.d); err != nil {
		return s, done, err
	}
	if o.attention != "" {
		if s.Patterns, err = attention.OpenPatterns(o.attention, s.Layout); err != nil {
			return s, done, err
		}
		s.Layout = s.Patterns.Layout
		open = append(open, s.Patterns.Close)
	}
	if o.weights != "" {
		if s.Weights, err = attention.ReadWeights(o.weights, s.Layout); err != nil {
			return s, done, err
		}
	}
	if o.condition != "" {
		rows, err := where(l.d, o.condition, l.rows)
		if err != nil {
			return s, done, err
		}
		s.Condition, s.ConditionText = &rows, o.condition
	}
	if o.residual == "" && o.residualDump == "" {
		return s, done, nil
	}
	var more func() error
	s.Residual, more, err = o.openResidual(s)
	if more != nil {
		open = append(open, more)
	}
	return s, done, err
}

// layout is how rows of d are made of heads.
func (o headsOptions) layout(d *activations.Dump) (attention.Layout, error) {
	heads, _, err := d.Metadata().Heads()
	if err != nil {
		return attention.Layout{}, err
	}
	switch {
	case heads == 0 && o.heads == 0:
		return attention.Layout{}, fmt.Errorf("%s: the metadata does not say how many heads a row has (%s); say it with --heads", d.Name(), activations.KeyHeads)
	case heads == 0:
		heads = o.heads
	case o.heads != 0 && o.heads != heads:
		return attention.Layout{}, usageError{fmt.Errorf("--heads is %d, %s of %s is %d", o.heads, activations.KeyHeads, d.Name(), heads)}
	}
	l, err := attention.NewLayout(d.D(), heads, o.kv)
	if err != nil {
		return l, usageError{fmt.Errorf("%s: %w", d.Name(), err)}
	}
	return l, nil
}

// openResidual opens the autoencoder of the residual stream and its dump.
func (o headsOptions) openResidual(s attention.Subject) (*attention.ResidualSubject, func() error, error) {
	switch {
	case o.residual == "" || o.residualDump == "":
		return nil, nil, usageError{fmt.Errorf("--residual and --residual-dump belong together: a run folder, and the dump of its hook point")}
	case s.Patterns == nil || s.Weights == nil || s.Weights.WV == nil:
		return nil, nil, usageError{fmt.Errorf("--residual needs --attention and --weights with W_V, through which latents of the residual stream are read")}
	}
	t, err := openRun(o.residual, o.threads)
	if err != nil {
		return nil, nil, err
	}
	d, err := openDump(o.residualDump)
	if err != nil {
		t.model.Close()
		return nil, nil, err
	}
	closeBoth := func() error {
		t.model.Close()
		return d.Close()
	}
	if err := t.check(d); err != nil {
		return nil, closeBoth, err
	}
	if d.D() != s.Weights.M {
		return nil, closeBoth, fmt.Errorf("%s has rows of %d values, %s reads %d", o.residualDump, d.D(), o.weights, s.Weights.M)
	}
	return &attention.ResidualSubject{Model: t.model, F: t.model.F, Scale: t.model.Scale, Dump: d}, closeBoth, nil
}
