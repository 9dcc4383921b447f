package report

import "github.com/saectl/saectl/internal/section"

// sectionHead is a section as the page's script reads it.
type sectionHead struct {
	Title  string      `json:"title"`
	Facts  []Fact      `json:"facts"`
	Notes  []string    `json:"notes"`
	Tables []tableHead `json:"tables"`
}

type tableHead struct {
	Title   string           `json:"title"`
	Help    string           `json:"help"`
	Columns []section.Column `json:"columns"`
	Rows    [][]any          `json:"rows"`
}

func sectionHeads(list []Section) []sectionHead {
	out := []sectionHead{}
	for _, s := range list {
		h := sectionHead{Title: s.Title, Facts: []Fact{}, Notes: some(s.Notes), Tables: []tableHead{}}
		for _, f := range s.Facts {
			h.Facts = append(h.Facts, Fact(f))
		}
		for _, t := range s.Tables {
			h.Tables = append(h.Tables, tableHead{t.Title, t.Help, some(t.Columns), cellsOf(t.Rows)})
		}
		out = append(out, h)
	}
	return out
}

// cellsOf makes numbers that JSON has no text for missing ones.
func cellsOf(rows [][]any) [][]any {
	out := make([][]any, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			if v, ok := cell.(float64); ok {
				cell = number(v)
			}
			out[i] = append(out[i], cell)
		}
	}
	return out
}
