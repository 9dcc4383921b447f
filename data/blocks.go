package data

import (
	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/reuse"
)

// The kind blocks of a Shuffle is for dumps that memory does not hold, on
// disks where a row read alone costs many times its bytes. Blocks of rows that
// stand together are put in an order of their own each epoch; so many of them
// as make a window are read, and the rows of the window are handed out in an
// order of their own. Both orders are stateless, like that of permutation.
const (
	blockBytes   = 256 << 10 // of X in float32: long enough for the full speed of a disk
	minBlockRows = 16
	windowBlocks = 256 // a batch of 1024 has rows from nearly all of them
)

// blocks hands out rows by window.
type blocks struct {
	d     rowReader
	rows  activations.Rows
	cols  activations.Columns
	seed  uint64
	block int64 // rows of a block
	span  int64 // rows of a window; the last of an epoch may be shorter

	loaded        bool
	epoch, window int64
	order         permutation // of the rows in held
	held          activations.Batch
	list          []int64
}

// newBlocks sizes blocks and windows by D alone, so that an order does not
// depend on the columns read or on the machine.
func newBlocks(d rowReader, rows activations.Rows, cols activations.Columns, seed uint64) *blocks {
	block := int64(max(minBlockRows, blockBytes/4/d.D()))
	return &blocks{d: d, rows: rows, cols: cols, seed: seed, block: block, span: block * windowBlocks}
}

// fill sets b to the n rows from a position on.
func (k *blocks) fill(b *activations.Batch, position int64, n int) error {
	total := k.rows.Len()
	for i := range n {
		epoch, place := (position+int64(i))/total, (position+int64(i))%total
		if err := k.hold(epoch, place/k.span); err != nil {
			return err
		}
		if i == 0 {
			shape(b, n, &k.held)
		}
		copyRow(b, i, &k.held, int(k.order.at(place%k.span)))
	}
	return nil
}

// hold reads a window unless it is the one that is held.
func (k *blocks) hold(epoch, window int64) error {
	if k.loaded && k.epoch == epoch && k.window == window {
		return nil
	}
	k.loaded = false
	n := k.rows.Len()
	size := min(k.span, n-window*k.span)
	k.list = reuse.Slice(k.list, int(size))
	whole := n / k.block
	order := newPermutation(max(whole, 1), k.seed, 2*uint64(epoch))
	// The blocks of each epoch begin elsewhere, so that rows do not meet the
	// same neighbours again; the rows left over are a block that comes last.
	shift := int64(Uniform(k.seed, streamShift, uint64(epoch)) * float64(n))
	for i := range k.list {
		place := window*k.span + int64(i)
		q := place / k.block
		if q < whole {
			q = order.at(q)
		}
		k.list[i] = k.rows.At((q*k.block + place%k.block + shift) % n)
	}
	if err := k.d.Read(&k.held, k.list, k.cols); err != nil {
		return err
	}
	k.order = newPermutation(size, Bits(k.seed, streamWindow, uint64(window)), 2*uint64(epoch)+1)
	k.loaded, k.epoch, k.window = true, epoch, window
	return nil
}

// shape gives b room for n rows with the columns of like.
func shape(b *activations.Batch, n int, like *activations.Batch) {
	b.N, b.D, b.DOut = n, like.D, like.DOut
	b.X = sized(b.X, n*b.D, like.X)
	b.Gradient = sized(b.Gradient, n*b.D, like.Gradient)
	b.Target = sized(b.Target, n*b.DOut, like.Target)
	b.Row = sized(b.Row, n, like.Row)
	b.Doc = sized(b.Doc, n, like.Doc)
	b.Pos = sized(b.Pos, n, like.Pos)
	b.TokenID = sized(b.TokenID, n, like.TokenID)
	b.Label = sized(b.Label, n, like.Label)
}

func sized[T any](x []T, n int, like []T) []T {
	if like == nil {
		return nil
	}
	return reuse.Slice(x, n)
}

// copyRow sets row i of b to row j of src.
func copyRow(b *activations.Batch, i int, src *activations.Batch, j int) {
	copyValues(b.X, i, src.X, j, b.D)
	copyValues(b.Gradient, i, src.Gradient, j, b.D)
	copyValues(b.Target, i, src.Target, j, b.DOut)
	copyValues(b.Row, i, src.Row, j, 1)
	copyValues(b.Doc, i, src.Doc, j, 1)
	copyValues(b.Pos, i, src.Pos, j, 1)
	copyValues(b.TokenID, i, src.TokenID, j, 1)
	copyValues(b.Label, i, src.Label, j, 1)
}

func copyValues[T any](dst []T, i int, src []T, j, width int) {
	if dst != nil {
		copy(dst[i*width:(i+1)*width], src[j*width:(j+1)*width])
	}
}
