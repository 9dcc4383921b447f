// Package report writes what an evaluation or an inspection found as one HTML
// file: plots, a list of latents that can be sorted and searched, and a page
// for each latent. The file holds its own style and script, asks for nothing
// over the network, and says so in a content security policy.
//
// What is drawn first, the figures and the plots, stands in the page as JSON.
// What may be large, the table of latents and their contexts, follows in
// gzipped blocks that the page opens when they are looked at, so that a report
// of 100,000 latents opens as fast as a small one.
package report

import "github.com/saectl/saectl/internal/section"

// A Page is the content of one HTML file.
type Page struct {
	Title    string
	Runs     []Run     // autoencoders; several are compared. A page has runs or sections
	Features []Feature // of Runs[0], a feature a row of its table; nil for figures alone
	Search   string    // text that ranked the latents, or ""
	Order    string    // what the order of the latents is, in a sentence, or ""
	Warnings []string  // beside those of the runs
	Sweep    []Swept   // that Runs[0] is shown among, or nil
	Sections []Section // of other analyses
}

// A Section is an analysis with tables of its own.
type Section = section.Section

// A Run is one autoencoder and what was measured of it.
type Run struct {
	Name     string // short, to tell runs apart
	Variant  string
	F        int    // latents in the dictionary
	Facts    []Fact // what was evaluated on what
	Metrics  []Metric
	Series   map[string]Series
	Table    Table
	ZF       *ZF // rows of the ZF plot, or nil
	Warnings []string
}

// A ZF holds rows of the ZF plot: for each the norm of the row z and of its
// code f̃, decoder norms folded in and the bias counted as a latent, both in
// the units the encoder works in.
type ZF struct {
	Z, F []float64

	// Where they are known, else nil:
	Recon []float64 // ‖ẑ‖
	Error []float64 // ‖z - ẑ‖²
	Row   []int64   // of the dump
	Text  []string  // up to that row
}

// A Swept is an autoencoder of a sweep.
type Swept struct {
	Name, Variant string
	L0, FVU       float64
	Here          bool // it is Runs[0], which then is not drawn itself
}

// A Fact is a line about a run: a name and what it is.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Metric is one figure of a run.
type Metric struct {
	Name       string  // as in the JSON report
	Family     string  // heading it stands under
	Value      float64 // NaN or infinite values are shown as missing
	Unit       string  // "" for a plain number
	Rows       int64   // it was computed on; 0 when it is of the weights alone
	Definition string
}

// A Series is a figure for each of several bins (one more X than Y: edges) or
// places (as many).
type Series struct {
	Definition string
	X, Y       []float64
}

// A Table has a row a latent.
type Table struct {
	Latents []int // [N] the latent of each row; nil for 0 to N-1
	Columns []Column
}

// Rows is the number of rows.
func (t Table) Rows() int {
	if t.Latents != nil || len(t.Columns) == 0 {
		return len(t.Latents)
	}
	return len(t.Columns[0].Values)
}

// A Column is a figure of each latent.
type Column struct {
	Key    string // in the address of a sorted or filtered list
	Title  string
	Help   string    // what it is, in a sentence
	Kind   Kind      // how it is written
	Plot   bool      // whether the overview shows its histogram
	Values []float64 // [N]; NaN where there is none
}

// A Kind says how the values of a column are written.
type Kind string

// The kinds of columns.
const (
	Number Kind = "number" // on a linear scale
	Size   Kind = "size"   // not negative, on a logarithmic scale
	Share  Kind = "share"  // between 0 and 1, as a percentage, on a logarithmic scale
	Count  Kind = "count"
	Latent Kind = "latent" // number of another latent
)

// A Feature is what a latent was seen to do. Activations are in the units the
// encoder works in.
type Feature struct {
	Latent    int
	Sampled   int        // activations that quantiles and histogram are of
	Quantiles []Quantile // of the activations that are not zero
	Histogram Histogram  // of the same
	Top       []Example  // largest activations, largest first
	Bins      []Bin      // from the highest to the lowest
	Nearest   []Link     // by decoder cosine
	Partners  []Link     // by share of the rows on which they fire along
}

// A Histogram is the share of values in each of several bins of equal width
// between Low and High.
type Histogram struct {
	Low, High float64
	Shares    []float64
}

// A Quantile is a value below which a share Q of the activations lies.
type Quantile struct{ Q, Value float64 }

// A Bin is an example of the activations between two quantiles.
type Bin struct {
	Low, High float64
	Example   Example
}

// An Example is a row in its context. Tokens and Values are those of the rows
// around it, Tokens[At] its own; both are nil for a dump without text.
type Example struct {
	Row    int64  // of the dump
	Doc    *int64 // nil where rows have none
	Pos    *int32
	Label  string
	Value  float32
	Tokens []string
	Values []float32
	At     int

	Picture []byte // of the row, a small PNG; nil for none
}

// A Link is another latent and how close it is: a cosine or a share.
type Link struct {
	Latent int
	Value  float64
	Also   float64 // a second measure, 0 where there is none
}
