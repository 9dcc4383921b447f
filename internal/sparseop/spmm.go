package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// SpMM adds y[b] = Σ v[e]·w[index e] over the entries e of row b, [B,D], for
// v [Cap] and w [F,D]. Its gradients are an SDDMM (v) and an SpMMT (w).
func (g *Graph) SpMM(v, w *gorgonia.Node, s *Support) *gorgonia.Node {
	d := w.Shape()[1]
	want("SpMM's values", v, s.Cap)
	want("SpMM's weight", w, s.F, d)
	return g.apply(spec{
		name: "spmm", shape: tensor.Shape{s.B, d}, wrt: []bool{true, true, false},
		f32: &spmm[float32]{g: g, s: s, d: d}, f64: &spmm[float64]{g: g, s: s, d: d},
		some: func([]gorgonia.Value) bool { return s.Count() > 0 },
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.SDDMM(grad, in[1], s), g.SpMMT(in[0], grad, s), nil}
		},
	}, v, w, s.Node)
}

// SpMMAdd adds SpMM + bias [D] on each row: AddRow in one pass.
func (g *Graph) SpMMAdd(v, w, bias *gorgonia.Node, s *Support) *gorgonia.Node {
	d := w.Shape()[1]
	want("SpMMAdd's values", v, s.Cap)
	want("SpMMAdd's weight", w, s.F, d)
	want("SpMMAdd's bias", bias, d)
	return g.apply(spec{
		name: "spmmAdd", shape: tensor.Shape{s.B, d}, wrt: []bool{true, true, false, true},
		f32: &spmmAdd[float32]{spmm[float32]{g: g, s: s, d: d}}, f64: &spmmAdd[float64]{spmm[float64]{g: g, s: s, d: d}},
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.SDDMM(grad, in[1], s), g.SpMMT(in[0], grad, s), nil, g.SumRows(grad)}
		},
	}, v, w, s.Node, bias)
}

// Decoding is what y is made of where it is an SpMMAdd.
func Decoding(y *gorgonia.Node) (v, w, bias *gorgonia.Node, ok bool) {
	if o, ours := y.Op().(*op); ours {
		switch o.run.(type) {
		case *spmmAdd[float32], *spmmAdd[float64]:
			in := children(y)
			return in[0], in[1], in[3], true
		}
	}
	return nil, nil, nil, false
}

// spmmAdd is an spmm with a bias, a type of its own: it is no sum of products.
type spmmAdd[T float] struct{ spmm[T] }

func (r *spmmAdd[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.bias = data[T](in[3])
	return r.spmm.Run(dst, in)
}

type spmm[T float] struct {
	g *Graph
	s *Support
	d int

	y, v, w []T // of the run under way
	bias    []T // [D], nil for none
	tiles   *tiles
}

func (r *spmm[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.y, r.v, r.w = data[T](dst), data[T](in[0]), data[T](in[1])
	if y, v, w, ok := dense(&r.tiles, r.g, r.s, r.y, r.v, r.w); ok {
		r.tiles.spmm(y, v, w, r.s, r.d)
		for b := range r.s.B {
			r.addBias(r.y[b*r.d : (b+1)*r.d])
		}
		return nil
	}
	r.g.Pool.Run(blocks(r.s.B, rowBlock), r)
	return nil
}

// Do computes one block of rows.
func (r *spmm[T]) Do(_, item int) {
	first, last := span(item, rowBlock, r.s.B)
	for b := first; b < last; b++ {
		y := r.y[b*r.d : (b+1)*r.d]
		lo, hi := r.s.Row(b)
		setRows(y, r.v, r.w, r.s.csr.Index, lo, hi)
		r.addBias(y)
	}
}

func (r *spmm[T]) addBias(y []T) {
	if r.bias != nil {
		accumulate(y, r.bias)
	}
}
