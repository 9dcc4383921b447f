package convert

import (
	"io"
	"slices"
)

// A view reads an array whose values do not lie in row-major order, such as
// one in Fortran's or a transposed tensor. It fetches a block of the first
// dimension at a time: where that dimension lies side by side, a run of it for
// each place in the others, else the range of the file that the block covers.
type view struct {
	*array
	size  int64 // bytes of a value
	inner int64 // values of an entry of the first dimension
	lo    int64 // first entry of the block
	n     int64 // entries in it
	block []byte
	run   []byte
}

// blockBytes is about how much of the array a block holds.
const blockBytes = 8 << 20

func newView(a *array) *view {
	v := &view{array: a, size: a.kind.Size(), inner: 1}
	for _, s := range a.shape[1:] {
		v.inner *= s
	}
	return v
}

// read fills raw with the values from index on, in row-major order.
func (v *view) read(raw []byte, from int64) error {
	for len(raw) > 0 {
		entry := from / v.inner
		if entry < v.lo || entry >= v.lo+v.n {
			if err := v.fetch(entry); err != nil {
				return err
			}
		}
		n := copy(raw, v.block[(from-v.lo*v.inner)*v.size:])
		raw = raw[n:]
		from += int64(n) / v.size
	}
	return nil
}

// fetch loads the block that begins with an entry of the first dimension.
func (v *view) fetch(entry int64) error {
	v.lo = entry
	v.n = min(max(blockBytes/(v.inner*v.size), 1), v.shape[0]-entry)
	v.block = slices.Grow(v.block[:0], int(v.n*v.inner*v.size))[:v.n*v.inner*v.size]
	index := make([]int64, len(v.shape)-1)
	for j := range v.inner {
		at := v.lo * v.strides[0]
		for k, i := range index {
			at += i * v.strides[k+1]
		}
		if err := v.gather(j, at); err != nil {
			return err
		}
		for k := len(index) - 1; k >= 0; k-- {
			if index[k]++; index[k] < v.shape[k+1] {
				break
			}
			index[k] = 0
		}
	}
	return nil
}

// gather puts the n values at at, at+stride, ... of the file into place j of
// the block's entries.
func (v *view) gather(j, at int64) error {
	span := ((v.n-1)*v.strides[0] + 1) * v.size
	if v.strides[0] > 64 { // far apart: one by one
		span = v.size
	}
	v.run = slices.Grow(v.run[:0], int(span))[:span]
	for i := range v.n {
		off := i * v.strides[0] * v.size
		if i == 0 || span == v.size {
			if n, err := v.at.ReadAt(v.run, at*v.size+off); n < len(v.run) {
				return short(err)
			}
		}
		if span == v.size {
			off = 0
		}
		copy(v.block[(i*v.inner+j)*v.size:], v.run[off:off+v.size])
	}
	return nil
}

func short(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
