package section

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteText writes the section with its tables set in columns. Text from dumps
// is made safe for a terminal.
func (s *Section) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, Printable(s.Title))
	width := 0
	for _, f := range s.Facts {
		width = max(width, utf8.RuneCountInString(f.Name))
	}
	for _, f := range s.Facts {
		fmt.Fprintf(b, "  %s  %s\n", pad(f.Name, width, true), Printable(f.Value))
	}
	for i := range s.Tables {
		s.Tables[i].writeText(b)
	}
	for i, note := range s.Notes {
		if i == 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "%s\n", Printable(note))
	}
	return b.Flush()
}

func (t *Table) writeText(b *bufio.Writer) {
	fmt.Fprintf(b, "\n%s\n", Printable(t.Title))
	if len(t.Rows) == 0 {
		fmt.Fprintln(b, "  (none)")
		return
	}
	cells, width := make([][]string, len(t.Rows)), make([]int, len(t.Columns))
	for k, c := range t.Columns {
		width[k] = utf8.RuneCountInString(c.Name)
		for i, row := range t.Rows {
			cells[i] = append(cells[i], c.Kind.written(row[k]))
			width[k] = max(width[k], utf8.RuneCountInString(cells[i][k]))
		}
	}
	line := func(of func(k int) string) {
		var text strings.Builder
		for k, c := range t.Columns {
			text.WriteString("  " + pad(of(k), width[k], c.Kind == Text || c.Kind == Latents))
		}
		fmt.Fprintln(b, strings.TrimRight(text.String(), " "))
	}
	line(func(k int) string { return t.Columns[k].Name })
	for _, row := range cells {
		line(func(k int) string { return row[k] })
	}
}

// written is a cell in text.
func (k Kind) written(cell any) string {
	switch v := cell.(type) {
	case nil:
		return "-"
	case string:
		return Printable(v)
	case float64:
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return "-"
		case k == Share:
			return fmt.Sprintf("%.3g %%", 100*v)
		}
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprint(cell)
}

func pad(text string, width int, left bool) string {
	room := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
	if left {
		return text + room
	}
	return room + text
}

// Printable is text on one line: line breaks and tabs as arrows, other control
// and format characters, which could steer a terminal, as codes.
func Printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n':
			b.WriteRune('↵')
		case r == '\t':
			b.WriteRune('→')
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			fmt.Fprintf(&b, "<%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
