package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// SpMMT adds the product with the transpose: y[f] = Σ v[e]·x[row e] over the
// entries e of latent f, [F,D], for v [Cap] and x [B,D]. One owner a latent
// sums its rows in ascending order, so the bits do not depend on threads.
// Its gradients are an SDDMM (v) and an SpMM (x).
func (g *Graph) SpMMT(v, x *gorgonia.Node, s *Support) *gorgonia.Node {
	d := x.Shape()[1]
	want("SpMMT's values", v, s.Cap)
	want("SpMMT's rows", x, s.B, d)
	return g.apply(spec{
		name: "spmmt", shape: tensor.Shape{s.F, d}, wrt: []bool{true, true, false},
		f32: &spmmt[float32]{g: g, s: s, d: d}, f64: &spmmt[float64]{g: g, s: s, d: d},
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.SDDMM(in[1], grad, s), g.SpMM(in[0], grad, s), nil}
		},
	}, v, x, s.Node)
}

// TransposeTerm reports whether n is an SpMMT, and its parts. A trainer that
// finds one as the gradient of a weight can compute each latent's row where
// it is used, in place of an [F,D] matrix for each term.
func TransposeTerm(n *gorgonia.Node) (v, x *gorgonia.Node, s *Support, ok bool) {
	o, isOp := n.Op().(*op)
	if !isOp {
		return nil, nil, nil, false
	}
	switch r := o.run.(type) {
	case *spmmt[float32]:
		s = r.s
	case *spmmt[float64]:
		s = r.s
	default:
		return nil, nil, nil, false
	}
	in := children(n)
	return in[0], in[1], s, true
}

// children lists the inputs of n in order.
func children(n *gorgonia.Node) (in []*gorgonia.Node) {
	for it := n.Graph().From(n.ID()); it.Next(); {
		in = append(in, it.Node().(*gorgonia.Node))
	}
	return in
}

type spmmt[T float] struct {
	g *Graph
	s *Support
	d int

	y, v, x []T // of the run under way
	sort    sorter[T]
	sorted  []T // [n] v in the order of the CSC
	tiles   *tiles
}

func (r *spmmt[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.y, r.v, r.x = data[T](dst), data[T](in[0]), data[T](in[1])
	if y, v, x, ok := dense(&r.tiles, r.g, r.s, r.y, r.v, r.x); ok {
		r.tiles.spmmt(y, v, x, r.s, r.d)
		return nil
	}
	r.sorted = r.sort.run(r.g.Pool, r.sorted, r.v, r.s)
	r.g.Pool.Run(blocks(r.s.F, latentBlock), r)
	return nil
}

// A sorter brings values into the order of the CSC.
type sorter[T float] struct {
	dst, v []T // of the run under way
	s      *Support
}

// sortBlock is how many values an item sorts.
const sortBlock = 1 << 12

// run sets dst, which it grows as needed, to the values v of s.
func (r *sorter[T]) run(pool *kernel.Pool, dst, v []T, s *Support) []T {
	s.sortByLatent()
	r.dst, r.v, r.s = grow(dst, s.Count()), v, s
	pool.Run(blocks(len(r.dst), sortBlock), r)
	dst = r.dst
	r.dst, r.v, r.s = nil, nil, nil
	return dst
}

// Do sorts one block.
func (r *sorter[T]) Do(_, item int) {
	lo, hi := span(item, sortBlock, len(r.dst))
	for i, e := range r.s.csc.entry[lo:hi] {
		r.dst[lo+i] = r.v[e]
	}
}

// Do computes one block of latents.
func (r *spmmt[T]) Do(_, item int) {
	first, last := span(item, latentBlock, r.s.F)
	for f := first; f < last; f++ {
		y := r.y[f*r.d : (f+1)*r.d]
		lo, hi := r.s.csc.ptr[f], r.s.csc.ptr[f+1]
		setRows(y, r.sorted, r.x, r.s.csc.row, int(lo), int(hi))
	}
}
