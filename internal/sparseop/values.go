package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Values adds v[e] = <x[row e], w[index e]> + bias[index e], [Cap], for the
// x [B,D], w [F,D] and bias [F] (nil for none) that s was selected from. The
// selection's own scores are taken over rather than computed twice; float64
// graphs, which check gradients with the support held, compute them. Gradients
// flow to x, w and bias.
func (g *Graph) Values(x, w, bias *gorgonia.Node, s *Support) *gorgonia.Node {
	d := x.Shape()[1]
	in, wrt := []*gorgonia.Node{x, w, s.Node}, []bool{true, true, false}
	if bias != nil {
		in, wrt = append(in, bias), append(wrt, true)
	}
	return g.apply(spec{
		name: "values", shape: tensor.Shape{s.Cap}, wrt: wrt,
		f32: &values[float32]{sddmm: sddmm[float32]{g: g, s: s, d: d}},
		f64: &values[float64]{sddmm: sddmm[float64]{g: g, s: s, d: d}},
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			out := gorgonia.Nodes{g.SpMM(grad, in[1], s), g.SpMMT(grad, in[0], s), nil}
			if len(in) == 4 {
				out = append(out, g.SumByLatent(grad, s))
			}
			return out
		},
	}, in...)
}

type values[T float] struct{ sddmm sddmm[T] }

func (r *values[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	s := r.sddmm.s
	if _, single := any(r).(*values[float32]); single {
		copy(data[T](dst), data[T](in[2]))
		return nil
	}
	if err := r.sddmm.Run(dst, in[:2]); err != nil || len(in) < 4 {
		return err
	}
	v, bias := data[T](dst), data[T](in[3])
	for e, f := range s.csr.Index {
		v[e] += bias[f]
	}
	return nil
}
