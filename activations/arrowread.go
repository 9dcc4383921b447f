package activations

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// An arrowReader is Arrow's own reader of a shard, for the columns that the
// format does not name. Arrow believes what a file says, so all that it would
// allocate is checked first, and kept to that.
type arrowReader struct {
	*ipc.FileReader
	mem   *budget
	dicts int64 // what the dictionaries take, which Arrow may join anew
}

func (s *shard) arrowReader() (*arrowReader, error) {
	r := &arrowReader{mem: &budget{}}
	for i, blk := range s.dicts {
		m, err := s.readMessage(blk, headerDictionary)
		if err == nil {
			err = r.allow(s, m, blk)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: dictionary batch %d: %w", s.name, i, err)
		}
	}
	r.dicts = r.mem.left
	err := guard(func() (err error) {
		r.FileReader, err = ipc.NewFileReader(io.NewSectionReader(s.r, 0, s.size), ipc.WithAllocator(r.mem))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return r, nil
}

// record decodes a whole record batch. The budget left is what copying it may
// take.
func (r *arrowReader) record(b *batch) (arrow.Record, error) {
	blk := b.shard.batches[b.index]
	r.mem.left = r.dicts
	m, err := b.shard.readMessage(blk, headerBatch)
	if err == nil {
		err = r.allow(b.shard, m, blk)
	}
	if err != nil {
		return nil, b.errorf("%w", err)
	}
	var rec arrow.Record
	err = guard(func() (err error) {
		rec, err = r.RecordAt(b.index)
		return err
	})
	if err != nil {
		return nil, b.errorf("%w", err)
	}
	r.mem.left = r.dicts
	_ = r.allow(b.shard, m, blk) // checked above
	return rec, nil
}

// allow checks a message and adds what decoding it takes to the budget: the
// message itself, and each buffer with its padding, which Arrow may allocate
// twice.
func (r *arrowReader) allow(s *shard, m message, blk block) error {
	held, err := s.believable(m, blk)
	r.mem.left += blk.meta + blk.body + 2*held + 256*int64(len(m.buffers)+2)
	return err
}

// believable checks that the lengths in a message are such as its body can
// hold, and gives what that is unpacked, in bytes. A part without buffers of
// its own, a column of nulls, may have as many values as there are rows.
func (s *shard) believable(m message, blk block) (held int64, err error) {
	for i, buf := range m.buffers {
		sp := span{off: blk.off + blk.meta + buf.off, stored: buf.length, size: buf.length, codec: codecNone}
		if err := s.unpack(&sp, m.codec); err != nil {
			return 0, fmt.Errorf("buffer %d: %w", i, err)
		}
		held += sp.size
	}
	if held > maxDecoded {
		return 0, fmt.Errorf("it unpacks to %d bytes, the limit is %d; write smaller record batches", held, maxDecoded)
	}
	for _, v := range m.variadic {
		if v < 0 || v > int64(len(m.buffers)) {
			return 0, fmt.Errorf("%d buffers of a column among %d: %w", v, len(m.buffers), errDamaged)
		}
	}
	for i, n := range m.nodes {
		if n.length < 0 || n.nulls < 0 || n.nulls > n.length || n.length > max(m.rows, 8*held) {
			return 0, fmt.Errorf("part %d is said to have %d values, %d of them null, in %d bytes: %w", i, n.length, n.nulls, held, errDamaged)
		}
	}
	return held, nil
}
