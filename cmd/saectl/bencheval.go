package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/sae"
)

// timeEval times the passes of eval over rows, with all metrics that rows
// without optional columns have. What is made once for a dictionary is not in it.
func (r *benchResult) timeEval(ctx context.Context, m *sae.Model, o benchOptions, rows *randomRows) error {
	var times []float64
	src := &repeated{left: o.rep + o.steps}
	for range evalBatches {
		batch := *rows.draw()
		batch.X, batch.Gradient = slices.Clone(batch.X), slices.Clone(batch.Gradient)
		src.batches = append(src.batches, batch)
	}
	last := time.Now()
	_, err := eval.Run(ctx, eval.Of(m, false), src, eval.Options{Threads: o.threads, RowsOnly: true, Progress: func(int64) {
		now := time.Now()
		times = append(times, milliseconds(now.Sub(last)))
		last = now
	}})
	if err != nil {
		return err
	}
	r.Eval = summarise(times[min(o.rep, len(times)-1):])
	return nil
}

// evalBatches is how many batches are evaluated in turns: the times of passes
// are those between calls, in which none can be made.
const evalBatches = 4

// repeated is a source that yields the same batches again and again.
type repeated struct {
	batches    []activations.Batch
	next, left int
}

func (s *repeated) Next(b *activations.Batch) error {
	if s.left == 0 {
		return io.EOF
	}
	from := &s.batches[s.next%len(s.batches)]
	b.N, b.D, b.X, b.Gradient = from.N, from.D, from.X, from.Gradient // which evaluation only reads
	b.Row = slices.Grow(b.Row[:0], b.N)[:b.N]
	for i := range b.Row {
		b.Row[i] = int64(s.next*b.N + i)
	}
	s.next++
	s.left--
	return nil
}
