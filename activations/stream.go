package activations

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls do for 0 to n-1 from several goroutines and gives the error
// of the lowest number, so that what is reported does not depend on chance.
// After an error no higher number is begun.
func parallel(n, workers int, do func(i int) error) error {
	var mu sync.Mutex
	var next, limit atomic.Int64
	var first error
	limit.Store(int64(n))
	work := func() {
		for {
			i := next.Add(1) - 1
			if i >= limit.Load() {
				return
			}
			if err := do(int(i)); err != nil {
				mu.Lock()
				if i < limit.Load() {
					first = err
					limit.Store(i)
				}
				mu.Unlock()
			}
		}
	}
	if workers == 1 || n == 1 {
		work()
		return first
	}
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(work)
	}
	wg.Wait()
	return first
}

// chunkRows is how many rows of a column a full pass takes at a time. It is
// part of what a fingerprint means.
const chunkRows = 4096

// chunks calls do for every chunk of every column of the format that the dump
// has, in file order but from several goroutines.
func (d *Dump) chunks(do func(id int, chunk, lo, hi int64) error) error {
	var ids []int
	for id, c := range d.cols {
		if c.kind != absent {
			ids = append(ids, id)
		}
	}
	n := int((d.rows + chunkRows - 1) / chunkRows)
	return parallel(n*len(ids), runtime.GOMAXPROCS(0), func(i int) error {
		chunk := int64(i / len(ids))
		return do(ids[i%len(ids)], chunk, chunk*chunkRows, min((chunk+1)*chunkRows, d.rows))
	})
}

// stream calls do with the bytes of rows [lo,hi) of a column of numbers, in
// order and in pieces of whole rows: n rows of batch b from row r. The rows of
// lists are checked to be of one length.
func (d *Dump) stream(id int, lo, hi int64, do func(b *batch, r, n int64, raw []byte) error) error {
	c := d.cols[id]
	if c.offset != 0 {
		l := lane{id: id, offsets: true, stride: c.offset, length: 2 * c.offset}
		err := d.streamLane(l, lo, hi, func(b *batch, r, n int64, raw []byte) error {
			for i := range n {
				if err := b.checkList(id, &c, b.cols[id].base, r+i, raw[i*c.offset:]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return d.streamLane(lane{id: id, stride: c.stride(), length: c.stride(), elem: c.elem}, lo, hi, do)
}

func (d *Dump) streamLane(l lane, lo, hi int64, do func(b *batch, r, n int64, raw []byte) error) error {
	scratch := d.buffer()
	defer d.scratch.Put(scratch)
	for i := d.batchOf(lo); lo < hi; i++ {
		b := d.batches[i]
		sp, base := l.place(b)
		for r := lo - b.first; r < b.rows && lo < hi; {
			n := min(max(1, maxRead/l.stride), b.rows-r, hi-lo)
			raw, err := d.bytes(b, l.id, sp, base+r*l.stride, base+(r+n-1)*l.stride+l.length, scratch)
			if err != nil {
				return err
			}
			if err := do(b, r, n, raw); err != nil {
				return err
			}
			r, lo = r+n, lo+n
		}
	}
	return nil
}

// buffer borrows memory to read into; give it back to d.scratch.
func (d *Dump) buffer() *[]byte {
	if b, ok := d.scratch.Get().(*[]byte); ok {
		return b
	}
	return new([]byte)
}
