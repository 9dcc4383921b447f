package report

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
)

// featuresPerBlock is how many features are unpacked together: enough for
// gzip to find what repeats, few enough that one page opens at once.
const featuresPerBlock = 64

// writeBlock writes v as gzipped JSON in an element that the page's script
// finds by its id. The base64 alphabet has no character that could end it.
func writeBlock(w io.Writer, id string, v any) error {
	if _, err := fmt.Fprintf(w, "<script type=\"application/x-gzip\" id=%q>", id); err != nil {
		return err
	}
	text := base64.NewEncoder(base64.StdEncoding, w)
	packed := gzip.NewWriter(text)
	enc := json.NewEncoder(packed)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	if err := packed.Close(); err != nil {
		return err
	}
	if err := text.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "</script>\n")
	return err
}

// tableBlock is the table of a run.
type tableBlock struct {
	Latents []int       `json:"latents,omitempty"`
	Rows    int         `json:"rows"`
	Columns []numbers   `json:"columns"`
	Text    *textColumn `json:"text,omitempty"`
}

// textColumn holds what the list shows of each latent: the tokens it fires on
// most, and the surroundings of the first.
type textColumn struct {
	Tokens [][]string `json:"tokens"`
	Before []string   `json:"before"`
	After  []string   `json:"after"`
}

func newTableBlock(t Table, features []Feature) tableBlock {
	b := tableBlock{Latents: t.Latents, Rows: t.Rows(), Columns: []numbers{}}
	for _, c := range t.Columns {
		b.Columns = append(b.Columns, c.Values)
	}
	if features == nil {
		return b
	}
	b.Text = &textColumn{}
	for i := range features {
		b.Text.add(&features[i])
	}
	return b
}

// Bounds on what the list shows of a latent: tokens, and characters of context
// on each side.
const (
	listTokens  = 5
	listContext = 40
)

func (c *textColumn) add(f *Feature) {
	tokens, before, after := []string{}, "", ""
	for i := range f.Top {
		e := &f.Top[i]
		if e.At >= len(e.Tokens) {
			continue
		}
		if len(tokens) == 0 {
			before, after = e.around(listContext)
		}
		if len(tokens) < listTokens && !contains(tokens, e.Tokens[e.At]) {
			tokens = append(tokens, e.Tokens[e.At])
		}
	}
	c.Tokens, c.Before, c.After = append(c.Tokens, tokens), append(c.Before, before), append(c.After, after)
}

func contains(list []string, s string) bool {
	for _, t := range list {
		if t == s {
			return true
		}
	}
	return false
}

// around is the text on both sides of the example's own token: whole tokens,
// of about n bytes on each side.
func (e *Example) around(n int) (before, after string) {
	for i := e.At - 1; i >= 0 && len(before) < n; i-- {
		before = e.Tokens[i] + before
	}
	for i := e.At + 1; i < len(e.Tokens) && len(after) < n; i++ {
		after += e.Tokens[i]
	}
	return before, after
}
