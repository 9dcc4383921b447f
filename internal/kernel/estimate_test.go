package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestEstimator holds estimates against scores within their bounds, for rows of
// one large number, of many equal ones, zero rows and subsets, and asks that
// the bounds are narrow.
func TestEstimator(t *testing.T) {
	if chosen.words == nil {
		t.Skip("this set has no words")
	}
	pool := NewPool(2)
	defer pool.Close()
	for _, d := range []int{1, 2, 3, 15, 64, 97, 768} {
		for _, f := range []int{1, 63, 130} {
			for _, rows := range []int{1, 12, 25} {
				t.Run(fmt.Sprintf("%d/%d/%d", d, f, rows), func(t *testing.T) {
					r := rand.New(rand.NewPCG(uint64(d), uint64(f)))
					x, w, bias := randomFloats(r, rows*d), randomFloats(r, f*d), randomFloats(r, f)
					x[0] = 1e4
					for i := range d {
						w[i] = 3
						if rows > 1 {
							x[(rows-1)*d+i] = 0
						}
						if rows > 2 {
							x[(rows-2)*d+i] = -5
						}
					}
					e := NewEstimator(pool)
					checkEstimates(t, e, x, w, bias, nil, rows, f, d)
					checkEstimates(t, e, x, w, bias, []int32{0, int32(f / 2), int32(f - 1)}[:1+min(f-1, 2)], rows, f, d)
				})
			}
		}
	}
}

func checkEstimates(t *testing.T, e *Estimator, x, w, bias []float32, subset []int32, rows, f, d int) {
	t.Helper()
	var r EstimateRows
	if !e.Weights(w, bias, subset, f, d) || !e.Rows(&r, x, rows) {
		t.Fatal("no estimates of ordinary rows")
	}
	n := f
	if subset != nil {
		n = len(subset)
	}
	const ld = EstimateLatents + 3
	dst := make([]float32, (rows+EstimatePadding)*ld)
	for group := range ceilDiv(n, EstimateLatents) {
		e.Estimate(dst, ld, &r, group)
		for i := range rows {
			for j := range min(EstimateLatents, n-group*EstimateLatents) {
				l := group*EstimateLatents + j
				if subset != nil {
					l = int(subset[l])
				}
				row, weights := x[i*d:(i+1)*d], w[l*d:(l+1)*d]
				score, off := Dot(row, weights)+bias[l], e.Error(&r, group, i)
				if got := dst[i*ld+j]; !(math.Abs(float64(got)-float64(score)) <= float64(off)) {
					t.Fatalf("row %d, latent %d: estimate %g of %g is off by more than %g", i, l, got, score, off)
				}
				most := math.Sqrt(SumSquares(row)) * math.Sqrt(float64(d)) * 4
				if float64(off) > 2e-3*most+1e-5 {
					t.Fatalf("row %d: a bound of %g for a product of up to %g", i, off, most)
				}
			}
		}
	}
}

// TestEstimatorRefuses what has no estimate.
func TestEstimatorRefuses(t *testing.T) {
	if chosen.words == nil {
		t.Skip("this set has no words")
	}
	pool := NewPool(1)
	defer pool.Close()
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), 1e30, 1e-30} {
		e, good := NewEstimator(pool), []float32{1, 2}
		if e.Weights([]float32{bad, 0}, good, nil, 1, 2) {
			t.Errorf("weights of %g have an estimate", bad)
		}
		if !e.Weights(good, good, nil, 1, 2) || e.Rows(&EstimateRows{}, []float32{1, 1, bad, 0}, 2) {
			t.Errorf("a row of %g has an estimate", bad)
		}
	}
}

func BenchmarkEstimate(b *testing.B) {
	if chosen.words == nil {
		b.Skip("this set has no words")
	}
	const rows, f, d = 192, 6144, 768
	pool := NewPool(1)
	defer pool.Close()
	r := rand.New(rand.NewPCG(1, 2))
	x, w, bias := randomFloats(r, rows*d), randomFloats(r, f*d), randomFloats(r, f)
	e, er, dst := NewEstimator(pool), &EstimateRows{}, make([]float32, (rows+EstimatePadding)*EstimateLatents)
	b.Run("weights", func(b *testing.B) {
		for b.Loop() {
			e.Weights(w, bias, nil, f, d)
		}
	})
	e.Weights(w, bias, nil, f, d)
	e.Rows(er, x, rows)
	b.Run("words", func(b *testing.B) {
		for b.Loop() {
			for group := range f / EstimateLatents {
				e.Estimate(dst, EstimateLatents, er, group)
			}
		}
		b.ReportMetric(2*rows*f*d*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
	})
	b.Run("numbers", func(b *testing.B) {
		for b.Loop() {
			for first := 0; first < f; first += EstimateLatents {
				DotBlock(dst, EstimateLatents, x, w[first*d:], rows, EstimateLatents, d)
			}
		}
		b.ReportMetric(2*rows*f*d*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
	})
}
