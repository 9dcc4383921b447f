package labels

import (
	"math"
	"testing"

	"github.com/saectl/saectl/data"
)

// TestFitLogistic checks that the gradient is 0 at the result.
func TestFitLogistic(t *testing.T) {
	f, is := NewFeatures(5), []bool(nil)
	for i := range 60 {
		row := make([]float32, 5)
		data.NormalFill(row, 3, uint64(i))
		f.AddDense(row)
		is = append(is, row[0]+row[1] > 0.3 || i%9 == 0)
	}
	m := FitLogistic(f, is, 1)
	g := append([]float64(nil), m.W...)
	g0 := 0.0
	for i := range f.N {
		y := -1.0
		if is[i] {
			y = 1
		}
		slope := -y / (1 + math.Exp(y*f.dot(i, m.W, m.Bias)))
		index, value := f.Row(i)
		for e, j := range index {
			g[j] += slope * float64(value[e])
		}
		g0 += slope
	}
	for j, v := range append(g, g0) {
		if math.Abs(v) > 1e-8 {
			t.Errorf("the gradient of weight %d is %v at the optimum", j, v)
		}
	}
}
