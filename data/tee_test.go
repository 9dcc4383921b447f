package data

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/saectl/saectl/activations"
)

// counted hands out batches of two rows that carry their number, and fails
// after the last.
type counted struct{ next, last int64 }

var errLast = errors.New("the last batch was read")

func (c *counted) Next(b *activations.Batch) error {
	if c.next == c.last {
		return errLast
	}
	b.N, b.D, b.X, b.Row = 2, 1, append(b.X[:0], float32(c.next), -1), append(b.Row[:0], 2*c.next, 2*c.next+1)
	c.next++
	return nil
}

// TestTee reads at different speeds, from different positions and not to the
// end; each reader sees its batches in order, and scribbles on them.
func TestTee(t *testing.T) {
	const start, last = 10, 400
	tee := NewTee(&counted{next: start, last: last}, 2*start, 2)
	from := []int64{start, start, start + 7, start + 300, start}
	var readers []*TeeReader
	for range from {
		readers = append(readers, tee.Reader())
	}
	idle := tee.Reader()
	var wg sync.WaitGroup
	for i, r := range readers {
		from := from[i]
		wg.Go(func() {
			defer r.Close()
			if !r.SeekTo(2 * from) {
				t.Errorf("the Tee does not get to row %d", 2*from)
			}
			var b activations.Batch
			want := from
			for ; ; want++ {
				err := r.Next(&b)
				if i == 1 && want == start+50 {
					return // the others go on
				}
				if errors.Is(err, errLast) {
					break
				}
				if err != nil || b.X[0] != float32(want) || !slices.Equal(b.Row, []int64{2 * want, 2*want + 1}) || b.N != 2 || b.Doc != nil {
					t.Errorf("reader %d: batch %v, %v; want number %d", i, b, err, want)
					return
				}
				b.X[0], b.Row[0] = -7, -7
			}
			if want != last {
				t.Errorf("reader %d: ended at %d, want %d", i, want, last)
			}
		})
	}
	idle.Close()
	if err := idle.Next(new(activations.Batch)); !errors.Is(err, errClosed) {
		t.Errorf("Next after Close: %v", err)
	}
	wg.Wait()
	if n := len(tee.free); n > batchesAhead+2 {
		t.Errorf("%d batches were made for readers at most %d ahead", n, batchesAhead+1)
	}
}

// TestTeeRefusesWhereItIsNot wants positions that no batch begins at refused.
func TestTeeRefusesWhereItIsNot(t *testing.T) {
	tee := NewTee(&counted{next: 5, last: 9}, 10, 2)
	r := tee.Reader()
	for _, position := range []int64{0, 8, 11} {
		if r.SeekTo(position) {
			t.Errorf("a Tee that starts at row 10 claims to get to %d", position)
		}
	}
	var b activations.Batch
	if err := r.Next(&b); err != nil || b.X[0] != 5 {
		t.Errorf("the first batch is %v, %v", b.X, err)
	}
	if r.SeekTo(10) {
		t.Error("a batch that is past is promised")
	}
}
