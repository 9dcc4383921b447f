package vsae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// TestStart is section 1.10 of the paper's code: rows of a given norm, an
// encoder that is a copy, biases of 0, and a variance head of PyTorch's
// kaiming_uniform_ with a = 0.01 whose bias is log σ².
func TestStart(t *testing.T) {
	const d, f = 48, 300
	for _, draw := range []string{"gaussian", "uniform"} {
		v := New().(*VSAE)
		v.Variance, v.LogVarInit, v.Init, v.InitNorm = "learned", -2, draw, 0.1
		w := newTrainer(t, plan(v, 8, d, f)).Weights()
		dec, fourth := w["decoder.weight"], 0.0
		for r := range f {
			saetest.Near(t, "decoder norm", math.Sqrt(kernel.SumSquares(dec[r*d:(r+1)*d])), 0.1, 1e-6)
		}
		for _, x := range dec {
			fourth += math.Pow(float64(x)/0.1*math.Sqrt(d), 4) / float64(len(dec))
		}
		want := map[string]float64{"gaussian": 3 * d / (d + 2.0), "uniform": 1.8}[draw] // kurtosis
		saetest.Near(t, draw+" draw", fourth, want, 0.03)
		saetest.Same(t, "encoder", w["encoder.weight"], dec)
		saetest.Same(t, "encoder bias", w["encoder.bias"], make([]float32, f))
		bound, squares := math.Sqrt(6/(1.0001*d)), 0.0
		for _, x := range w["log_variance.weight"] {
			if math.Abs(float64(x)) > bound {
				t.Fatalf("%v of the variance head is beyond %v", x, bound)
			}
			squares += float64(x) * float64(x) / (f * d)
		}
		saetest.Near(t, "variance head", squares, bound*bound/3, 0.03)
		for _, x := range w["log_variance.bias"] {
			if x != -2 {
				t.Fatalf("log σ² starts at %v", x)
			}
		}
	}
}
