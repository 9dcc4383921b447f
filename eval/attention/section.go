package attention

import (
	"fmt"
	"strings"

	"github.com/saectl/saectl/internal/section"
)

// Section is the report for people.
func (r *Report) Section() *section.Section {
	s := &section.Section{Title: "Heads of " + r.SAE}
	fact := func(name, format string, args ...any) {
		s.Facts = append(s.Facts, section.Fact{Name: name, Value: fmt.Sprintf(format, args...)})
	}
	fact("dump", "%s, %d rows", r.Dump, r.Rows)
	fact("heads", "%d of %d values, %d key-value heads", r.Heads, r.HeadDim, r.KVHeads)
	fact("latents", "%d, of which %d fire on these rows", r.Latents, r.Live)
	if i := r.Identity; i != nil {
		fact("attributions", "of %d active latents on %d rows; with the constant they miss the latents' values by at most %.2g of a row's largest (row %d), %.2g on average, and by more than %g on %d rows",
			i.Entries, i.Rows, i.Worst, i.WorstRow, i.Mean, IdentityGoal, i.Beyond)
		fact("patterns", "give the rows back to %.2g of their norm", i.Output)
	}
	s.Tables = append(s.Tables, r.headTable())
	for i := range r.Features {
		s.Tables = append(s.Tables, r.Features[i].table())
	}
	if r.Condition != nil {
		s.Tables = append(s.Tables, r.Condition.table())
	}
	for _, w := range r.Warnings {
		s.Notes = append(s.Notes, "warning: "+w)
	}
	for _, f := range r.Definitions {
		if r.shows(f.Name) {
			s.Notes = append(s.Notes, f.Note())
		}
	}
	return s
}

// shows reports whether the section has figures of that name.
func (r *Report) shows(name string) bool {
	logits, causes, bias := false, false, false
	for _, f := range r.Features {
		logits, bias = logits || f.LogitsUp != nil, bias || f.ValueBias != nil
		for _, e := range f.Examples {
			causes = causes || e.Residual != nil
		}
	}
	needs := map[string]bool{"head_share_output": r.Output != nil, "dfa": r.Identity != nil, "value_bias": bias, "from_residual": causes, "logit_weights": logits, "specificity": r.Condition != nil}
	shown, optional := needs[name]
	return shown || !optional
}

func (r *Report) headTable() section.Table {
	t := section.Table{Title: "Heads", Help: "How far each head writes along the latents that fire, and from where it brings them.", Columns: []section.Column{
		{Name: "head", Kind: section.Number},
		{Name: "main of", Help: "Latents of which the head has the largest share", Kind: section.Number},
		{Name: "of latents", Help: "Their share of the latents that fire", Kind: section.Share},
		{Name: "over half", Help: "Latents of which the head has more than half", Kind: section.Number},
		{Name: "mean share", Help: "Mean share over the latents that fire", Kind: section.Share},
	}}
	if r.Output != nil {
		t.Columns = append(t.Columns, section.Column{Name: "through W_O", Help: "Mean share of what reaches the residual stream", Kind: section.Share})
	}
	if r.Identity != nil {
		t.Columns = append(t.Columns,
			section.Column{Name: "of DFA", Help: "Share of Σ|DFA| over active latents", Kind: section.Share},
			section.Column{Name: "from itself", Help: "Share of the head's Σ|DFA| that comes from the position itself", Kind: section.Share},
			section.Column{Name: "the one before", Help: "… from the position before it", Kind: section.Share},
			section.Column{Name: "position 0", Help: "… from the first position", Kind: section.Share})
	}
	t.Columns = append(t.Columns, section.Column{Name: "latents with the largest share", Kind: section.Latents})
	for _, h := range r.ByHead {
		cells := []any{h.Head, h.Main, h.MainShare, h.OneHead, h.MeanShare}
		if r.Output != nil {
			cells = append(cells, h.MeanOutput)
		}
		if r.Identity != nil {
			cells = append(cells, h.Attribution, h.FromSelf, h.FromPrevious, h.FromFirst)
		}
		t.Add(append(cells, strings.Trim(fmt.Sprint(h.Top), "[]"))...)
	}
	return t
}

