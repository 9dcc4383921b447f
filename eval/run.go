package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// A Model is what is evaluated; *sae.Model is one. Recon and Extra are of the
// last batch that was encoded and hold until the next.
type Model interface {
	Encode(*activations.Batch) (sae.Encoded, error)
	Recon() []float32             // [N,Width] in the dump's own units
	Extra(name string) []float32  // a named node of the variant, or nil
	Weight(name string) []float32 // a parameter, or nil
}

// A Subject is a model with its sizes.
type Subject struct {
	Model
	sae.Dims
	Transcoder bool       // Recon predicts the dump's target column
	Scale      data.Scale // that the model applies to rows
}

// Of is the subject of a loaded model. transcoder says that it predicts the
// dump's target column.
func Of(m *sae.Model, transcoder bool) Subject {
	return Subject{Model: m, Dims: m.Dims, Transcoder: transcoder, Scale: m.Scale}
}

// width is the width of a reconstruction.
func (s Subject) width() int {
	if s.DOut > 0 {
		return s.DOut
	}
	return s.D
}

// Options of Run.
type Options struct {
	Threads  int              // workers; 0 for one a processor; no figure depends on it
	Progress func(rows int64) // called after each batch with the rows done, or nil
	Metrics  []Metric         // beside the standard ones

	// PeerBatch is the number of rows of a batch in the metrics that other
	// toolkits average over batches (0: 2048). No other metric depends on it.
	PeerBatch int

	RowsOnly bool // leave out the metrics of the weights, whose time grows with F²

	ZFRows int // most rows of the ZF plot in Report.ZF, drawn at random (0: 1,000)
}

// Columns are the columns of d that the metrics use where it has them.
func Columns(d *activations.Dump) activations.Columns {
	return d.Columns() & (activations.Gradient | activations.Target | activations.DocPos | activations.Label)
}

// Run evaluates s on all rows of src, whose batches hold at most s.B rows, in
// one pass. The caller fills in where the rows came from (Report.Dump).
func Run(ctx context.Context, s Subject, src activations.Source, o Options) (*Report, error) {
	pool := kernel.NewPool(o.Threads)
	defer pool.Close()
	r := NewReport()
	metrics := append(standard(s, o), o.Metrics...)
	rows, err := pass(ctx, s, src, pool, func(sample *Sample) {
		addAll(metrics, sample)
		if o.Progress != nil {
			o.Progress(sample.First + int64(sample.N))
		}
	})
	if err != nil {
		return nil, err
	}
	if rows == 0 {
		return nil, fmt.Errorf("eval: there are no rows to evaluate")
	}
	r.SAE.Latents, r.SAE.D, r.Dump.Rows = s.F, s.D, rows
	for _, m := range metrics {
		m.Report(r)
	}
	if o.RowsOnly {
		return r, nil
	}
	if err := dictionary(ctx, s, pool, r); err != nil {
		return nil, err
	}
	return r, nil
}

// standard are the metrics of the rows that every report has.
func standard(s Subject, o Options) []Metric {
	list := []Metric{
		newReconstruction(s.width()),
		newSparsity(s.F),
		newUsage(s.F),
		newPeers(s.width(), o.PeerBatch),
		&coactivation{s: s},
		&lossChange{},
		&purity{f: s.F},
		newTopRows(s.F),
		&pursuit{},
	}
	points := o.ZFRows
	if points == 0 {
		points = zfPoints
	}
	if m := newDecoding(s, points); m != nil {
		list = append(list, m)
	}
	return list
}

// A serial metric uses no workers in Add, so that several can take in a sample
// at once.
type serial interface{ serial() }

// A settler leaves something of Add for one worker to do, beside others' serial
// work: whoever calls Add calls settle after it, as addAll does.
type settler interface{ settle(s *Sample) }

// addAll gives a sample to all metrics.
func addAll(metrics []Metric, s *Sample) {
	var serials []func(s *Sample)
	for _, m := range metrics {
		if _, ok := m.(serial); ok {
			serials = append(serials, m.Add)
			continue
		}
		m.Add(s)
		if m, ok := m.(settler); ok {
			serials = append(serials, m.settle)
		}
	}
	s.pool.Run(len(serials), kernel.TaskFunc(func(_, i int) { serials[i](s) }))
}

// pass encodes all rows of src and calls add for each batch.
func pass(ctx context.Context, s Subject, src activations.Source, pool *kernel.Pool, add func(*Sample)) (int64, error) {
	var b activations.Batch
	sample := &Sample{Batch: &b, Extra: s.Extra, Width: s.width(), pool: pool, scaler: scaler{scale: s.Scale}}
	for {
		if err := ctx.Err(); err != nil {
			return sample.First, err
		}
		err := src.Next(&b)
		if errors.Is(err, io.EOF) {
			return sample.First, nil
		}
		if err != nil {
			return sample.First, err
		}
		if err := sample.encode(s); err != nil {
			return sample.First, err
		}
		add(sample)
		sample.First += int64(b.N)
	}
}

// encode fills the sample from its batch.
func (s *Sample) encode(sub Subject) error {
	if s.D != sub.D {
		return fmt.Errorf("eval: the rows have %d values, the autoencoder was trained on %d; use the dump of its hook point", s.D, sub.D)
	}
	s.Want = s.X
	if sub.Transcoder {
		s.Want = s.Target
	}
	if len(s.Want) != s.N*s.Width {
		return fmt.Errorf("eval: the autoencoder predicts %d values a row, the dump has %d of them; a transcoder needs a dump with a target column", s.Width, len(s.Want)/max(s.N, 1))
	}
	var err error
	if s.Codes, err = sub.Encode(s.Batch); err != nil {
		return fmt.Errorf("eval: row %d and the %d after it: %w", s.rowNumber(0), s.N-1, err)
	}
	s.Recon = sub.Recon()[:s.N*s.Width]
	s.Scaled, s.decoded = s.inner(sub)
	s.sum()
	for i, sums := range s.Sums {
		if math.IsNaN(sums.Error) || math.IsInf(sums.Error, 0) {
			return fmt.Errorf("eval: row %d: its reconstruction is not finite; the weights are damaged or the row is too large for float32", s.rowNumber(i))
		}
	}
	return nil
}

// An insider is a Model that tells the rows of its last batch in its own units,
// and what they decode to, f·W_dec + b_dec, or nil where it reconstructs otherwise.
type insider interface {
	Inner() (rows, recon []float32)
}

// inner is what an insider tells, or the rows scaled again.
func (s *Sample) inner(sub Subject) (rows, recon []float32) {
	if m, ok := sub.Model.(insider); ok {
		return m.Inner()
	}
	return s.scaler.rows(s), nil
}

// rowNumber is the number of row i in the dump, as far as the source says.
func (s *Sample) rowNumber(i int) int64 {
	if i < len(s.Row) {
		return s.Row[i]
	}
	return s.First + int64(i)
}
