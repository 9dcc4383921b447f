package eval

import (
	"bytes"
	"fmt"
	"strings"
)

// Markdown is the page docs/metrics.md: every metric with its formula, unit,
// source and whose number it equals, and its gate in a baseline.
func Markdown() []byte {
	var b bytes.Buffer
	b.WriteString(`# Metrics

This page is made from the code: ` + "`go test ./eval -run Docs -update`" + ` writes it.

x is a row in the dump's own units, x̂ its reconstruction in the same units, e = x - x̂, f the values of its latents
(in the units the encoder works in), N rows, D values a row, F latents. Sums are in float64, in the order of the rows.
A figure that the rows do not define is absent from a report. *Equals* names the library whose figure it is, on the same
rows, and is empty where none has it; where a library averages over batches, the text says which batches. A unit that is
empty is a plain number. *Gate* is what ` + "`eval --baseline`" + ` allows unless
the baseline file says otherwise: how far a figure may move in the bad direction.
`)
	family := ""
	for _, d := range Definitions() {
		if d.Family != family {
			family = d.Family
			fmt.Fprintf(&b, "\n## %s%s\n\n| name | formula | unit | source | equals | gate |\n| --- | --- | --- | --- | --- | --- |\n",
				strings.ToUpper(family[:1]), family[1:])
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", d.Name, cell(d.Formula), cell(d.Unit), cell(d.Source), cell(d.Equals), DefaultGate(d.Name))
	}
	return b.Bytes()
}

// cell is text that neither ends a cell of a table nor begins a tag.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text) }

// String is the gate in a few words, "" for Ignore.
func (g Gate) String() string {
	sign, ok := map[string]string{Lower: "+", Higher: "-", Equal: "±"}[g.Direction]
	if !ok {
		return ""
	}
	var parts []string
	if g.Relative > 0 {
		parts = append(parts, fmt.Sprintf("%s%g %%", sign, 100*g.Relative))
	}
	if g.Absolute > 0 {
		parts = append(parts, fmt.Sprintf("%s%g", sign, g.Absolute))
	}
	return strings.Join(parts, " and ")
}
