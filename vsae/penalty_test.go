package vsae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// TestDivergenceByHand is section 7.3 of the specification.
func TestDivergenceByHand(t *testing.T) {
	v := New().(*VSAE)
	v.Variance = "learned"
	p, sum := v.penalty(), 0.0
	for i, mu := range []float64{1, 2} {
		ofMu, _ := p.ofMean(mu)
		ofL, _ := p.ofLogVar([]float64{0, -2}[i])
		sum += ofMu + ofL
	}
	saetest.Near(t, "divergence", sum, ((1+1-1-0)+(4+math.Exp(-2)-1+2))/2, 1e-12)
	v.Variance, v.Sigma = "fixed", math.Exp(-1)
	p = v.penalty()
	ofMu, _ := p.ofMean(2)
	saetest.Near(t, "divergence of a fixed deviation", ofMu+p.fixed, (4+math.Exp(-2)-1+2)/2, 1e-12)
}

// TestDivergenceIntegral compares with the integral of q·log(q/p).
func TestDivergenceIntegral(t *testing.T) {
	v := New().(*VSAE)
	v.Variance = "learned"
	p := v.penalty()
	for _, c := range []struct{ mu, l float64 }{{0, 0}, {1.5, -2}, {-3, 1}, {0.2, -5}} {
		sigma, sum := math.Exp(c.l/2), 0.0
		const steps = 20000
		for i := range steps {
			u := -10 + 20*(float64(i)+0.5)/steps // z = μ + σ·u
			z := c.mu + sigma*u
			sum += math.Exp(-u*u/2) / math.Sqrt(2*math.Pi) * (z*z/2 - u*u/2 - c.l/2) * 20 / steps
		}
		ofMu, _ := p.ofMean(c.mu)
		ofL, _ := p.ofLogVar(c.l)
		if math.Abs(ofMu+ofL-sum) > 1e-9 {
			t.Errorf("μ %g, log σ² %g: %g, the integral is %g", c.mu, c.l, ofMu+ofL, sum)
		}
	}
}

// TestPenaltySlopes compares derivatives with differences, and asks for none
// beyond the clamps.
func TestPenaltySlopes(t *testing.T) {
	v := New().(*VSAE)
	v.Variance, v.MuClamp = "learned", 3
	p := v.penalty()
	const h = 1e-6
	for name, of := range map[string]func(float64) (value, slope float64){"mean": p.ofMean, "log variance": p.ofLogVar} {
		for x := -7.05; x < 7; x += 0.1 {
			up, _ := of(x + h)
			down, _ := of(x - h)
			_, slope := of(x)
			if want := (up - down) / (2 * h); math.Abs(slope-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s at %g: slope %g, differences give %g", name, x, slope, want)
			}
		}
	}
	if _, slope := p.ofMean(3); slope != 3 { // bounds belong to the inside, as PyTorch's
		t.Errorf("at the clamp the slope is %g, want 3", slope)
	}
}

func TestExp(t *testing.T) {
	for x := -720.0; x < 720; x += 0.137 {
		if want := math.Exp(x); math.Abs(exp(x)-want) > 1e-8*want {
			t.Fatalf("exp(%g) is %g, want %g", x, exp(x), want)
		}
	}
	if !math.IsNaN(exp(math.NaN())) || !math.IsInf(exp(1e9), 1) {
		t.Error("what is out of range is not passed on")
	}
}

// TestTiles compares the tiled penalty with its plain twin, in more than one
// tile, and for one and two threads.
func TestTiles(t *testing.T) {
	const b, d, f = tileSize/tileCols - 5, 3, 3*tileCols + 7 // tiles of tileCols latents
	for _, learned := range []bool{false, true} {
		for _, relu := range []bool{true, false} {
			v := New().(*VSAE)
			v.Variance, v.MuClamp = "learned", 0.5
			var in [][]float32
			for i, n := range []int{b * d, f * d, f, f * d, f}[:3+2*indicator(learned)] {
				x := make([]float32, n)
				data.NormalFill(x, 8, uint64(i))
				kernel.Scale(x, 0.7)
				in = append(in, x)
			}
			var wide [][]float64
			for _, x := range in {
				wide = append(wide, widen(x))
			}
			plain, want := &plainDense{penalty: v.penalty(), relu: relu}, make([]float64, 1)
			plain.run(want, wide)
			var first [][]float32
			for _, threads := range []int{1, 2} {
				pool := kernel.NewPool(threads)
				defer pool.Close()
				tl, got := &tiles{penalty: v.penalty(), relu: relu, wantX: true, pool: pool, gemm: kernel.NewGEMM(pool)}, make([]float32, 1)
				tl.run(got, in)
				saetest.Near(t, "value", float64(got[0]), want[0], 1e-6)
				for i, x := range in {
					grad, twin := make([]float32, len(x)), make([]float64, len(x))
					tl.scaled(i)(grad, [][]float32{nil, {2}})
					plain.scaled(i)(twin, [][]float64{nil, {2}})
					saetest.WithinNorm(t, "gradient", grad, twin, 1e-5)
					if threads == 1 {
						first = append(first, grad)
					} else {
						saetest.Same(t, "gradient with two threads", grad, first[i])
					}
				}
			}
		}
	}
}

func indicator(b bool) int {
	if b {
		return 1
	}
	return 0
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
