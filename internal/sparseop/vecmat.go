package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// VecMat adds y[j] = Σ c[f]·w[f,j], [D], for c [F] and w [F,D]. Its gradients
// are a MatVec (c) and an outer product (w).
func (g *Graph) VecMat(c, w *gorgonia.Node) *gorgonia.Node {
	d := w.Shape()[1]
	want("VecMat's vector", c, w.Shape()[0])
	return g.apply(spec{
		name: "vecmat", shape: tensor.Shape{d}, wrt: []bool{true, true},
		f32: &vecmat[float32]{g: g, d: d}, f64: &vecmat[float64]{g: g, d: d},
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.MatVec(in[1], grad), g.outer(in[0], grad)}
		},
	}, c, w)
}

// MatVec adds y[f] = <w[f], u>, [F], for w [F,D] and u [D].
func (g *Graph) MatVec(w, u *gorgonia.Node) *gorgonia.Node {
	f, d := w.Shape()[0], w.Shape()[1]
	want("MatVec's vector", u, d)
	return g.Custom("matvec", []int{f}, Func{matvec[float32], matvec[float64]},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.outer(grad, in[1]), g.VecMat(grad, in[0])}
		}, w, u)
}

func matvec[T float](dst []T, in [][]T) {
	w, u := in[0], in[1]
	for f := range dst {
		sum := 0.0
		for j, v := range w[f*len(u) : (f+1)*len(u)] {
			sum += float64(v) * float64(u[j])
		}
		dst[f] = T(sum)
	}
}

// outer adds y[f,j] = c[f]·u[j], [F,D], for c [F] and u [D].
func (g *Graph) outer(c, u *gorgonia.Node) *gorgonia.Node {
	return g.Custom("outer", []int{c.Shape()[0], u.Shape()[0]}, Func{outer[float32], outer[float64]},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{g.MatVec(grad, in[1]), g.VecMat(in[0], grad)}
		}, c, u)
}

func outer[T float](dst []T, in [][]T) {
	u := in[1]
	for f, v := range in[0] {
		for j, uj := range u {
			dst[f*len(u)+j] = v * uj
		}
	}
}

// Latents are summed in blocks of a fixed size, then the blocks in order, so
// that the bits do not depend on the number of threads.
const vecmatBlock = 256

type vecmat[T float] struct {
	g *Graph
	d int

	c, w []T
	part []T // [blocks,D]
}

func (r *vecmat[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.c, r.w = data[T](in[0]), data[T](in[1])
	n := blocks(len(r.c), vecmatBlock)
	r.part = grow(r.part, n*r.d)
	r.g.Pool.Run(n, r)
	y := data[T](dst)
	sumColumns(y, [][]T{r.part})
	return nil
}

// Do sums one block; a latent with no weight is not read.
func (r *vecmat[T]) Do(_, item int) {
	lo, hi := span(item, vecmatBlock, len(r.c))
	part := r.part[item*r.d : (item+1)*r.d]
	clear(part)
	for f := lo; f < hi; f++ {
		if r.c[f] != 0 {
			axpy(part, r.c[f], r.w[f*r.d:(f+1)*r.d])
		}
	}
}

func axpy[T float](dst []T, a T, x []T) {
	if d, ok := any(dst).([]float32); ok {
		kernel.Axpy(d, float32(a), any(x).([]float32))
		return
	}
	for j, v := range x {
		dst[j] += a * v
	}
}
