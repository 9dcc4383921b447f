package eval

import (
	"fmt"
	"math"

	"github.com/saectl/saectl/eval/labels"
)

// A Report is what an evaluation found. Its JSON form is a contract: scripts
// read it, and it is a valid baseline for Compare.
type Report struct {
	SAE      SAEInfo           `json:"sae"`
	Dump     DumpInfo          `json:"dump"`
	Metrics  map[string]Value  `json:"metrics"`
	Series   map[string]Series `json:"series,omitempty"`
	Warnings []string          `json:"warnings"`

	// Labels has what Probe found, in more depth than the metrics.
	Labels *labels.Report `json:"labels,omitempty"`

	// ZF has the rows of the series zf and more of each; for exports, as Latents.
	ZF []ZFRow `json:"-"`

	// Latents has a row a latent, for exports; it is not part of the JSON.
	Latents *LatentTable `json:"-"`

	definitions map[string]Definition
}

// SAEInfo says what was evaluated.
type SAEInfo struct {
	Path    string `json:"path"` // run folder, or file of a foreign SAE
	Variant string `json:"variant"`
	Latents int    `json:"latents"` // F
	D       int    `json:"d"`
	Steps   int    `json:"steps,omitempty"` // of training, where known
}

// DumpInfo says on which rows.
type DumpInfo struct {
	Path        string `json:"path"`
	Fingerprint string `json:"fingerprint"`
	Rows        int64  `json:"rows"`       // that were evaluated
	RowsTotal   int64  `json:"rows_total"` // of the dump
	Split       string `json:"split"`      // test or all
	Where       string `json:"where,omitempty"`
	Model       string `json:"model,omitempty"`
	Hook        string `json:"hook,omitempty"`
}

// A Value is one figure with all that is needed to read it.
type Value struct {
	Value      float64 `json:"value"`
	Unit       string  `json:"unit"`
	Rows       int64   `json:"rows"` // rows it was computed on; 0 when it is of the weights alone
	Definition string  `json:"definition"`
}

// A Series is a figure for each of several bins or orders.
type Series struct {
	Definition string    `json:"definition"`
	X          []float64 `json:"x"` // bin edges (one more than Y) or places
	Y          []float64 `json:"y"`
}

// A LatentTable holds a figure of each latent in each of its columns, all
// [F]; Encoder columns are nil without an encoder.
type LatentTable struct {
	Frequency     []float64 // share of rows on which the latent is not zero
	Fired         []int64   // rows on which it is not zero
	DocsFired     []int64   // documents with such a row; nil when rows have no document
	MeanValue     []float64 // over all rows, zeros counted
	MaxValue      []float32 // largest absolute value
	DecoderNorm   []float64
	EncoderNorm   []float64
	EncoderBias   []float32
	EncoderCosine []float64 // of encoder and decoder row; nil when their widths differ
	NearestCosine []float64 // largest signed cosine to another decoder row
	NearestLatent []int32   // that row
	EncoderNear   []float64 // largest signed cosine to another encoder row

	// Where rows carry labels; -1 for latents that never fire on such a row.
	PurityBinary, PurityWeighted []float64 // share of the main class
	Modality                     []float64 // of labels 0 and 1

	// Where embeddings of the rows by another model are given; -1 for latents that
	// do not vary.
	Monosemanticity []float64
}

// NewReport starts an empty report.
func NewReport() *Report {
	r := &Report{
		Metrics: map[string]Value{}, Series: map[string]Series{}, Warnings: []string{},
		Latents: &LatentTable{}, definitions: map[string]Definition{},
	}
	for _, d := range Definitions() {
		r.definitions[d.Name] = d
	}
	return r
}

// Set stores the metric name, computed on rows rows. A value that is no
// finite number is left out. The name must be among Definitions.
func (r *Report) Set(name string, value float64, rows int64) {
	d, ok := r.definitions[name]
	if !ok {
		r.Warn("the metric %s has no definition", name)
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	r.Metrics[name] = Value{Value: value, Unit: d.Unit, Rows: rows, Definition: d.Formula}
}

// Warn adds a doubt about the figures that a reader should know of.
func (r *Report) Warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// mean is sum/n, NaN without rows, which Set leaves out.
func mean(sum float64, n int64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}
