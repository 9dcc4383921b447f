package sparseop

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

func TestCapacityError(t *testing.T) {
	g := NewGraph(tensor.Float32, newPool(t, 1))
	x, w := g.Input("x", 3, 1), g.Input("w", 5, 1)
	selector := kernel.NewSelector(g.Pool)
	s := g.Select(x, w, nil, 8, func(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
		return selector.Select(dst, x, w, bias, rows, d, f, kernel.Rule{Kind: kernel.TopK, K: 4})
	})
	run := func(positive float64) error {
		_, err := evaluate(map[*gorgonia.Node]gorgonia.Value{
			x: value(tensor.Float32, []int{3, 1}, []float64{1, positive, positive}),
			w: value(tensor.Float32, []int{5, 1}, []float64{1, 2, 3, 4, 5}),
		}, s.Node)
		return err
	}
	var full *CapacityError
	if err := run(1); !errors.As(err, &full) {
		t.Fatalf("12 entries in room for 8: error %v", err)
	}
	if full.Need != 12 || full.Support != s {
		t.Errorf("the error asks for %d entries, want 12", full.Need)
	}
	if err := run(-1); err != nil {
		t.Errorf("4 entries in room for 8: %v", err)
	}
}

// selected builds Select and Values with a TopK rule on x [B,D], w [F,D] and
// bias [F].
func selected(g *Graph, z sizes, k int) (s *Support, v *gorgonia.Node, in []*gorgonia.Node) {
	in = []*gorgonia.Node{g.Input("x", z.B, z.D), g.Input("w", z.F, z.D), g.Input("bias", z.F)}
	selector := kernel.NewSelector(g.Pool)
	s = g.Select(in[0], in[1], in[2], z.B*k, func(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
		return selector.Select(dst, x, w, bias, rows, d, f, kernel.Rule{Kind: kernel.TopK, K: k})
	})
	return s, g.Values(in[0], in[1], in[2], s), in
}

// TestSelectAndValues scores small whole numbers, so that dot products are
// exact and tie often, against sorting in plain Go.
func TestSelectAndValues(t *testing.T) {
	const k = 5
	for dtype := range map[tensor.Dtype]bool{tensor.Float32: true, tensor.Float64: true} {
		r := rand.New(rand.NewPCG(11, 12))
		g := NewGraph(dtype, newPool(t, 2))
		s, v, in := selected(g, small, k)
		s.Rows = small.B - 2
		var x [][]float64
		bound := map[*gorgonia.Node]gorgonia.Value{}
		for i, n := range in {
			x = append(x, mapped(count(n.Shape()), func(int) float64 { return float64(r.IntN(5) - 2) }))
			bound[n] = value(dtype, n.Shape(), x[i])
		}
		out, err := evaluate(bound, v)
		if err != nil {
			t.Fatal(err)
		}
		var want rows
		var values []float64
		for b := range small.B {
			latents, kept := largest(x, b, k)
			if b >= s.Rows {
				latents, kept = nil, nil
			}
			want, values = append(want, latents), append(values, kept...)
		}
		ptr, index := want.csr()
		if fmt.Sprint(s.RowPtr(), s.Index()) != fmt.Sprint(ptr, index) {
			t.Fatalf("%v: support %v %v, want %v %v", dtype, s.RowPtr(), s.Index(), ptr, index)
		}
		closeTo(t, "values", numbers(out[0]), append(values, make([]float64, s.Cap-len(values))...), 0)
	}
}

// largest lists the k latents with the largest positive scores of row b,
// ascending, the lower of two that tie.
func largest(x [][]float64, b, k int) (latents []int32, values []float64) {
	scores := mapped(small.F, func(f int) float64 {
		return dot(row(x[0], b, small.D), row(x[1], f, small.D)) + x[2][f]
	})
	for f, s := range scores {
		above := 0
		for other, o := range scores {
			if o > s || o == s && other < f {
				above++
			}
		}
		if s > 0 && above < k {
			latents, values = append(latents, int32(f)), append(values, s)
		}
	}
	return latents, values
}

// TestValuesGradient holds the support, as the values' derivative does.
func TestValuesGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	g := NewGraph(tensor.Float64, newPool(t, 2))
	s, v, in := selected(g, small, 5)
	loss, p := probe(g, v, "probe")
	grads, err := Grad(loss, in...)
	if err != nil {
		t.Fatal(err)
	}
	b := built{g: g}
	var x, u [][]float64
	for _, n := range in {
		x, u = append(x, normals(r, count(n.Shape()))), append(u, normals(r, count(n.Shape())))
	}
	pv := normals(r, s.Cap)
	got := slope(t, b, grads, append(x, pv), append(in, p), u)
	at := func(h float64) (sum float64) {
		y := shifted(x, u, h)
		for bi := range small.B {
			lo, hi := s.Row(bi)
			for e := lo; e < hi; e++ {
				f := int(s.Index()[e])
				sum += pv[e] * (dot(row(y[0], bi, small.D), row(y[1], f, small.D)) + y[2][f])
			}
		}
		return sum
	}
	closeTo(t, "slope", []float64{got}, []float64{(at(1e-5) - at(-1e-5)) / 2e-5}, 1e-8)
}

