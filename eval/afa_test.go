package eval

import (
	"math"
	"testing"

	"github.com/saectl/saectl/sae"
)

// TestZFRows takes the rows of the ZF plot from a decoder with a bias and a
// row that is not of norm 1: z = (3,4), f = (1,1), ẑ = (1,0)+(0,2)+(1,1) =
// (2,3), ‖f̃‖² = 1+4+2.
func TestZFRows(t *testing.T) {
	m := &stored{z: []float32{1, 1, 2, 0}, f: 2, d: 2, xHat: []float32{2, 3, 3, 1},
		weights: map[string][]float32{"decoder.weight": {1, 0, 0, 2}, "decoder.bias": {1, 1}}}
	r := evaluate(t, Subject{Model: m, Dims: sae.Dims{D: 2, F: 2, B: 2}}, []float32{3, 4, 0, 1}, 2)
	want := map[int64]ZFRow{
		0: {Row: 0, Z: 5, F: math.Sqrt(7), Recon: math.Sqrt(13), Error: 2},
		1: {Row: 1, Z: 1, F: math.Sqrt(6), Recon: math.Sqrt(10), Error: 9},
	}
	if len(r.ZF) != 2 || len(r.Series["zf"].X) != 2 {
		t.Fatalf("%d rows, %d points", len(r.ZF), len(r.Series["zf"].X))
	}
	for i, got := range r.ZF {
		w := want[got.Row]
		for _, pair := range [][2]float64{{got.Z, w.Z}, {got.F, w.F}, {got.Recon, w.Recon}, {got.Error, w.Error}, {r.Series["zf"].X[i], w.Z}, {r.Series["zf"].Y[i], w.F}} {
			near(t, "zf row", pair[0], pair[1], 1e-6)
		}
	}
}
