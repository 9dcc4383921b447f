package sparseop

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestBlocks: element-wise ops of tensors of several blocks, which end within
// rows, are those of the plain loops, to the same bits on any number of
// threads.
func TestBlocks(t *testing.T) {
	const b, d = 70, 601 // more than two blocks
	r := rand.New(rand.NewPCG(3, 4))
	x, y, row := normals(r, b*d), normals(r, b*d), normals(r, d)
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	for name, want := range map[string]func(i int) float64{
		"add":      func(i int) float64 { return x[i] + y[i] },
		"sub":      func(i int) float64 { return x[i] - y[i] },
		"addRow":   func(i int) float64 { return x[i] - 0.5*row[i%d] },
		"residual": func(i int) float64 { return 0.25 * 3 * (x[i] - y[i]) },
		"squares":  func(int) float64 { return sum },
	} {
		for _, dtype := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			var first []float64
			for _, threads := range []int{1, 2, 5} {
				g := NewGraph(dtype, newPool(t, threads))
				nx, ny, nr, k := g.Input("x", b, d), g.Input("y", b, d), g.Input("row", d), g.Input("k")
				node := map[string]*gorgonia.Node{
					"add": g.Add(nx, ny), "sub": g.Sub(nx, ny), "addRow": g.AddRow(nx, nr, -0.5),
					"residual": g.residual(k, nx, ny, 0.25), "squares": g.SquaredError(nx, ny, 1),
				}[name]
				v, err := evaluate(map[*gorgonia.Node]gorgonia.Value{
					nx: value(dtype, nx.Shape(), x), ny: value(dtype, ny.Shape(), y), nr: value(dtype, nr.Shape(), row), k: value(dtype, nil, []float64{3}),
				}, node)
				if err != nil {
					t.Fatal(err)
				}
				got := numbers(v[0])
				if first == nil {
					first = got
					closeTo(t, name, got, mapped(len(got), want), 1e-6)
				}
				sameBits(t, fmt.Sprintf("%s, %v, %d threads", name, dtype, threads), got, first)
			}
		}
	}
}