func (f *Feature) table() section.Table {
	title := fmt.Sprintf("Latent %d: fires on %d rows, main head %d with a share of %.0f %%", f.Latent, f.Fired, f.MainHead, 100*f.Shares[f.MainHead])
	if f.ValueBias != nil {
		title += fmt.Sprintf("; the bias of the values brings %.3g of each sum", *f.ValueBias)
	}
	t := section.Table{Title: title, Columns: []section.Column{
		{Name: "row", Kind: section.Number}, {Name: "activation", Kind: section.Number},
		{Name: "head", Help: "Head with the largest attribution", Kind: section.Number}, {Name: "its DFA", Kind: section.Number},
		{Name: "source", Help: "Position with the largest attribution, summed over heads", Kind: section.Text}, {Name: "its DFA", Kind: section.Number},
		{Name: "around the source", Kind: section.Text}, {Name: "text up to the row", Kind: section.Text},
	}}
	if f.LogitsUp != nil {
		t.Help = "Raises the tokens " + tokens(f.LogitsUp) + "; lowers " + tokens(f.LogitsDown) + "."
	}
	causes := false
	for _, e := range f.Examples {
		causes = causes || e.Residual != nil
	}
	if causes {
		t.Columns = append(t.Columns, section.Column{Name: "latents of the residual stream at the source", Kind: section.Text})
	}
	for _, e := range f.Examples {
		cells := e.cells()
		if causes {
			cells = append(cells, causesText(e.Residual))
		}
		t.Add(cells...)
	}
	return t
}

func (e *Example) cells() []any {
	cells := []any{int(e.Row), float64(e.Value), nil, nil, "", nil, "", ending(strings.Join(e.Tokens, ""), 32)}
	if e.ByHead == nil {
		return cells
	}
	h := largest(e.ByHead)
	cells[2], cells[3] = h, e.ByHead[h]
	cells[4], cells[5] = fmt.Sprintf("%d (-%d)", *e.Source, int(*e.Pos)-*e.Source), e.BySource[*e.Source]
	if e.Window != nil {
		at := e.WindowAt
		cells[6] = strings.Join(e.Window[max(0, at-3):at], "") + "«" + e.Window[at] + "»" + strings.Join(e.Window[at+1:min(len(e.Window), at+3)], "")
	}
	return cells
}

// ending are the last n characters of a text.
func ending(text string, n int) string {
	r := []rune(text)
	return string(r[max(0, len(r)-n):])
}

// tokens lists the first few tokens by number.
func tokens(list []LogitWeight) string {
	var parts []string
	for _, w := range list[:min(8, len(list))] {
		parts = append(parts, fmt.Sprintf("%d (%.3g)", w.Token, w.Weight))
	}
	return strings.Join(parts, ", ")
}

func causesText(list []Cause) string {
	var parts []string
	for _, c := range list[:min(3, len(list))] {
		parts = append(parts, fmt.Sprintf("%d (%.3g)", c.Latent, c.Attribution))
	}
	return strings.Join(parts, ", ")
}

func (c *Condition) table() section.Table {
	t := section.Table{Title: fmt.Sprintf("Latents that go with %s, which holds on %d rows", c.Text, c.Rows), Columns: []section.Column{
		{Name: "latent", Kind: section.Number}, {Name: "specificity", Help: "Of the rows on which it fires, the share on which the condition holds", Kind: section.Share},
		{Name: "sensitivity", Help: "Of the rows on which the condition holds, the share on which it fires", Kind: section.Share},
		{Name: "F1", Kind: section.Number}, {Name: "of its activation", Help: "Share of Σ f on rows on which the condition holds", Kind: section.Share},
	}}
	for _, x := range c.Latents {
		t.Add(x.Latent, x.Specificity, x.Sensitivity, x.F1, x.MassShare)
	}
	return t
}
