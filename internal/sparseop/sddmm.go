package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// SDDMM adds v[e] = <x[row e], w[index e]>, [Cap], for x [B,D] and w [F,D].
// Its gradients are an SpMM (x) and an SpMMT (w).
func (g *Graph) SDDMM(x, w *gorgonia.Node, s *Support) *gorgonia.Node {
	d := x.Shape()[1]
	want("SDDMM's rows", x, s.B, d)
	want("SDDMM's weight", w, s.F, d)
	return g.apply(spec{
		name: "sddmm", shape: tensor.Shape{s.Cap}, wrt: []bool{true, true, false},
		f32: &sddmm[float32]{g: g, s: s, d: d}, f64: &sddmm[float64]{g: g, s: s, d: d},
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.SpMM(grad, in[1], s), g.SpMMT(grad, in[0], s), nil}
		},
	}, x, w, s.Node)
}

type sddmm[T float] struct {
	g *Graph
	s *Support
	d int

	v, x, w []T // of the run under way
	tiles   *tiles
}

func (r *sddmm[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.v, r.x, r.w = data[T](dst), data[T](in[0]), data[T](in[1])
	clear(r.v[r.s.Count():])
	if v, x, w, ok := dense(&r.tiles, r.g, r.s, r.v, r.x, r.w); ok {
		r.tiles.sddmm(v, x, w, r.s, r.d)
		return nil
	}
	r.g.Pool.Run(blocks(r.s.B, rowBlock), r)
	return nil
}

// Do computes the entries of one block of rows.
func (r *sddmm[T]) Do(_, item int) {
	first, last := span(item, rowBlock, r.s.B)
	for b := first; b < last; b++ {
		lo, hi := r.s.Row(b)
		dots(r.v[lo:hi], r.x[b*r.d:(b+1)*r.d], r.w, r.s.csr.Index, lo, hi)
	}
}
