package sparseop

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// sizes of a test graph.
type sizes struct{ B, D, F, Cap int }

// rows is a support as a test writes it: the latents of each row.
type rows [][]int32

// supports are the shapes of support that every op is tried on.
func supports(z sizes) map[string]rows {
	r := rand.New(rand.NewPCG(1, 2))
	all := map[string]rows{}
	add := func(name string, keep func(b, f int) bool) {
		s := make(rows, z.B)
		for b := range s {
			for f := range z.F {
				if keep(b, f) {
					s[b] = append(s[b], int32(f))
				}
			}
		}
		all[name] = s
	}
	add("random", func(_, _ int) bool { return r.Float64() < 0.2 })
	add("nothing", func(_, _ int) bool { return false })
	add("everything", func(_, _ int) bool { return true })
	add("empty rows", func(b, _ int) bool { return b%3 == 1 && r.Float64() < 0.4 })
	add("full rows", func(b, _ int) bool { return b%4 == 2 })
	add("one latent", func(_, f int) bool { return f == z.F-1 })
	return all
}

func (s rows) csr() (ptr, index []int32) {
	ptr = []int32{0}
	for _, latents := range s {
		index = append(index, latents...)
		ptr = append(ptr, int32(len(index)))
	}
	return ptr, index
}

func (s rows) count() (n int) {
	for _, latents := range s {
		n += len(latents)
	}
	return n
}

// each calls f with every entry's number, row and latent.
func (s rows) each(f func(e, b, f int)) {
	e := 0
	for b, latents := range s {
		for _, l := range latents {
			f(e, b, int(l))
			e++
		}
	}
}

// support puts s into a graph as a held selection.
func (s rows) support(g *Graph, z sizes) *Support {
	sup := &Support{B: z.B, F: z.F, Cap: z.Cap, Rows: z.B, Node: g.Input("support", z.Cap)}
	ptr, index := s.csr()
	sup.Set(ptr, index, make([]float32, len(index)))
	return sup
}

// evaluate computes the values of roots from those of inputs; an input that
// is not given is zero.
func evaluate(inputs map[*gorgonia.Node]gorgonia.Value, roots ...*gorgonia.Node) ([]gorgonia.Value, error) {
	known := map[*gorgonia.Node]gorgonia.Value{}
	for n, v := range inputs {
		known[n] = v
	}
	out := make([]gorgonia.Value, len(roots))
	for i, n := range roots {
		v, err := valueOf(n, known)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func valueOf(n *gorgonia.Node, known map[*gorgonia.Node]gorgonia.Value) (gorgonia.Value, error) {
	if v, ok := known[n]; ok {
		return v, nil
	}
	if n.Value() != nil {
		return n.Value(), nil
	}
	if n.Op() == nil {
		known[n] = NewValue(n.Dtype(), n.Shape())
		return known[n], nil
	}
	var in []gorgonia.Value
	for _, child := range children(n) {
		v, err := valueOf(child, known)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	v, err := n.Op().Do(in...)
	known[n] = v
	return v, err
}

// numbers reads a value in float64.
func numbers(v gorgonia.Value) []float64 {
	if d, ok := v.(*tensor.Dense); ok {
		if d.Dtype() == tensor.Float64 {
			return append([]float64{}, d.Float64s()...)
		}
		var wide []float64
		for _, x := range d.Float32s() {
			wide = append(wide, float64(x))
		}
		return wide
	}
	return []float64{scalar[float64](v)}
}

// value makes a value of the given dtype and shape from x.
func value(dtype tensor.Dtype, shape []int, x []float64) gorgonia.Value {
	v := NewValue(dtype, shape)
	switch d := v.(type) {
	case *tensor.Dense:
		for i, xi := range x {
			if dtype == tensor.Float64 {
				d.Float64s()[i] = xi
			} else {
				d.Float32s()[i] = float32(xi)
			}
		}
	default:
		setScalar(v, x[0])
	}
	return v
}

func normals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func count(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// close fails unless got equals want within tol, relative to the largest
// entry of want but at least 1.
func closeTo(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	size := 1.0
	for _, w := range want {
		size = max(size, math.Abs(w))
	}
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= tol*size) {
			t.Fatalf("%s: entry %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func newPool(t *testing.T, threads int) *kernel.Pool {
	p := kernel.NewPool(threads)
	t.Cleanup(p.Close)
	return p
}
