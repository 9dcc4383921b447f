package afa

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
)

// prefix is the rule word for word: sort all F latents, give the last prefix
// the sentinel's norm, and take the first of the nearest. margin is how
// clearly it is the nearest.
func prefix(keys []float32, t float64) (kept []int32, margin float64) {
	order := make([]int32, len(keys))
	for i := range order {
		order[i] = int32(i)
	}
	squared := func(i int32) float64 {
		if !(keys[i] > 0) {
			return 0
		}
		return float64(keys[i]) * float64(keys[i])
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch x, y := squared(a), squared(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	best, second, k, sum := math.Inf(1), math.Inf(1), 0, 0.0
	for j, i := range order {
		sum += squared(i)
		c := math.Sqrt(sum)
		if j == len(order)-1 {
			c = sentinel
		}
		switch miss := math.Abs(c - t); {
		case miss < best:
			best, second, k = miss, best, j+1
		case squared(i) > 0 && miss < second:
			second = miss
		}
	}
	for _, i := range order[:k] {
		if keys[i] > 0 {
			kept = append(kept, i)
		}
	}
	slices.Sort(kept)
	return kept, second - best
}

// choose runs the rule on keys that are there already.
func choose(keys []float32, t float64) (kept []int32) {
	c := chooser{keys: keys}
	c.b.fill(keys, t, 0)
	var p picks
	c.keep(&p, c.b.nearest(keys, len(keys), t, t*t), nil, keys)
	return p.index
}

// TestRuleByHand is section 7.2 of the paper's cases: an exact match, the
// nearest in norm and not in squared norm, the sentinel, and its reach.
func TestRuleByHand(t *testing.T) {
	a := []float32{3, 2, 1, 0.5}
	for _, c := range []struct {
		a    []float32
		t    float64
		kept []int32
	}{
		{a, math.Sqrt(13), []int32{0, 1}},
		{a, math.Sqrt(14), []int32{0, 1, 2}},
		{a, math.Sqrt(11), []int32{0, 1}},
		{a, 10, []int32{0, 1, 2}},
		{a, 3.77, []int32{0, 1, 2}},
		{[]float32{4, 3, 0}, 4.5, []int32{0}},
		{a, 1e5, []int32{0, 1, 2, 3}},
		{a, 0, []int32{0}},
		{[]float32{3, 2, 0, 0}, 10, []int32{0, 1}},
		{[]float32{0, 0, 0, 0}, 1, nil},
		{[]float32{0.5, 0.5, 0.5, 0.5}, 1, []int32{0, 1, 2}},
		{[]float32{2}, 7, []int32{0}},
		{[]float32{-1}, 7, nil},
		{[]float32{2, 3}, 2.4, []int32{1}},
		{[]float32{1, -2, float32(math.NaN()), 2}, 100, []int32{0, 3}},
		{[]float32{8000, 7000, 6000, 5000}, 12500, []int32{0, 1, 2}},
		{[]float32{8000, 7000, -1, -1}, 9500, []int32{0, 1}},
		{[]float32{20000, 1, 1, -1}, 9999, []int32{0, 1, 2}},
	} {
		if got := choose(c.a, c.t); !slices.Equal(got, c.kept) {
			t.Errorf("a %v, t %v: kept %v, want %v", c.a, c.t, got, c.kept)
		}
	}
}

// TestRuleEqualsFullSort draws rows of many shapes and compares with the plain
// twin wherever the nearest prefix is not a matter of rounding.
func TestRuleEqualsFullSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	decided, all := 0, 0
	for range 20_000 {
		keys := randomKeys(r, 1+r.IntN(300))
		norm := randomTarget(r, keys)
		want, margin := prefix(keys, norm)
		all++
		if margin < 1e-9*(1+norm) {
			continue
		}
		decided++
		if got := choose(keys, norm); !slices.Equal(got, want) {
			t.Fatalf("t %v, keys %v: kept %v, want %v", norm, keys, got, want)
		}
	}
	if decided < all*9/10 {
		t.Errorf("only %d of %d rows were clear enough to compare", decided, all)
	}
}

// randomKeys are normal, of mixed magnitudes, tied or all positive.
func randomKeys(r *rand.Rand, n int) []float32 {
	keys := make([]float32, n)
	kind, scale := r.IntN(5), math.Exp(3*r.NormFloat64())
	for i := range keys {
		k := r.NormFloat64()
		switch kind {
		case 1:
			k = math.Abs(k)
		case 2:
			k *= math.Exp(3 * r.NormFloat64())
		case 3:
			k = float64(r.IntN(7) - 2)
		case 4:
			k = min(k, 0)
			if r.IntN(20) == 0 {
				k = 1 + r.Float64()
			}
		}
		keys[i] = float32(scale * k)
	}
	return keys
}

func randomTarget(r *rand.Rand, keys []float32) float64 {
	sum := 0.0
	for _, k := range keys {
		sum += float64(max(k, 0)) * float64(max(k, 0))
	}
	switch r.IntN(12) {
	case 0:
		return 0
	case 1:
		return 2 * sentinel * r.Float64()
	default:
		return math.Sqrt(sum) * 1.2 * r.Float64()
	}
}

// pick selects with a picker that has been used, and decides from the ask
// largest keys first.
func (s scene) pick(t *testing.T, threads, ask int) *kernel.Support {
	t.Helper()
	pool := kernel.NewPool(threads)
	defer pool.Close()
	p, got := newPicker(pool, kernel.NewSelector(pool)), &kernel.Support{}
	p.norms = s.norms
	for range 2 {
		p.ask = min(ask, s.f)
		if err := p.pick(got, s.x, s.w, nil, s.b, s.d, s.f); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// TestPickerEqualsFullSort scores every latent with kernel.Dot and compares
// supports and the bits of scores, for 1 and 2 threads.
func TestPickerEqualsFullSort(t *testing.T) {
	for name, s := range scenes() {
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s/%d", name, threads), func(t *testing.T) {
				got := s.pick(t, threads, 0)
				unclear := 0
				for i := range s.b {
					x := s.x[i*s.d : (i+1)*s.d]
					scores, keys := make([]float32, s.f), make([]float32, s.f)
					for f := range scores {
						scores[f] = kernel.Dot(x, s.w[f*s.d:(f+1)*s.d])
						keys[f] = scores[f] * s.norms[f]
					}
					norm := math.Sqrt(kernel.SumSquares(x))
					want, margin := prefix(keys, norm)
					lo, hi := got.RowPtr[i], got.RowPtr[i+1]
					if margin < 1e-12*norm {
						unclear++
						continue
					}
					if !slices.Equal(got.Index[lo:hi], want) {
						t.Errorf("row %d: kept %v, want %v", i, got.Index[lo:hi], want)
					}
					for e := lo; e < hi; e++ {
						if got.Score[e] != scores[got.Index[e]] {
							t.Errorf("row %d latent %d: score %v, want %v", i, got.Index[e], got.Score[e], scores[got.Index[e]])
						}
					}
				}
				if unclear > s.b/2 {
					t.Errorf("%d of %d rows are too close to compare", unclear, s.b)
				}
			})
		}
	}
}

