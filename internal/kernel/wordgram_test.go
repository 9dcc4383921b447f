package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAxpyWordsTopsTwin(t *testing.T) {
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		if s.words == nil {
			return
		}
		n -= n % TopBlock
		words, numbers := make([]int16, n), make([]float32, n)
		for i := range words {
			words[i] = int16(r.Uint32())
			numbers[i] = float32(words[i])
		}
		got, tops := guardedFloats(r, n, offset), guardedFloats(r, n/TopBlock, offset)
		want, wantTops := got.clone(), tops.clone()
		s.axpyTops(wantTops.x, want.x, 0.37, numbers)
		s.words.axpyTops(tops.x, got.x, 0.37, words)
		if !slices.Equal(got.all, want.all) || !slices.Equal(tops.all, wantTops.all) {
			t.Fatalf("n %d, offset %d: axpyWordsTops gives other bits than axpyTops", n, offset)
		}
	})
}

// TestStreamWordsTwin holds words that go past the caches against others.
func TestStreamWordsTwin(t *testing.T) {
	eachSet(t, func(t *testing.T, s *set) {
		if s.words == nil {
			return
		}
		r := rand.New(rand.NewPCG(7, 8))
		all := wordsOf(make([]float32, 600))
		all = all[(-int(lineOffset(all))&63)/2:]
		for n := 0; n < 800; n += lineWords {
			x, want := randomFloats(r, n), make([]int16, n)
			for i := range x {
				x[i] *= 20000 // some are beyond a word
			}
			for i := range all {
				all[i] = 77
			}
			s.words.quantize(wordBytes(want), x, 1/1.7, 1.7)
			s.words.stream(all[lineWords:lineWords+n], x, 1.7)
			s.fence()
			if !slices.Equal(all[lineWords:lineWords+n], want) || all[lineWords-1] != 77 || all[lineWords+n] != 77 {
				t.Fatalf("%d words differ, or more were written", n)
			}
		}
	})
}

// TestWordGram holds each entry against the product of the two rows, of one
// matrix and of two, with rows of zeros and rows of one large number among
// them, and asks that the bound is narrow.
func TestWordGram(t *testing.T) {
	if chosen.words == nil {
		t.Skip("this set has no words")
	}
	pool := NewPool(2)
	defer pool.Close()
	g := NewWordGram(pool)
	for _, n := range []int{256, 300, 461} {
		for _, d := range []int{64, 97} {
			r := rand.New(rand.NewPCG(uint64(n), uint64(d)))
			a, b := randomFloats(r, n*d), randomFloats(r, n*d)
			clear(a[3*d : 4*d])
			clear(a[200*d : 201*d])
			a[200*d+5] = 7
			for name, right := range map[string][]float32{"one": a, "two": b} {
				most := longestRow(a, d) * longestRow(right, d)
				if !g.Make(a, right, n, d, most) {
					t.Fatalf("%s, n %d, d %d: no estimates of ordinary rows", name, n, d)
				}
				if g.Off() > 1e-3*most {
					t.Errorf("%s, n %d, d %d: off by %g of up to %g", name, n, d, g.Off(), most)
				}
				checkGram(t, g, a, right, n, d)
			}
		}
	}
}

func longestRow(x []float32, d int) (norm float64) {
	for row := range slices.Chunk(x, d) {
		norm = max(norm, math.Sqrt(SumSquares(row)))
	}
	return norm
}

func checkGram(t *testing.T, g *WordGram, left, right []float32, n, d int) {
	t.Helper()
	got, tops := make([]float32, n), make([]float32, ceilDiv(n, TopBlock))
	for j := range n {
		clear(got)
		g.AxpyTops(tops, got, 1, j)
		if !slices.Equal(tops, largestOf(got)) {
			t.Fatalf("row %d: tops %v", j, tops)
		}
		for i := range n {
			want := DotF64(left[j*d:(j+1)*d], right[i*d:(i+1)*d])
			if !(math.Abs(float64(got[i])-want) <= g.Off()*(1+1e-6)) {
				t.Fatalf("n %d, d %d, entry %d,%d: %g of %g is off by more than %g", n, d, j, i, got[i], want, g.Off())
			}
		}
	}
}

// TestWordGramRefuses what has no estimates.
func TestWordGramRefuses(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	x := randomFloats(rand.New(rand.NewPCG(1, 2)), 300*64)
	g := NewWordGram(pool)
	if g.Make(x, x, 200, 64, 100) || g.Make(x, x, 300, 20, 100) {
		t.Error("products of few or narrow rows are estimated")
	}
	y := slices.Clone(x)
	y[100] = float32(math.NaN())
	if g.Make(x, y, 300, 64, 100) || g.Make(y, x, 300, 64, 100) {
		t.Error("products with a NaN are estimated")
	}
}

// BenchmarkWordGram makes the product of a dictionary with itself, and moves
// scores by its rows in no order.
func BenchmarkWordGram(b *testing.B) {
	if chosen.words == nil {
		b.Skip("this set has no words")
	}
	const f, d = 6144, 768
	pool := NewPool(1)
	defer pool.Close()
	r := rand.New(rand.NewPCG(1, 2))
	w := randomFloats(r, f*d)
	g, most := NewWordGram(pool), longestRow(w, d)*longestRow(w, d)
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			g.Make(w, w, f, d, most)
		}
		b.ReportMetric(f*f*d*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
	})
	g.Make(w, w, f, d, most)
	dst, tops := make([]float32, f), make([]float32, f/TopBlock)
	b.Run("axpy", func(b *testing.B) {
		for b.Loop() {
			g.AxpyTops(tops, dst, 1e-9, r.IntN(f))
		}
		rate(b, 2*f)
	})
}
