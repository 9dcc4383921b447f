package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestScreenKernelTwin(t *testing.T) {
	eachBytes(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(5, 6))
		rows, cols := s.tileRows, s.tileCols
		for round := range 200 {
			acc := make([]int32, rows*cols)
			for i := range acc {
				acc[i] = int32(r.IntN(2001) - 1000)
			}
			latents, parts := randomFloats(r, latentParts*cols), randomFloats(r, rowParts*rows)
			nan, inf := float32(math.NaN()), float32(math.Inf(1))
			latents[cols+r.IntN(cols)], latents[4*cols+r.IntN(cols)] = nan, nan // add, rest
			parts[rows+r.IntN(rows)], parts[4*rows+r.IntN(rows)] = inf, inf     // above, must
			keep := []uint32{math.MaxUint32, math.MaxInt32}[round%2]
			columns := ^uint32(0) >> r.IntN(32)
			want, got, lists, count := make([]picks, rows), make([]picks, rows), make([]*float32, 3*rows), make([]int, rows)
			for i := range rows {
				for range r.IntN(3) { // entries of before
					want[i].add(1, 2, 3)
					got[i].add(1, 2, 3)
				}
				got[i].reserve(cols + block)
				count[i] = got[i].len()
				lists[3*i], lists[3*i+1], lists[3*i+2] = got[i].begins()
				want[i].screen(acc[i*cols:(i+1)*cols], latents, 1000, columns, keep, func(part int) float64 { return float64(parts[part*rows+i]) })
			}
			s.bytes.screen(acc, latents, 1000, columns, keep, parts, lists, count)
			for i := range rows {
				got[i].cut(count[i])
				want[i].equal(t, &got[i])
			}
		}
	})
}

// screen is the twin of the kernel for one row.
func (p *picks) screen(acc []int32, latents []float32, first int32, columns, keep uint32, row func(int) float64) {
	cols := len(acc)
	part := func(k, j int) float64 { return float64(latents[k*cols+j]) }
	for j := range acc {
		key := float32(math.FMA(float64(float32(acc[j])*latents[j]), row(0), part(1, j)))
		key = math.Float32frombits(math.Float32bits(key) & keep)
		margin := float32(math.FMA(row(3), part(3, j), part(4, j)))
		reach := key + float32(math.FMA(row(2), part(2, j), float64(margin)))
		if columns>>j&1 == 1 && !(float64(key) <= row(1)) && !(float64(reach) <= row(4)) {
			p.add(key, reach, first+int32(j))
		}
	}
}

func (p *picks) equal(t *testing.T, got *picks) {
	t.Helper()
	same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b }
	if !slices.Equal(p.index, got.index) || !slices.EqualFunc(p.key, got.key, same) || !slices.EqualFunc(p.score, got.score, same) {
		t.Fatalf("kept are %v, want %v", got, p)
	}
}

// randomPicks has keys and reaches that are often equal, and some NaN.
func randomPicks(r *rand.Rand, n int) *picks {
	number := func() float32 {
		if r.IntN(20) == 0 {
			return float32(math.NaN())
		}
		return float32(r.IntN(9) - 4)
	}
	p := &picks{}
	for range n {
		p.add(number(), number(), r.Int32())
	}
	p.reserve(block)
	return p
}

func TestThinAndChooseTwins(t *testing.T) {
	eachBytes(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(7, 8))
		for n := range 200 {
			p := randomPicks(r, n)
			least, below, must := float32(r.IntN(5)-4), float32(r.IntN(5)), float32(r.IntN(7)-3)
			thinned, chosen := &picks{}, []int32{}
			for i, key := range p.key {
				if !(p.score[i] <= must) {
					thinned.add(key, p.score[i], p.index[i])
					if key >= least && key < below {
						chosen = append(chosen, p.index[i])
					}
				}
			}
			out := make([]int32, n+block)
			if got := out[:s.bytes.choose(p.key, p.score, p.index, least, below, must, out)]; !slices.Equal(got, chosen) {
				t.Fatalf("n %d: chosen are %v, want %v", n, got, chosen)
			}
			p.cut(s.bytes.thin(p.key, p.score, p.index, must))
			thinned.equal(t, p)
		}
	})
}

func TestKthFromTwin(t *testing.T) {
	eachBytes(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(9, 10))
		for n := range 200 {
			x := randomPicks(r, n).key
			if n%2 == 0 {
				x = randomFloats(r, n)
			}
			k, sorted := 1+r.IntN(n+1), slices.Clone(x)
			slices.Sort(sorted) // NaN first
			for _, from := range []float32{float32(math.Inf(-1)), -1, 0, 2} {
				want := from
				if k <= n && sorted[n-k] > from {
					want = sorted[n-k]
				}
				if got := s.bytes.kthFrom(x, k, from, 0); got != want {
					t.Fatalf("number %d of %d, from %g, is %g, want %g: %v", k, n, from, got, want, x)
				}
				const within = 1 << 16
				if got := s.bytes.kthFrom(x, k, from, within); !(got <= want && got >= from && placeOf(want)-placeOf(got) <= within) {
					t.Fatalf("number %d of %d, from %g, is nearly %g, want %g: %v", k, n, from, got, want, x)
				}
			}
		}
	})
}

// placeOf is where x stands in the order of float32.
func placeOf(x float32) int {
	if x < 0 {
		return -int(math.Float32bits(-x))
	}
	return int(math.Float32bits(x))
}

func TestOrderTwin(t *testing.T) {
	eachBytes(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(11, 12))
		for n := range orderRoom + 1 {
			p, got := randomPicks(r, n), picks{}
			for i, f := range r.Perm(n) {
				p.index[i] = int32(f * 1000)
			}
			got.reserve(n)
			got.cut(n)
			s.bytes.order(p.index, got.index, p.key, got.key, p.score, got.score)
			p.sort()
			p.equal(t, &got)
		}
	})
}
