package attention

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/sae"
)

// A Model is the autoencoder; *sae.Model is one.
type Model interface {
	Encode(*activations.Batch) (sae.Encoded, error)
	Weight(name string) []float32 // [F,D] or [F]; nil when it has none of that name
}

// A Subject is all that Analyse looks at. Weights and Patterns may be nil:
// what needs them is then left out.
type Subject struct {
	Model
	F        int
	Scale    data.Scale // that the model applies to rows
	Layout   Layout
	Dump     *activations.Dump
	Rows     activations.Rows
	Weights  *Weights
	Patterns *Patterns

	Condition     *activations.Rows // rows on which a condition holds, of Rows, or nil
	ConditionText string

	Residual *ResidualSubject // for a step of recursion, or nil; needs Patterns and W_V
}

// A ResidualSubject is an autoencoder of the residual stream that the layer
// reads, with a dump whose row i is of the same token as row i of the dump of
// the layer.
type ResidualSubject struct {
	Model
	F     int
	Scale data.Scale // that the model applies to rows
	Dump  *activations.Dump
}

// Options of Analyse.
type Options struct {
	Latents []int // to describe; nil for the first latent of each head
	PerHead int   // latents listed of each head
	Top     int   // rows of largest activation of each latent described
	Batch   int   // rows encoded at a time
}

// analysis is the state of one Analyse.
type analysis struct {
	s        Subject
	o        Options
	shares   []float64 // [F,H]
	encoder  []float32 // [F,D], nil without one
	constant []float64 // [F] of pre-activations; nil until known

	fired   []int64   // [F]
	sum     []float64 // [F] Σ f
	held    int64     // rows on which the condition holds
	truly   []int64   // [F] rows on which it holds and the latent fires
	trueSum []float64 // [F] Σ f over rows on which it holds
	top     []strongest

	doc      document
	patterns *patternSums
}

// Analyse makes one pass over the rows and describes heads and latents. Memory
// grows with latents times heads and with the longest document, not with the
// rows.
func Analyse(ctx context.Context, s Subject, o Options) (*Report, error) {
	a := &analysis{s: s, o: o, encoder: s.Weight("encoder.weight")}
	decoder := s.Weight("decoder.weight")
	if len(decoder) != s.F*s.Layout.D() {
		return nil, fmt.Errorf("attention: the decoder does not write rows of %d values; a transcoder has no heads to share", s.Layout.D())
	}
	if s.Patterns != nil {
		if !s.Dump.Has(activations.DocPos) {
			return nil, fmt.Errorf("%s: patterns belong to documents and positions, and the dump has no columns doc and pos", s.Dump.Name())
		}
		if len(a.encoder) != len(decoder) {
			return nil, fmt.Errorf("attention: the autoencoder has no encoder whose latents are linear in the row, so attributions are not defined; leave the patterns out")
		}
		a.s.Layout = s.Patterns.Layout
		a.patterns = newPatternSums(s.F, s.Layout.Heads)
	}
	a.shares = s.Layout.Shares(decoder, s.F)
	a.fired, a.sum, a.top = make([]int64, s.F), make([]float64, s.F), make([]strongest, s.F)
	a.truly, a.trueSum = make([]int64, s.F), make([]float64, s.F)
	if err := a.pass(ctx); err != nil {
		return nil, err
	}
	return a.report(ctx)
}

// columns are those that the analysis reads where the dump has them.
func (s *Subject) columns() activations.Columns {
	return s.Dump.Columns() & (activations.DocPos | activations.TokenID)
}

func (a *analysis) pass(ctx context.Context) error {
	src := data.Prefetch(data.NewSequential(a.s.Dump, a.s.Rows, a.s.columns(), a.o.Batch))
	defer src.Close()
	done := int64(0)
	for b := new(activations.Batch); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := src.Next(b)
		if errors.Is(err, io.EOF) {
			if done == 0 {
				return fmt.Errorf("%s: there are no rows to analyse", a.s.Dump.Name())
			}
			return a.closeDocument()
		}
		if err != nil {
			return err
		}
		codes, err := a.s.Encode(b)
		if err != nil {
			return err
		}
		for i := range b.N {
			if err := a.add(b, i, codes); err != nil {
				return err
			}
		}
		done += int64(b.N)
	}
}

// add takes in row i of a batch.
func (a *analysis) add(b *activations.Batch, i int, codes sae.Encoded) error {
	index, value := codes.Row(i)
	holds := a.s.Condition != nil && a.s.Condition.Contains(b.Row[i])
	if holds {
		a.held++
	}
	covered := a.s.Patterns != nil && a.s.Patterns.covers(b.Doc[i], b.Pos[i])
	for e, f := range index {
		if value[e] == 0 {
			continue
		}
		a.fired[f]++
		a.sum[f] += float64(value[e])
		if holds {
			a.truly[f]++
			a.trueSum[f] += float64(value[e])
		}
		if covered || a.s.Patterns == nil {
			a.top[f].add(a.o.Top, b.Row[i], value[e])
		}
	}
	if !covered {
		return nil
	}
	if b.TokenID != nil {
		if err := a.s.Patterns.checkToken(b.Doc[i], b.Pos[i], b.TokenID[i]); err != nil {
			return err
		}
	}
	if a.doc.open && a.doc.number != b.Doc[i] {
		if err := a.closeDocument(); err != nil {
			return err
		}
	}
	a.doc.add(b, i, index, value)
	return nil
}

// document collects the rows of one document until its patterns are read.
type document struct {
	open   bool
	number int64
	rows   []docRow
	z      []float32 // [rows,D]
}

// docRow is a row of a document with its latents.
type docRow struct {
	row   int64
	pos   int
	index []int32
	value []float32
}

func (d *document) add(b *activations.Batch, i int, index []int32, value []float32) {
	d.open, d.number = true, b.Doc[i]
	d.rows = append(d.rows, docRow{row: b.Row[i], pos: int(b.Pos[i]), index: append([]int32{}, index...), value: append([]float32{}, value...)})
	d.z = append(d.z, b.X[i*b.D:(i+1)*b.D]...)
}

// A mark is an activation of a latent.
type mark struct {
	row   int64
	value float32
}

// strongest are the largest activations of a latent, largest first, the earlier
// of equals first.
type strongest []mark

func (s *strongest) add(most int, row int64, value float32) {
	list := *s
	if most == 0 || len(list) == most && value <= list[most-1].value {
		return
	}
	at := len(list)
	for at > 0 && list[at-1].value < value {
		at--
	}
	if len(list) < most {
		list = append(list, mark{})
	}
	copy(list[at+1:], list[at:])
	list[at] = mark{row, value}
	*s = list
}
