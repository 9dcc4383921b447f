package sparseop

import "gorgonia.org/gorgonia"

// A blockFunc sets dst, entries at and on of a result, from the same entries
// of a first input and from the whole of a second.
type blockFunc[T float] func(dst, x, whole []T, at int)

// inBlocks runs a blockFunc on the pool, in blocks of entries of a fixed size.
type inBlocks[T float] struct {
	g *Graph
	f blockFunc[T]

	dst, x, whole []T    // of the run under way
	one           [3][]T // room for scalars
}

func (r *inBlocks[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	if len(in[0].Shape()) == 0 {
		return r.scalar(dst, in)
	}
	r.dst, r.x, r.whole = data[T](dst), data[T](in[0]), data[T](in[1])
	r.g.Pool.Run(blocks(len(r.dst), entryBlock), r)
	return nil
}

// scalar is Run for scalars.
func (r *inBlocks[T]) scalar(dst gorgonia.Value, in []gorgonia.Value) error {
	for i := range r.one {
		r.one[i] = grow(r.one[i], 1)
	}
	r.one[1][0], r.one[2][0] = scalar[T](in[0]), scalar[T](in[1])
	r.f(r.one[0], r.one[1], r.one[2], 0)
	setScalar(dst, float64(r.one[0][0]))
	return nil
}

// Do computes one block.
func (r *inBlocks[T]) Do(_, item int) {
	lo, hi := span(item, entryBlock, len(r.dst))
	r.f(r.dst[lo:hi], r.x[lo:hi], r.whole, lo)
}
