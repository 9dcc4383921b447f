package sparseop

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Gather adds v[e] = b[index e], [Cap], for b [F]. Its gradient is
// SumByLatent.
func (g *Graph) Gather(b *gorgonia.Node, s *Support) *gorgonia.Node {
	want("Gather's input", b, s.F)
	return g.entryOp("gather", s, false, tensor.Shape{s.Cap}, b, gather[float32], gather[float64],
		func(grad *gorgonia.Node) *gorgonia.Node { return g.SumByLatent(grad, s) })
}

// SumByLatent adds b[f] = Σ v[e] over the entries of latent f, [F].
func (g *Graph) SumByLatent(v *gorgonia.Node, s *Support) *gorgonia.Node {
	want("SumByLatent's values", v, s.Cap)
	return g.entryOp("sumByLatent", s, true, tensor.Shape{s.F}, v, sumByLatent[float32], sumByLatent[float64],
		func(grad *gorgonia.Node) *gorgonia.Node { return g.Gather(grad, s) })
}

// Spread adds v[e] = r[row e], [Cap], for r [B]. Its gradient is SumByRow.
func (g *Graph) Spread(r *gorgonia.Node, s *Support) *gorgonia.Node {
	want("Spread's input", r, s.B)
	return g.entryOp("spread", s, false, tensor.Shape{s.Cap}, r, spread[float32], spread[float64],
		func(grad *gorgonia.Node) *gorgonia.Node { return g.SumByRow(grad, s) })
}

// SumByRow adds r[b] = Σ v[e] over the entries of row b, [B].
func (g *Graph) SumByRow(v *gorgonia.Node, s *Support) *gorgonia.Node {
	want("SumByRow's values", v, s.Cap)
	return g.entryOp("sumByRow", s, false, tensor.Shape{s.B}, v, sumByRow[float32], sumByRow[float64],
		func(grad *gorgonia.Node) *gorgonia.Node { return g.Spread(grad, s) })
}

func (g *Graph) entryOp(name string, s *Support, latents bool, shape tensor.Shape, in *gorgonia.Node,
	f32 entryFunc[float32], f64 entryFunc[float64], back func(*gorgonia.Node) *gorgonia.Node) *gorgonia.Node {
	return g.apply(spec{
		name: name, shape: shape, wrt: []bool{true, false},
		f32: &entryRun[float32]{g: g, s: s, f: f32, latents: latents}, f64: &entryRun[float64]{g: g, s: s, f: f64, latents: latents},
		diff: func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{back(grad), nil}
		},
	}, in, s.Node)
}

// An entryFunc reduces or spreads entries, those of latents or of rows [lo,hi);
// what none writes is zero.
type entryFunc[T float] func(dst, src []T, s *Support, lo, hi int)

type entryRun[T float] struct {
	g       *Graph
	s       *Support
	f       entryFunc[T]
	latents bool // its units are latents, not rows

	dst, src []T // of the run under way
	n        int // units
}

// entryUnits is how many latents or rows an item takes.
const entryUnits = 256

func (r *entryRun[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	r.dst, r.src, r.n = data[T](dst), data[T](in[0]), r.s.B
	if r.latents {
		r.n = r.s.F
		r.s.sortByLatent()
	}
	clear(r.dst)
	r.g.Pool.Run(blocks(r.n, entryUnits), r)
	return nil
}

// Do takes one block.
func (r *entryRun[T]) Do(_, item int) {
	lo, hi := span(item, entryUnits, r.n)
	r.f(r.dst, r.src, r.s, lo, hi)
}

func gather[T float](dst, src []T, s *Support, lo, hi int) {
	first, last := int(s.csr.RowPtr[lo]), int(s.csr.RowPtr[hi])
	for e := first; e < last; e++ {
		dst[e] = src[s.csr.Index[e]]
	}
}

// Sums are taken in float64 so that a long column loses nothing.
func sumByLatent[T float](dst, src []T, s *Support, lo, hi int) {
	for f := lo; f < hi; f++ {
		_, entry := s.column(f)
		sum := 0.0
		for _, e := range entry {
			sum += float64(src[e])
		}
		dst[f] = T(sum)
	}
}

func spread[T float](dst, src []T, s *Support, lo, hi int) {
	for b := lo; b < hi; b++ {
		first, last := s.Row(b)
		for e := first; e < last; e++ {
			dst[e] = src[b]
		}
	}
}

func sumByRow[T float](dst, src []T, s *Support, lo, hi int) {
	for b := lo; b < hi; b++ {
		first, last := s.Row(b)
		sum := 0.0
		for e := first; e < last; e++ {
			sum += float64(src[e])
		}
		dst[b] = T(sum)
	}
}
