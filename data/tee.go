package data

import (
	"slices"
	"sync"

	"github.com/saectl/saectl/activations"
)

// A Tee hands the batches of one Source to several readers, each of which sees
// all of them in order: many autoencoders train on one pass over the rows. The
// fastest reader is at most a few batches ahead of the slowest.
type Tee struct {
	src   activations.Source
	start int64 // position of the first batch, in rows
	batch int

	mu      sync.Mutex
	moved   sync.Cond
	held    []*activations.Batch // read, and not yet taken by all readers
	first   int64                // number of held[0]
	free    []*activations.Batch
	reading bool
	err     error // of src, after the batches held
	readers []*TeeReader
}

// NewTee reads src, whose next row has the position start and whose batches are
// all of the given size. src belongs to the Tee until all readers are closed.
func NewTee(src activations.Source, start int64, batch int) *Tee {
	t := &Tee{src: src, start: start, batch: batch}
	t.moved.L = &t.mu
	return t
}

// Reader adds a reader. All are added before the first reads; a reader that is
// not read must be closed, or the others wait for it.
func (t *Tee) Reader() *TeeReader {
	r := &TeeReader{tee: t}
	t.readers = append(t.readers, r)
	return r
}

// A TeeReader is the Source of one of the readers.
type TeeReader struct {
	tee    *Tee
	at     int64 // number of the next batch
	closed bool
}

// SeekTo skips to a position, in rows from the start of training, which lies
// whole batches behind that of the Tee. It reports whether the Tee gets there.
func (r *TeeReader) SeekTo(position int64) bool {
	t := r.tee
	t.mu.Lock()
	defer t.mu.Unlock()
	behind := position - t.start
	if behind < 0 || behind%int64(t.batch) != 0 || behind/int64(t.batch) < t.first {
		return false
	}
	r.at = behind / int64(t.batch)
	t.drop()
	return true
}

// Next copies the reader's next batch into b. The error of the source comes
// after the batches before it.
func (r *TeeReader) Next(b *activations.Batch) error {
	t := r.tee
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch ready := t.first + int64(len(t.held)); {
		case r.closed:
			return errClosed
		case r.at < ready:
			copyBatch(b, t.held[r.at-t.first])
			r.at++
			t.drop()
			return nil
		case t.err != nil:
			return t.err
		case !t.reading && len(t.held) <= batchesAhead:
			t.read()
		default:
			t.moved.Wait()
		}
	}
}

// Close lets the others go on without this reader. It may be called twice.
func (r *TeeReader) Close() error {
	t := r.tee
	t.mu.Lock()
	defer t.mu.Unlock()
	r.closed = true
	t.drop()
	return nil
}

// read fetches one more batch, without the lock meanwhile.
func (t *Tee) read() {
	b := new(activations.Batch)
	if n := len(t.free); n > 0 {
		b, t.free = t.free[n-1], t.free[:n-1]
	}
	t.reading = true
	t.mu.Unlock()
	err := t.src.Next(b)
	t.mu.Lock()
	t.reading = false
	if err != nil {
		t.err = err
	} else {
		t.held = append(t.held, b)
	}
	t.drop()
}

// drop frees the batches that all readers have taken, and wakes those that
// wait.
func (t *Tee) drop() {
	slowest := t.first + int64(len(t.held))
	for _, r := range t.readers {
		if !r.closed {
			slowest = min(slowest, r.at)
		}
	}
	if n := int(slowest - t.first); n > 0 {
		t.free = append(t.free, t.held[:n]...)
		t.held = slices.Delete(t.held, 0, n)
		t.first = slowest
	}
	t.moved.Broadcast()
}

// copyBatch copies the rows of from into the slices of to.
func copyBatch(to, from *activations.Batch) {
	to.N, to.D, to.DOut = from.N, from.D, from.DOut
	to.X = copyInto(to.X, from.X)
	to.Gradient = copyInto(to.Gradient, from.Gradient)
	to.Target = copyInto(to.Target, from.Target)
	to.Row = copyInto(to.Row, from.Row)
	to.Doc = copyInto(to.Doc, from.Doc)
	to.Pos = copyInto(to.Pos, from.Pos)
	to.TokenID = copyInto(to.TokenID, from.TokenID)
	to.Label = copyInto(to.Label, from.Label)
}

// copyInto copies a column; one that is not there is nil.
func copyInto[T any](to, from []T) []T {
	if from == nil {
		return nil
	}
	return append(to[:0], from...)
}
