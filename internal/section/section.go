// Package section holds what an analysis shows to people: facts, notes on how
// the figures are made, and tables. The same section is printed in a terminal
// and drawn in the HTML report.
package section

// A Section is one analysis.
type Section struct {
	Title  string   `json:"title"`
	Facts  []Fact   `json:"facts"`
	Notes  []string `json:"notes"` // formulas and their sources
	Tables []Table  `json:"tables"`
}

// A Fact is a name and what it is.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Table has cells of text or numbers.
type Table struct {
	Title   string   `json:"title"`
	Help    string   `json:"help,omitempty"`
	Columns []Column `json:"columns"`
	Rows    [][]any  `json:"rows"` // string, int or float64; NaN or nil for none
}

// A Column says how the cells below its name are written.
type Column struct {
	Name string `json:"name"`
	Help string `json:"help,omitempty"`
	Kind Kind   `json:"kind"`
}

// A Kind says how a cell is written.
type Kind string

// The kinds of columns.
const (
	Text    Kind = "text"
	Number  Kind = "number"
	Share   Kind = "share"   // between 0 and 1, as a percentage
	Latents Kind = "latents" // numbers of latents in text, "3 17 40"
)

// Add adds a row to the table; it has as many cells as there are columns.
func (t *Table) Add(cells ...any) { t.Rows = append(t.Rows, cells) }

// A Formula says how a figure is made and where it comes from.
type Formula struct {
	Name    string `json:"name"`
	Formula string `json:"formula"`
	Source  string `json:"source"`
}

// Formulas are those of rows of a name, a formula and a source.
func Formulas(rows [][3]string) []Formula {
	f := make([]Formula, len(rows))
	for i, r := range rows {
		f[i] = Formula{r[0], r[1], r[2]}
	}
	return f
}

// Note is the formula as one of the notes of a section.
func (f Formula) Note() string { return f.Name + ": " + f.Formula + " (" + f.Source + ")" }
