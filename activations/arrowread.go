package activations

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// arrowReader opens Arrow's own reader on a shard, for the columns that the
// format does not name. Arrow believes what a file says, so all that it would
// allocate is checked first.
func (s *shard) arrowReader() (*ipc.FileReader, error) {
	for i, blk := range s.dicts {
		m, err := s.readMessage(blk, headerDictionary)
		if err == nil {
			err = s.believable(m, blk)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: dictionary batch %d: %w", s.name, i, err)
		}
	}
	var r *ipc.FileReader
	err := guard(func() (err error) {
		r, err = ipc.NewFileReader(io.NewSectionReader(s.r, 0, s.size))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return r, nil
}

// arrowRecord decodes a whole record batch; the caller releases it.
func (b *batch) arrowRecord(r *ipc.FileReader) (arrow.Record, error) {
	blk := b.shard.batches[b.index]
	m, err := b.shard.readMessage(blk, headerBatch)
	if err == nil {
		err = b.shard.believable(m, blk)
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
	return rec, nil
}

// believable checks that the lengths in a message are such as its body can
// hold. A part without buffers of its own, a column of nulls, may have any.
func (s *shard) believable(m message, blk block) error {
	held := int64(0)
	for i, buf := range m.buffers {
		sp := span{off: blk.off + blk.meta + buf.off, stored: buf.length, size: buf.length, codec: codecNone}
		if err := s.unpack(&sp, m.codec); err != nil {
			return fmt.Errorf("buffer %d: %w", i, err)
		}
		held += sp.size
	}
	if held > maxDecoded {
		return fmt.Errorf("it unpacks to %d bytes, the limit is %d; write smaller record batches", held, maxDecoded)
	}
	for _, v := range m.variadic {
		if v < 0 || v > int64(len(m.buffers)) {
			return fmt.Errorf("%d buffers of a column among %d: %w", v, len(m.buffers), errDamaged)
		}
	}
	for i, n := range m.nodes {
		if n.length < 0 || n.nulls < 0 || n.nulls > n.length || n.length > max(m.rows, 8*held) {
			return fmt.Errorf("part %d is said to have %d values, %d of them null, in %d bytes: %w", i, n.length, n.nulls, held, errDamaged)
		}
	}
	return nil
}
