package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// planted gives rows that are sums of benchK of F directions, as a trained
// dictionary sees them, and those directions.
func planted(B, D, F, K int) (x, w []float32) {
	r := rand.New(rand.NewPCG(11, 12))
	w = randomFloats(r, F*D)
	for f := range F {
		row := w[f*D : (f+1)*D]
		Scale(row, float32(1/math.Sqrt(SumSquares(row))))
	}
	x = randomFloats(r, B*D)
	Scale(x, 0.1/float32(math.Sqrt(float64(D))))
	for b := range B {
		for range K {
			Axpy(x[b*D:(b+1)*D], 0.5+r.Float32(), w[r.IntN(F)*D:])
		}
	}
	return x, w
}

// BenchmarkSelect is the encoder: scores of all latents, and the choice. The
// rate counts the whole product, whether it was made or not.
func BenchmarkSelect(b *testing.B) {
	pool := NewPool(2)
	defer pool.Close()
	for _, data := range []string{"planted", "normal"} {
		x, w := planted(benchB, benchD, benchF, benchK)
		if data == "normal" {
			x, w = benchFloats(benchB*benchD), benchFloats(benchF*benchD)
		}
		for _, rule := range []Rule{{Kind: TopK, K: benchK}, {Kind: BatchTopK, K: benchK}} {
			for _, screen := range []Screen{ScreenAuto, ScreenOff, ScreenStatistical} {
				name := fmt.Sprintf("%s/%s/%s", data, []string{"topk", "batchtopk"}[rule.Kind], []string{"auto", "exact", "statistical"}[screen])
				b.Run(name, func(b *testing.B) {
					benchSets(b, func(b *testing.B, s *set) {
						sel, dst := NewSelector(pool), &Support{}
						sel.set, sel.Screen = s, screen
						best(b, 2*benchB*benchD*benchF, func() {
							if err := sel.Select(dst, x, w, nil, benchB, benchD, benchF, rule); err != nil {
								b.Fatal(err)
							}
						})
						if rows, scored := sel.Screened(); rows > 0 {
							b.ReportMetric(float64(scored)/float64(rows), "scored/row")
						}
					})
				})
			}
		}
	}
}

// BenchmarkScreenMisses counts what screening picks wrongly, by either bound,
// over all pairs of a row and a latent, and how many pairs the bound left to be
// scored: the decisions near the threshold.
func BenchmarkScreenMisses(b *testing.B) {
	pool := NewPool(2)
	defer pool.Close()
	for _, d := range []int{256, benchD} {
		for _, screen := range []Screen{ScreenAuto, ScreenStatistical} {
			b.Run(fmt.Sprintf("d%d/%s", d, []string{"certified", "", "statistical"}[screen]), func(b *testing.B) {
				missed, near, pairs := 0, 0, 0
				for b.Loop() {
					r := rand.New(rand.NewPCG(uint64(d), uint64(pairs)))
					x, w := randomFloats(r, benchB*d), randomFloats(r, benchF*d)
					m, n := misses(b, pool, screen, x, w, d)
					missed, near, pairs = missed+m, near+n, pairs+benchB*benchF
				}
				if screen == ScreenAuto && missed > 0 {
					b.Fatalf("the certified bound missed %d picks", missed)
				}
				b.ReportMetric(float64(missed), "misses")
				b.ReportMetric(float64(near), "near")
				b.ReportMetric(float64(pairs), "pairs")
			})
		}
	}
}

// misses counts the exact picks that a screened selection lacks.
func misses(b *testing.B, pool *Pool, screen Screen, x, w []float32, d int) (missed, near int) {
	var got, want Support
	exact, screened := NewSelector(pool), NewSelector(pool)
	exact.Screen, screened.Screen = ScreenOff, screen
	for sel, dst := range map[*Selector]*Support{exact: &want, screened: &got} {
		if err := sel.Select(dst, x, w, nil, benchB, d, benchF, Rule{Kind: TopK, K: benchK}); err != nil {
			b.Fatal(err)
		}
	}
	rows, scored := screened.Screened()
	if rows == 0 {
		b.Skip("the kernels in use do not score in bytes")
	}
	for i := range benchB {
		kept := got.Index[got.RowPtr[i]:got.RowPtr[i+1]]
		for _, f := range want.Index[want.RowPtr[i]:want.RowPtr[i+1]] {
			if !slices.Contains(kept, f) {
				missed++
			}
		}
	}
	return missed, scored
}
