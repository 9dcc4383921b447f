package main

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/report"
)

// Text shown of a row of the ZF plot: that of so many rows up to it, cut to so
// many characters, as in the paper's own table.
const (
	zfTokens     = 24
	zfCharacters = 80
)

// zfShown is the most rows that a page shows of a run.
const zfShown = 1000

// pointsOfZF is how many of n rows the report is to hold.
func (o evalOptions) pointsOfZF(n int64) int {
	switch {
	case o.zf == "":
		return zfShown
	case o.zfRows == 0:
		return int(max(n, zfShown))
	}
	return max(o.zfRows, zfShown)
}

// writeZF writes the rows of the ZF plots of several runs as one table.
func (o evalOptions) writeZF(reports []*eval.Report) error {
	var layers [][]eval.ZFRow
	for _, r := range reports {
		rows := r.ZF
		if o.zfRows > 0 {
			rows = rows[:min(o.zfRows, len(rows))]
		}
		layers = append(layers, rows)
	}
	return atomicfile.Write(o.zf, func(w io.Writer) error { return eval.WriteZF(w, layers) })
}

// zfTexts fills in the text of the rows of the ZF plot where d has it.
func zfTexts(r *eval.Report, d *activations.Dump) error {
	if !d.HasToken() {
		return nil
	}
	for i := range r.ZF {
		var err error
		if r.ZF[i].Text, err = textUpTo(d, r.ZF[i].Row); err != nil {
			return err
		}
	}
	return nil
}

// zfOf are the rows of the ZF plot of r, or nil.
func zfOf(r *eval.Report) *report.ZF {
	if len(r.ZF) == 0 {
		return nil
	}
	zf := &report.ZF{}
	for _, row := range r.ZF[:min(zfShown, len(r.ZF))] {
		zf.Z, zf.F = append(zf.Z, row.Z), append(zf.F, row.F)
		zf.Recon, zf.Error = append(zf.Recon, row.Recon), append(zf.Error, row.Error)
		zf.Row, zf.Text = append(zf.Row, row.Row), append(zf.Text, row.Text)
	}
	return zf
}

// textUpTo is the end of the text of a row's document up to that row.
func textUpTo(d *activations.Dump, row int64) (string, error) {
	var rows []int64
	for r := max(0, row-zfTokens+1); r <= row; r++ {
		rows = append(rows, r)
	}
	tokens, err := d.Tokens(rows)
	if err != nil {
		return "", err
	}
	from := 0
	if d.Has(activations.Doc) {
		var b activations.Batch
		if err := d.ReadColumns(&b, rows, activations.Doc); err != nil {
			return "", err
		}
		for i, doc := range b.Doc {
			if doc != b.Doc[len(b.Doc)-1] {
				from = i + 1
			}
		}
	}
	return lastCharacters(strings.Join(tokens[from:], ""), zfCharacters), nil
}

// lastCharacters are the last n characters of s.
func lastCharacters(s string, n int) string {
	at := len(s)
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	return s[at:]
}
