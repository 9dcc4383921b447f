package eval

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/saectl/saectl/internal/section"
)

// WriteText describes the features for people. Tokens on which a latent fires
// are coloured by how strongly when color is true; the row itself stands in
// «quotes» either way. Control characters of the text are not passed on.
func (x *Inspection) WriteText(w io.Writer, color bool) error {
	p := &featurePrinter{Writer: bufio.NewWriter(w), color: color}
	fmt.Fprintf(p, "%s  %s, F %d, D %d\n", x.SAE.Path, x.SAE.Variant, x.SAE.Latents, x.SAE.D)
	fmt.Fprintf(p, "%s  %s rows%s\n", x.Dump.Path, grouped(x.Dump.Rows), x.Dump.selection())
	if x.Search != nil {
		fmt.Fprintf(p, "%q is complete on %s rows\n", x.Search.Text, grouped(x.Search.Rows))
	}
	if x.By == ByClarity {
		fmt.Fprintln(p, "most readable first: latents whose activity lies on one token, different tokens before more of the same")
	}
	for i := range x.Features {
		p.feature(&x.Features[i])
	}
	if len(x.Features) == 0 {
		fmt.Fprintln(p, "\nno latent to show")
	}
	for i, warning := range x.Warnings {
		if i == 0 {
			fmt.Fprintln(p)
		}
		fmt.Fprintf(p, "warning: %s\n", warning)
	}
	return p.Flush()
}

type featurePrinter struct {
	*bufio.Writer
	color bool
}

func (p *featurePrinter) feature(f *Feature) {
	fmt.Fprintf(p, "\n%s", p.bold(fmt.Sprintf("latent %d", f.Latent)))
	if f.Clarity != nil {
		fmt.Fprintf(p, "  %s %s of its activity;", p.bold("«"+Printable(f.Token)+"»"), rounded(*f.Clarity))
	}
	if f.Fired == 0 {
		fmt.Fprintln(p, "  never fires on these rows")
	} else {
		fmt.Fprintf(p, "  fires on %s rows (%s)", grouped(f.Fired), percent(f.Frequency))
		if f.Documents > 0 {
			fmt.Fprintf(p, " in %s documents", grouped(f.Documents))
		}
		fmt.Fprintf(p, ", mean %s, largest %s", short(f.Mean), short(f.Max))
		if f.Attribution != nil {
			fmt.Fprintf(p, ", attribution %s", short(*f.Attribution))
		}
		fmt.Fprintln(p)
	}
	if m := f.Match; m != nil {
		fmt.Fprintf(p, "  search     fires on %s of the rows found, %s of its activity is there\n", percent(m.Recall), percent(m.Precision))
	}
	p.distribution(f)
	for i := range f.Top {
		p.example(&f.Top[i], f.Max)
	}
	for i := range f.Bins {
		if i == 0 {
			fmt.Fprintln(p, "  one of each part, from the strongest")
		}
		p.example(&f.Bins[i].Example, f.Max)
	}
	p.relatives(f)
}

func (p *featurePrinter) distribution(f *Feature) {
	if len(f.Quantiles) == 0 {
		return
	}
	fmt.Fprint(p, "  quantiles ")
	for _, q := range f.Quantiles {
		fmt.Fprintf(p, " %g%% %s ", 100*q.Q, short(q.Value))
	}
	fmt.Fprintln(p)
	h := f.Histogram
	fmt.Fprintf(p, "  histogram  %s %s %s\n", short(h.X[0]), bars(h.Y), short(h.X[len(h.X)-1]))
}

// bars draws values as blocks of eight heights.
func bars(values []float64) string {
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	var b strings.Builder
	for _, v := range values {
		level := int(math.Ceil(8 * v / top))
		b.WriteRune([]rune(" ▁▂▃▄▅▆▇█")[level])
	}
	return b.String()
}

func (p *featurePrinter) example(e *Example, top float64) {
	place := fmt.Sprintf("row %d", e.Row)
	if e.Doc != nil && e.Pos != nil {
		place = fmt.Sprintf("doc %d:%d", *e.Doc, *e.Pos)
	}
	if e.Label != "" {
		place += " " + Printable(e.Label)
	}
	fmt.Fprintf(p, "  %9s  %-14s ", short(float64(e.Value)), place)
	if len(e.Tokens) > 0 {
		p.context(e, top)
	}
	fmt.Fprintln(p)
}

// Characters of context in a line of text before the row's token, which is
// padded so that the tokens of several examples stand below each other, and
// after it.
const (
	columnsBefore = 44
	columnsAfter  = 28
)

func (p *featurePrinter) context(e *Example, top float64) {
	texts := make([]string, len(e.Tokens))
	for i, token := range e.Tokens {
		texts[i] = Printable(token)
	}
	first, room := e.At, columnsBefore
	for first > 0 && utf8.RuneCountInString(texts[first-1]) <= room {
		first--
		room -= utf8.RuneCountInString(texts[first])
	}
	fmt.Fprint(p, strings.Repeat(" ", room))
	room = columnsAfter
	for i := first; i < len(texts) && room >= 0; i++ {
		if i > e.At {
			if room -= utf8.RuneCountInString(texts[i]); room < 0 {
				break
			}
		}
		if i == e.At {
			texts[i] = "«" + texts[i] + "»"
		}
		fmt.Fprint(p, p.shade(texts[i], abs(float64(e.Values[i]))/top))
	}
}

func (p *featurePrinter) relatives(f *Feature) {
	for i, n := range f.Nearest {
		if i == 0 {
			fmt.Fprint(p, "  nearest   ")
		}
		fmt.Fprintf(p, " %d (%.2f)", n.Latent, n.Cosine)
	}
	if len(f.Nearest) > 0 {
		fmt.Fprintln(p)
	}
	for i, n := range f.Partners {
		if i == 0 {
			fmt.Fprint(p, "  fires with")
		}
		fmt.Fprintf(p, " %d (%s)", n.Latent, percent(n.Share))
	}
	if len(f.Partners) > 0 {
		fmt.Fprintln(p)
	}
}

// shade colours text by strength, from 0 for none to 1.
func (p *featurePrinter) shade(text string, strength float64) string {
	if !p.color || !(strength > 0) {
		return text
	}
	// A row of the terminal's 256 colours from a dark to a bright green.
	shades := []int{22, 28, 34, 40, 46}
	shade := shades[min(len(shades)-1, int(strength*float64(len(shades))))]
	ink := 255
	if shade >= 34 {
		ink = 16
	}
	return fmt.Sprintf("\x1b[48;5;%d;38;5;%dm%s\x1b[0m", shade, ink, text)
}

func (p *featurePrinter) bold(text string) string {
	if !p.color {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

// Printable is text on one line: line breaks and tabs as arrows, other control
// and format characters, which could steer a terminal, as codes.
func Printable(text string) string { return section.Printable(text) }

// rounded is a share as a whole percentage.
func rounded(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// short writes v with three digits.
func short(v float64) string { return fmt.Sprintf("%.3g", v) }

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }
