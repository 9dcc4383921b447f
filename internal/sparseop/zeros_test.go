package sparseop

import (
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// step runs the op of n into dst, as a machine does again and again.
func step(t *testing.T, n *gorgonia.Node, dst gorgonia.Value, in ...gorgonia.Value) []float64 {
	t.Helper()
	if err := n.Op().(Runner).Run(dst, in); err != nil {
		t.Fatal(err)
	}
	return numbers(dst)
}

// TestZeros: an op that is off leaves zeros, also where it ran before, and runs
// again when it is on; scalars too.
func TestZeros(t *testing.T) {
	for _, dtype := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		pool := kernel.NewPool(1)
		defer pool.Close()
		g := NewGraph(dtype, pool)
		a, b, on := g.Input("a", 2, 2), g.Input("b", 2, 2), true
		sub := Zeros(g.Sub(a, b), func() bool { return on })
		square := Zeros(g.SquaredError(a, b, 1), func() bool { return on })
		x, y := value(dtype, []int{2, 2}, []float64{5, 6, 7, 8}), value(dtype, []int{2, 2}, []float64{1, 2, 3, 5})
		d, s := NewValue(dtype, sub.Shape()), NewValue(dtype, square.Shape())
		for i, on1 := range []bool{true, false, false, true, false} {
			on = on1
			wantD, wantS := []float64{4, 4, 4, 3}, 57.0
			if !on {
				wantD, wantS = []float64{0, 0, 0, 0}, 0
			}
			if got := step(t, sub, d, x, y); !slices.Equal(got, wantD) {
				t.Errorf("run %d: differences %v, want %v", i, got, wantD)
			}
			if got := step(t, square, s, x, y); got[0] != wantS {
				t.Errorf("run %d: squared error %v, want %v", i, got[0], wantS)
			}
		}
	}
}

// TestNothingIsZeros: an SpMM without entries, and the gradient of a squared
// error that counts nothing, are zeros whatever stood there, and leave those of
// the next run alone.
func TestNothingIsZeros(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	z := sizes{B: 2, D: 3, F: 2, Cap: 2}
	g := NewGraph(tensor.Float32, pool)
	s := rows{{0}, {1}}.support(g, z)
	v, w := g.Input("v", z.Cap), g.Input("w", z.F, z.D)
	product, residual := g.SpMM(v, w, s), g.residual(g.Input("k"), g.Input("y", 2), g.Input("x", 2), 1)
	values, weights := value(tensor.Float32, []int{2}, []float64{2, 3}), value(tensor.Float32, []int{2, 3}, []float64{1, 2, 3, 4, 5, 6})
	y, x := value(tensor.Float32, []int{2}, []float64{5, 7}), value(tensor.Float32, []int{2}, []float64{1, 1})
	p, r := NewValue(tensor.Float32, product.Shape()), NewValue(tensor.Float32, residual.Shape())
	for i, some := range []bool{true, false, false, true, false} {
		ptr, index, k := []int32{0, 1, 2}, []int32{0, 1}, 2.0
		wantP, wantR := []float64{2, 4, 6, 12, 15, 18}, []float64{8, 12}
		if !some {
			ptr, index, k = []int32{0, 0, 0}, nil, 0
			wantP, wantR = make([]float64, 6), make([]float64, 2)
		}
		s.Set(ptr, index, make([]float32, len(index)))
		if got := step(t, product, p, values, weights, nil); !slices.Equal(got, wantP) {
			t.Errorf("run %d: product %v, want %v", i, got, wantP)
		}
		if got := step(t, residual, r, value(tensor.Float32, nil, []float64{k}), y, x); !slices.Equal(got, wantR) {
			t.Errorf("run %d: gradient %v, want %v", i, got, wantR)
		}
	}
}
