package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The sizes of a step: B rows of D, F latents, K active a row.
const (
	benchB = 1024
	benchD = 768
	benchF = 6144
	benchK = 32
)

// gflops reports the rate of b.N rounds of the given operations.
func gflops(b *testing.B, operations float64) {
	b.ReportMetric(operations*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// rate reports the bytes moved by b.N rounds.
func rate(b *testing.B, bytes float64) {
	b.ReportMetric(bytes*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
}

func benchSets(b *testing.B, f func(b *testing.B, s *set)) {
	for _, s := range available() {
		b.Run(s.name, func(b *testing.B) { f(b, s) })
	}
}

func benchFloats(n int) []float32 { return randomFloats(rand.New(rand.NewPCG(1, 2)), n) }

func benchIndex(n, rows int) []int32 {
	r := rand.New(rand.NewPCG(3, 4))
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = int32(r.IntN(rows))
	}
	return idx
}

func BenchmarkDot(b *testing.B) {
	x, y := benchFloats(benchD), benchFloats(benchD)
	benchSets(b, func(b *testing.B, s *set) {
		for b.Loop() {
			s.dot(x, y)
		}
		gflops(b, 2*benchD)
	})
}

// BenchmarkDots is one row of SDDMM, its latents spread over a dictionary
// that fits the last-level cache.
func BenchmarkDots(b *testing.B) {
	w, x, dst := benchFloats(benchF*benchD), benchFloats(benchD), make([]float32, benchK)
	idx := benchIndex(benchK*997, benchF)
	benchSets(b, func(b *testing.B, s *set) {
		for i := 0; b.Loop(); i = (i + 1) % 996 {
			s.dots(dst, x, w, idx[benchK*i:benchK*(i+1)], idx[benchK*(i+1):benchK*(i+2)], benchF)
		}
		gflops(b, 2*benchD*benchK)
		rate(b, 4*benchD*benchK)
	})
}

// BenchmarkSumRows is one row of SpMM.
func BenchmarkSumRows(b *testing.B) {
	w, dst, v := benchFloats(benchF*benchD), make([]float32, benchD), benchFloats(benchK)
	idx := benchIndex(benchK*997, benchF)
	benchSets(b, func(b *testing.B, s *set) {
		for i := 0; b.Loop(); i = (i + 1) % 996 {
			s.sumRows(dst, v, w, idx[benchK*i:benchK*(i+1)], idx[benchK*(i+1):benchK*(i+2)], benchF, true)
		}
		gflops(b, 2*benchD*benchK)
		rate(b, 4*benchD*benchK)
	})
}

// BenchmarkCopy is the bandwidth that gathers are held against: rows of D
// from the same place.
func BenchmarkCopy(b *testing.B) {
	w, dst := benchFloats(benchF*benchD), make([]float32, benchD)
	idx := benchIndex(997*benchK, benchF)
	for i := 0; b.Loop(); i = (i + 1) % len(idx) {
		copy(dst, w[int(idx[i])*benchD:])
	}
	rate(b, 4*benchD)
}

func BenchmarkAdam(b *testing.B) {
	const n = benchF * benchD
	w, g, m, v := benchFloats(n), benchFloats(n), make([]float32, n), make([]float32, n)
	step := NewAdamStep(1e-3, 0.9, 0.999, 1e-8, 3)
	benchSets(b, func(b *testing.B, s *set) {
		for b.Loop() {
			step.run(s.adam, w, g, m, v)
		}
		rate(b, 7*4*n)
	})
}

func BenchmarkSumSquares(b *testing.B) {
	x := benchFloats(32 * benchD)
	benchSets(b, func(b *testing.B, s *set) {
		for b.Loop() {
			s.dotF64(x, x)
		}
		rate(b, 4*32*benchD)
	})
}

func BenchmarkAllFinite(b *testing.B) {
	x := make([]float32, 1<<14)
	benchSets(b, func(b *testing.B, s *set) {
		for b.Loop() {
			s.allFinite(x)
		}
		rate(b, 4<<14)
	})
}

func BenchmarkHalfToFloat(b *testing.B) {
	src, dst := make([]uint16, 1<<14), make([]float32, 1<<14)
	benchSets(b, func(b *testing.B, s *set) {
		for b.Loop() {
			s.halfToFloat(dst, src)
		}
		rate(b, 6<<14)
	})
}

// BenchmarkGEMM reports the best round beside the mean, so that a busy machine
// can be told from a slow kernel. With the tag openblas it runs that library on
// the same matrices.
func BenchmarkGEMM(b *testing.B) {
	shapes := []struct {
		product int
		m, n, k int
	}{
		{0, 960, benchF, benchD}, // the encoder
		{1, 960, benchD, benchF}, // its gradient to x
		{2, benchF, benchD, 960}, // and to the weights
		{0, 480, 512, 64},
	}
	pool := NewPool(2)
	defer pool.Close()
	for _, s := range shapes {
		p := products[s.product]
		x, w, dst := benchFloats(s.m*s.k), benchFloats(s.n*s.k), make([]float32, s.m*s.n)
		b.Run(fmt.Sprintf("%s-%dx%dx%d", p.name, s.m, s.n, s.k), func(b *testing.B) {
			operations := 2 * float64(s.m) * float64(s.n) * float64(s.k)
			benchSets(b, func(b *testing.B, set *set) {
				g := NewGEMM(pool)
				g.set = set
				best(b, operations, func() { p.run(g, dst, x, w, s.m, s.n, s.k, false) })
			})
			if rival != nil {
				b.Run("openblas", func(b *testing.B) {
					best(b, operations, func() { rival(dst, x, w, s.m, s.n, s.k, p.aT, !p.bT) })
				})
			}
		})
	}
}

// best reports the rate of the fastest round.
func best(b *testing.B, operations float64, round func()) {
	fastest := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		round()
		fastest = min(fastest, time.Since(start))
	}
	b.ReportMetric(operations/fastest.Seconds()/1e9, "best-GFLOP/s")
}
