package eval

import (
	"context"
	"fmt"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
)

// A Reader is a dump that rows and their texts are read from by number;
// *activations.Dump is one.
type Reader interface {
	Name() string
	Rows() int64
	D() int
	Has(activations.Columns) bool
	HasToken() bool
	Read(b *activations.Batch, rows []int64, cols activations.Columns) error
	ReadColumns(b *activations.Batch, rows []int64, cols activations.Columns) error
	Tokens(rows []int64) ([]string, error)
	Metadata() activations.Metadata
}

// InspectOptions say which latents to describe and how far. The zero value
// describes every latent that fires, briefly.
type InspectOptions struct {
	Latents []int  // by number; nil for all that fire
	By      string // rank by clarity, frequency, activation or attribution; "" keeps the order
	Search  string // rank by how well a latent picks out rows that complete this text
	Similar *int   // rank by decoder cosine to this latent
	Count   int    // most latents to describe; 0 for all chosen

	Top     int // rows of largest activation a latent
	Bins    int // quantile bins with an example each
	Before  int // tokens of context before the row, and after it
	After   int
	Nearest int // neighbours by decoder cosine, and latents that fire along

	PerDocument bool // at most one row of a document in Top
	Intervals   int  // intervals of equal width between 0 and the largest activation
	PerInterval int  // rows drawn from each
	Correlated  int  // latents by Pearson correlation

	// Emit, where given, gets the features a few at a time, with contexts that
	// hold until it returns; those of the Inspection, which is else complete, have
	// none then. It bounds memory when many latents have long contexts.
	Emit func(x *Inspection, features []Feature) error

	Threads  int
	Progress func(rows, of int64) // called after each batch, or nil
}

// DefaultInspect are the depths that a terminal has room for.
func DefaultInspect() InspectOptions {
	return InspectOptions{Top: 10, Bins: 4, Before: 24, After: 12, Nearest: 5}
}

// An Inspection describes latents. It is the JSON of inspect-features.
type Inspection struct {
	SAE      SAEInfo   `json:"sae"`
	Dump     DumpInfo  `json:"dump"`
	By       string    `json:"by,omitempty"`
	Docs     int64     `json:"documents,omitempty"`        // on the rows inspected
	Longest  int64     `json:"longest_document,omitempty"` // rows of the longest
	Search   *Search   `json:"search,omitempty"`
	Features []Feature `json:"features"`
	Warnings []string  `json:"warnings"`
}

// A Search says what was looked for and on how many rows it was found.
type Search struct {
	Text string `json:"text"`
	Rows int64  `json:"rows"`
}

// Inspect describes latents of s on rows of the dump r. It goes over the rows
// once when all latents given are described, and twice when some are chosen.
// Memory is bounded by the latents described, not by the rows. batch is at
// most s.B.
func Inspect(ctx context.Context, s Subject, r Reader, rows activations.Rows, batch int, o InspectOptions) (*Inspection, error) {
	pool := kernel.NewPool(o.Threads)
	defer pool.Close()
	in := &inspector{ctx: ctx, s: s, r: r, rows: rows, batch: batch, o: o, pool: pool, texts: map[string]string{}}
	for _, c := range []activations.Columns{activations.Gradient, activations.Doc, activations.Pos, activations.Label} {
		if r.Has(c) {
			in.cols |= c
		}
	}
	if s.Transcoder {
		in.cols |= activations.Target
	}
	return in.run()
}

// inspector is the state of one Inspect.
type inspector struct {
	ctx   context.Context
	s     Subject
	r     Reader
	rows  activations.Rows
	batch int
	cols  activations.Columns
	o     InspectOptions
	pool  *kernel.Pool
	texts map[string]string // of tokens, each held once
	out   Inspection
}

func (in *inspector) run() (*Inspection, error) {
	v, c, err := in.gather()
	if err != nil {
		return nil, err
	}
	if in.o.Search != "" {
		in.out.Search = &Search{Text: in.o.Search, Rows: v.hits}
		if v.hits == 0 {
			in.warn("the text %q is in none of the %d rows", in.o.Search, v.use.rows)
		}
	}
	return in.describe(v, c)
}

// gather goes over the rows until the latents to describe are known, in their
// order, and what they do.
func (in *inspector) gather() (*survey, *collector, error) {
	if !in.o.chooses() {
		c := newCollector(in.s.F, in.o.Latents, in.o)
		v, err := in.survey(c, true)
		if err != nil {
			return nil, nil, err
		}
		order, err := in.o.choose(v, in.s)
		if err != nil {
			return nil, nil, err
		}
		return v, c.ordered(order), nil
	}
	v, err := in.survey(nil, true)
	if err != nil {
		return nil, nil, err
	}
	chosen, err := in.o.choose(v, in.s)
	if err != nil {
		return nil, nil, err
	}
	c := newCollector(in.s.F, chosen, in.o)
	_, err = in.survey(c, false)
	return v, c, err
}

// survey goes over the rows; c, where given, collects from its latents. The
// first pass also finds out what latents are ranked by.
func (in *inspector) survey(c *collector, first bool) (*survey, error) {
	var find *finder
	if first && in.o.Search != "" {
		if !in.r.HasToken() {
			return nil, fmt.Errorf("%s: the dump has no token column to search in", in.r.Name())
		}
		find = newFinder(in.o.Search)
	}
	var clear *clarity
	if first {
		var err error
		if clear, err = newClarity(in.r, in.s.F); err != nil {
			return nil, err
		}
	}
	v := newSurvey(in.s, in.r, find, clear)
	src := data.Prefetch(data.NewSequential(in.r, in.rows, in.cols, in.batch))
	defer src.Close()
	var failed error
	rows, err := pass(in.ctx, in.s, src, in.pool, func(s *Sample) {
		if failed == nil {
			failed = v.add(s)
		}
		if c != nil {
			c.add(s)
		}
		if in.o.Progress != nil {
			in.o.Progress(s.First+int64(s.N), in.rows.Len())
		}
	})
	if err == nil {
		err = failed
	}
	if err == nil && rows == 0 {
		err = fmt.Errorf("%s: there are no rows to inspect", in.r.Name())
	}
	return v, err
}

func (in *inspector) warn(format string, args ...any) {
	in.out.Warnings = append(in.out.Warnings, fmt.Sprintf(format, args...))
}
