package data

import (
	"fmt"
	"io"

	"github.com/saectl/saectl/activations"
)

// rowReader is a numbered list of rows: an *activations.Dump or a *Generator.
type rowReader interface {
	Name() string
	Rows() int64
	D() int
	// Read fills b with the given rows in that order, reusing its slices.
	Read(b *activations.Batch, rows []int64, cols activations.Columns) error
}

// The kinds of Shuffle, which are the values of the setting data.shuffle.
const (
	ShufflePermutation = "permutation"
	ShuffleBlocks      = "blocks"
	ShuffleNone        = "none"
)

// A Shuffle is an endless Source over the rows of a training set, epoch after
// epoch, each epoch in an order of its own. Every batch is full: where an
// epoch ends inside a batch the next one goes on, so each row is handed out
// once an epoch. The order is a function of the seed and of the position, so
// SeekTo is all there is to resuming. It is not safe for concurrent use.
type Shuffle struct {
	d        rowReader
	rows     activations.Rows
	cols     activations.Columns
	seed     uint64
	inOrder  bool
	position int64
	epoch    int64
	order    permutation // of epoch
	blocks   *blocks     // nil unless rows are read by blocks
	list     []int64     // [B] rows of the batch
}

// NewShuffle hands out batches of the given size of the rows of d, with the
// columns cols where d has them. With kind permutation an epoch's order is a
// new permutation of all rows, with none it is the order of the dump. With
// blocks it is a permutation of blocks of 256 KiB and then of the rows in each
// 256 blocks, which takes 64 MiB of memory, once more for gradients, and reads
// long stretches of the disk.
func NewShuffle(d rowReader, rows activations.Rows, cols activations.Columns, batch int, seed uint64, kind string) (*Shuffle, error) {
	switch {
	case kind != ShufflePermutation && kind != ShuffleBlocks && kind != ShuffleNone:
		return nil, fmt.Errorf("data.shuffle is %q, want %s, %s or %s", kind, ShufflePermutation, ShuffleBlocks, ShuffleNone)
	case batch < 1:
		return nil, fmt.Errorf("a batch has %d rows; give 1 or more", batch)
	case rows.Len() == 0:
		return nil, fmt.Errorf("%s: there are no rows to train on; hold out fewer or filter less", d.Name())
	}
	s := &Shuffle{d: d, rows: rows, cols: cols, seed: seed, inOrder: kind == ShuffleNone, list: make([]int64, batch)}
	s.order = newPermutation(rows.Len(), seed, 0)
	if kind == ShuffleBlocks {
		s.blocks = newBlocks(d, rows, cols, seed)
	}
	return s, nil
}

// Position is how many rows have been handed out since the start, over all
// epochs.
func (s *Shuffle) Position() int64 { return s.position }

// SeekTo goes to a position, 0 or more, as if that many rows had been handed out.
func (s *Shuffle) SeekTo(position int64) { s.position = position }

// Next fills b with the next batch. After an error the position is unchanged.
func (s *Shuffle) Next(b *activations.Batch) error {
	if err := s.read(b); err != nil {
		return err
	}
	s.position += int64(len(s.list))
	return nil
}

func (s *Shuffle) read(b *activations.Batch) error {
	if s.blocks != nil {
		return s.blocks.fill(b, s.position, len(s.list))
	}
	for i := range s.list {
		s.list[i] = s.at(s.position + int64(i))
	}
	return s.d.Read(b, s.list, s.cols)
}

// at is the row handed out at a position.
func (s *Shuffle) at(position int64) int64 {
	n := s.rows.Len()
	epoch, place := position/n, position%n
	if s.inOrder {
		return s.rows.At(place)
	}
	if epoch != s.epoch {
		s.epoch, s.order = epoch, newPermutation(n, s.seed, uint64(epoch))
	}
	return s.rows.At(s.order.at(place))
}

// A Sequential is a Source that goes over rows once, in order; its last batch
// may be short. It is not safe for concurrent use.
type Sequential struct {
	d    rowReader
	rows activations.Rows
	cols activations.Columns
	at   int64
	list []int64 // [B]
}

// NewSequential hands out the rows of d in batches of the given size, 1 or
// more, with the columns cols where d has them.
func NewSequential(d rowReader, rows activations.Rows, cols activations.Columns, batch int) *Sequential {
	return &Sequential{d: d, rows: rows, cols: cols, list: make([]int64, max(batch, 1))}
}

// Next fills b with the next batch, and returns io.EOF after the last.
func (s *Sequential) Next(b *activations.Batch) error {
	n := s.rows.Fill(s.list, s.at)
	if n == 0 {
		return io.EOF
	}
	if err := s.d.Read(b, s.list[:n], s.cols); err != nil {
		return err
	}
	s.at += int64(n)
	return nil
}

// passBytes is about how much of X one batch of a pass over the data holds:
// enough to read at the speed of the disk.
const passBytes = 4 << 20

// passBatch is the rows of such a batch.
func passBatch(d int) int { return max(1, passBytes/4/max(d, 1)) }
