package torchfile

import "github.com/saectl/saectl/internal/reuse"

// runBytes bounds what is read from the file at a time.
const runBytes = 1 << 20

// each calls add with runs of stored entries of [lo,hi) of the first dimension:
// the bytes, where the first belongs in row-major order counted from lo, and the
// step between neighbours there. It reads along the dimension whose entries are
// neighbours in the file, so that transposed matrices cost no seek an entry.
func (t *Tensor) each(lo, hi int, add func(b []byte, at, step int) error) error {
	if err := t.storage.verify(); err != nil {
		return t.wrap(err)
	}
	w := walk{t: t, add: add, from: t.offset}
	w.shape, w.stride = merge(t.shape, t.stride, int64(lo), int64(hi))
	if len(t.stride) > 0 {
		w.from += int64(lo) * t.stride[0]
	}
	w.along = len(w.shape) - 1
	w.place = make([]int64, len(w.shape))
	entries := int64(1)
	for i := len(w.shape) - 1; i >= 0; i-- {
		w.place[i] = entries
		entries *= w.shape[i]
		if w.stride[i] == 1 && w.shape[i] > 1 {
			w.along = i
		}
	}
	if entries == 0 {
		return nil
	}
	return w.dimension(0, w.from, 0)
}

// merge gives the shape of the part [lo,hi) of the first dimension. Neighbouring
// dimensions that lie in the file as one become one.
func merge(shape, stride []int64, lo, hi int64) (s, step []int64) {
	for i, n := range shape {
		if i == 0 {
			n = hi - lo
		}
		if last := len(s) - 1; last >= 0 && step[last] == n*stride[i] {
			s[last], step[last] = s[last]*n, stride[i]
			continue
		}
		s, step = append(s, n), append(step, stride[i])
	}
	if len(s) == 0 {
		return []int64{1}, []int64{1}
	}
	return s, step
}

// A walk goes through a tensor, along one dimension in runs.
type walk struct {
	t             *Tensor
	shape, stride []int64
	place         []int64 // row-major steps of the part that is read
	from          int64
	along         int
	add           func(b []byte, at, step int) error
	buffer        []byte
}

// dimension goes through the dimensions from i on but the one along which runs
// are read, which comes last.
func (w *walk) dimension(i int, from, at int64) error {
	if i == w.along {
		i++
	}
	if i >= len(w.shape) {
		return w.run(from, at)
	}
	for range w.shape[i] {
		if err := w.dimension(i+1, from, at); err != nil {
			return err
		}
		from += w.stride[i]
		at += w.place[i]
	}
	return nil
}

// run reads the entries along the chosen dimension. Where they are no neighbours
// what lies between them is read too, in pieces.
func (w *walk) run(from, at int64) error {
	width, step := int64(w.t.width), w.stride[w.along]
	span := max(1, runBytes/(width*max(step, 1)))
	if step == 0 {
		span = runBytes / width
	}
	for n := w.shape[w.along]; n > 0; {
		part := min(n, span)
		bytes := ((part-1)*step + 1) * width
		w.buffer = reuse.Slice(w.buffer, int(max(bytes, part*width)))
		b := w.buffer[:bytes]
		if _, err := w.t.storage.r.ReadAt(b, from*width); err != nil {
			return w.t.wrap(err)
		}
		if step != 1 {
			b = gather(w.buffer, part, step, width)
		}
		if err := w.add(b, int(at), int(w.place[w.along])); err != nil {
			return w.t.wrap(err)
		}
		from, at, n = from+part*step, at+part*w.place[w.along], n-part
	}
	return nil
}

// gather moves n entries that lie step apart together; those of step 0 are one.
func gather(b []byte, n, step, width int64) []byte {
	if step == 0 {
		for i := int64(1); i < n; i++ {
			copy(b[i*width:(i+1)*width], b[:width])
		}
		return b[:n*width]
	}
	for i := int64(1); i < n; i++ {
		copy(b[i*width:(i+1)*width], b[i*step*width:])
	}
	return b[:n*width]
}