// TestFewKeysChangeNoBit decides from so many of the largest keys first that
// none, some or all rows are decided by them.
func TestFewKeysChangeNoBit(t *testing.T) {
	for name, s := range scenes() {
		want := s.pick(t, 1, 0)
		for _, ask := range []int{1, 2, 7, 30, 100, 1000} {
			got := s.pick(t, 2, ask)
			if !slices.Equal(got.RowPtr, want.RowPtr) || !slices.Equal(got.Index, want.Index) || !slices.Equal(got.Score, want.Score) {
				t.Errorf("%s: the %d largest keys of a row decide otherwise than all do", name, ask)
			}
		}
	}
}

// TestAsksForWhatIsKept: wide rows that keep few of many latents are decided
// from their largest keys, all but a few of them, and after a batch of rows
// that keep many nothing is asked.
func TestAsksForWhatIsKept(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	s := randomScene(rand.New(rand.NewPCG(8, 9)), 100, 256, 1024)
	p, got := newPicker(pool, kernel.NewSelector(pool)), &kernel.Support{}
	p.norms = s.norms
	pick := func(scale float64) {
		t.Helper()
		w := slices.Clone(s.w)
		scaleRows(w, s.d, func(int) float64 { return scale })
		if err := p.pick(got, s.x, w, nil, s.b, s.d, s.f); err != nil {
			t.Fatal(err)
		}
	}
	pick(30)
	if p.ask == 0 {
		t.Fatalf("rows keep %d latents in all, and none are asked for", len(got.Index))
	}
	pick(30)
	if len(p.todo) > s.b/10 {
		t.Errorf("%d of %d rows were scored against every latent", len(p.todo), s.b)
	}
	pick(1)
	if p.ask != 0 {
		t.Errorf("rows keep %d latents in all, and %d of each are asked for", len(got.Index), p.ask)
	}
}