func TestInverseVariance(t *testing.T) {
	x := []float64{1, 2, 3, 6, 5, 1} // [3,2]; column means 3 and 3
	for name, c := range map[string]struct {
		on   []float64
		x    []float64
		want float64
	}{
		"always":   {nil, x, 1.0 / (4 + 0 + 4 + 1 + 9 + 4)},
		"on":       {[]float64{2}, x, 1.0 / 22},
		"off":      {[]float64{0}, x, 0},
		"constant": {nil, []float64{4, 5, 4, 5, 4, 5}, 0},
	} {
		g := NewGraph(tensor.Float64, newPool(t, 1))
		n, on := g.Input("x", 3, 2), (*gorgonia.Node)(nil)
		bound := map[*gorgonia.Node]gorgonia.Value{n: value(tensor.Float64, []int{3, 2}, c.x)}
		if c.on != nil {
			on = g.Input("on")
			bound[on] = value(tensor.Float64, nil, c.on)
		}
		out, err := evaluate(bound, g.InverseVariance(n, on))
		if err != nil {
			t.Fatal(err)
		}
		closeTo(t, name, numbers(out[0]), []float64{c.want}, 1e-15)
	}
}

// TestGradStops: no gradient flows through Stop, and one that flows nowhere
// is nil and no error.
func TestGradStops(t *testing.T) {
	g := NewGraph(tensor.Float64, newPool(t, 1))
	a, b := g.Input("a", 2, 2), g.Input("b", 2, 2)
	grads, err := Grad(g.Sum(g.Mul(a, g.Stop(b)), 1), a, b)
	if err != nil || grads[0] == nil || grads[1] != nil {
		t.Fatalf("gradients %v, error %v; want one of a and none of b", grads, err)
	}
	grads, err = Grad(g.Sum(g.Stop(g.Input("c", 2)), 2), b)
	if err != nil || grads[0] != nil {
		t.Fatalf("gradients %v, error %v; want none", grads, err)
	}
}

func TestNumber(t *testing.T) {
	for dtype := range map[tensor.Dtype]bool{tensor.Float32: true, tensor.Float64: true} {
		g := NewGraph(dtype, newPool(t, 1))
		x := g.Input("x", 2, 1)
		out, err := evaluate(map[*gorgonia.Node]gorgonia.Value{x: value(dtype, []int{2, 1}, []float64{1, 2})},
			g.Times(g.Times(x, g.Number(1.5)), g.Number(-2)))
		if err != nil {
			t.Fatal(err)
		}
		closeTo(t, dtype.String(), numbers(out[0]), []float64{-3, -6}, 0)
	}
}

// TestSelectWith gives a picker two further arrays, with and without a bias:
// each row keeps the latent that the first names, and scores it by the second.
func TestSelectWith(t *testing.T) {
	for dtype := range map[tensor.Dtype]bool{tensor.Float32: true, tensor.Float64: true} {
		for _, biased := range []bool{false, true} {
			g := NewGraph(dtype, newPool(t, 1))
			x, w, bias := g.Input("x", 2, 3), g.Input("w", 4, 3), g.Input("bias", 4)
			latent, score := g.Input("latent", 2), g.Input("score", 4, 1)
			bound := map[*gorgonia.Node]gorgonia.Value{
				latent: value(dtype, []int{2}, []float64{3, 1}), score: value(dtype, []int{4, 1}, []float64{0, 0.25, 0, 0.75}),
			}
			if !biased {
				bias = nil
			}
			s := g.SelectWith(x, w, bias, []*gorgonia.Node{latent, score}, 2, func(dst *kernel.Support, x, w, bias []float32, more [][]float32, rows, d, f int) error {
				if len(x) != 6 || len(w) != 12 || (len(bias) == 4) != biased || rows != 2 || d != 3 || f != 4 {
					t.Errorf("the picker sees %d, %d and %d numbers for %d rows of %d and %d latents", len(x), len(w), len(bias), rows, d, f)
				}
				dst.RowPtr = []int32{0, 1, 2}
				for _, l := range more[0] {
					dst.Index, dst.Score = append(dst.Index, int32(l)), append(dst.Score, more[1][int(l)])
				}
				return nil
			})
			if _, err := evaluate(bound, s.Node); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.Index(), []int32{3, 1}) || !slices.Equal(s.Score(), []float32{0.75, 0.25}) {
				t.Errorf("latents %v with scores %v", s.Index(), s.Score())
			}
		}
	}
}
