package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// largestOf is the largest number that is one of each block.
func largestOf(x []float32) (tops []float32) {
	for block := range slices.Chunk(x, TopBlock) {
		top := float32(math.Inf(-1))
		for _, v := range block {
			if v == v {
				top = max(top, v)
			}
		}
		tops = append(tops, top)
	}
	return tops
}

func TestTopsTwin(t *testing.T) {
	bad := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		n -= n % TopBlock
		x, got := guardedFloats(r, n, offset), guardedFloats(r, n/TopBlock, offset)
		for range n / 50 {
			x.x[r.IntN(n)] = bad[r.IntN(3)]
		}
		for i := range min(n, TopBlock) {
			x.x[i] = bad[0]
		}
		want := got.clone()
		s.tops(got.x, x.x)
		copy(want.x, largestOf(x.x))
		if !slices.Equal(got.all, want.all) {
			t.Fatalf("n %d, offset %d: tops %v, want %v", n, offset, got.all, want.all)
		}
	})
}

func TestAxpyTopsTwin(t *testing.T) {
	eachShape(t, func(t *testing.T, s *set, r *rand.Rand, n, offset int) {
		n -= n % TopBlock
		x, got, tops := guardedFloats(r, n, 3), guardedFloats(r, n, offset), guardedFloats(r, n/TopBlock, offset)
		want, wantTops := got.clone(), tops.clone()
		s.axpy(want.x, 0.37, x.x)
		copy(wantTops.x, largestOf(want.x))
		s.axpyTops(tops.x, got.x, 0.37, x.x)
		if !slices.Equal(got.all, want.all) || !slices.Equal(tops.all, wantTops.all) {
			t.Fatalf("n %d, offset %d: axpyTops gives other bits than axpy, or other tops", n, offset)
		}
	})
}

// Whole calls, last block and all.
func TestTops(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range testLengths() {
		x, y := randomFloats(r, n), randomFloats(r, n)
		room := make([]float32, n/TopBlock+1)
		if got := Tops(room, x); !slices.Equal(got, largestOf(x)) {
			t.Errorf("n %d: tops %v, want %v", n, got, largestOf(x))
		}
		want := slices.Clone(x)
		Axpy(want, -2, y)
		if got := AxpyTops(room, x, -2, y); !slices.Equal(x, want) || !slices.Equal(got, largestOf(want)) {
			t.Errorf("n %d: AxpyTops differs from Axpy and Tops", n)
		}
	}
}

// BenchmarkAxpyTops moves the scores of a row by those of one latent.
func BenchmarkAxpyTops(b *testing.B) {
	x, dst, tops := benchFloats(benchF), benchFloats(benchF), make([]float32, benchF/TopBlock)
	benchSets(b, func(b *testing.B, s *set) {
		for b.Loop() {
			s.axpyTops(tops, dst, 1e-9, x)
		}
		rate(b, 12*benchF)
	})
}
