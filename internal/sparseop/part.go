package sparseop

import (
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Part is the entries of a support whose latents lie in a range, as a
// support of its own with the same latents and room for all of them.
type Part struct {
	*Support
	whole *Support
	from  []int32 // [B] entry of the whole that a row of the part starts at
}

// Part adds the entries of s of latents [lo,hi).
func (g *Graph) Part(s *Support, lo, hi int) *Part {
	p := &Part{Support: &Support{B: s.B, F: s.F, Cap: s.Cap, Rows: s.B}, whole: s, from: make([]int32, s.B)}
	p.Node = g.apply(spec{
		name: "part", shape: tensor.Shape{s.Cap}, wrt: []bool{false},
		f32: &partRun[float32]{p, int32(lo), int32(hi)}, f64: &partRun[float64]{p, int32(lo), int32(hi)},
	}, s.Node)
	return p
}

type partRun[T float] struct {
	p      *Part
	lo, hi int32
}

func (r *partRun[T]) Run(dst gorgonia.Value, _ []gorgonia.Value) error {
	p, s := r.p, r.p.whole
	p.Rows = s.Rows
	c := &p.csr
	c.RowPtr, c.Index, c.Score = append(c.RowPtr[:0], 0), c.Index[:0], c.Score[:0]
	for b := range s.B {
		from, to := s.within(b, r.lo, r.hi)
		p.from[b] = int32(from)
		c.Index = append(c.Index, s.csr.Index[from:to]...)
		c.Score = append(c.Score, s.csr.Score[from:to]...)
		c.RowPtr = append(c.RowPtr, int32(len(c.Index)))
	}
	p.finish()
	out := data[T](dst)
	for i, v := range c.Score {
		out[i] = T(v)
	}
	clear(out[p.Count():])
	return nil
}

// within are the entries of row b of latents [lo,hi).
func (s *Support) within(b int, lo, hi int32) (from, to int) {
	first, end := s.Row(b)
	index := s.csr.Index[first:end]
	at, _ := slices.BinarySearch(index, lo)
	n, _ := slices.BinarySearch(index[at:], hi)
	return first + at, first + at + n
}

// Take adds the values v [Cap] of the whole support on the part, [Cap]. Its
// gradient is 0 on the other entries.
func (g *Graph) Take(v *gorgonia.Node, p *Part) *gorgonia.Node {
	want("Take's values", v, p.whole.Cap)
	return g.entryOp("take", p.Support, false, tensor.Shape{p.Cap}, v, take[float32](p), take[float64](p),
		func(grad *gorgonia.Node) *gorgonia.Node { return g.put(grad, p) })
}

// put adds values of the part on the whole support, 0 on its other entries.
func (g *Graph) put(v *gorgonia.Node, p *Part) *gorgonia.Node {
	return g.entryOp("put", p.Support, false, tensor.Shape{p.Cap}, v, put[float32](p), put[float64](p),
		func(grad *gorgonia.Node) *gorgonia.Node { return g.Take(grad, p) })
}

func take[T float](p *Part) entryFunc[T] {
	return func(dst, src []T, s *Support, lo, hi int) {
		for b := lo; b < hi; b++ {
			first, last := s.Row(b)
			copy(dst[first:last], src[p.from[b]:])
		}
	}
}

func put[T float](p *Part) entryFunc[T] {
	return func(dst, src []T, s *Support, lo, hi int) {
		for b := lo; b < hi; b++ {
			first, last := s.Row(b)
			copy(dst[p.from[b]:], src[first:last])
		}
	}
}
