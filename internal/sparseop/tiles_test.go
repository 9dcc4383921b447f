package sparseop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
)

// randomSupport keeps each latent with the given chance.
func randomSupport(z sizes, chance float64) *Support {
	r := rand.New(rand.NewPCG(3, 4))
	s := &Support{B: z.B, F: z.F, Cap: z.Cap, Rows: z.B}
	ptr, index := []int32{0}, []int32(nil)
	for range z.B {
		for f := range z.F {
			if r.Float64() < chance {
				index = append(index, int32(f))
			}
		}
		ptr = append(ptr, int32(len(index)))
	}
	s.Set(ptr, index, make([]float32, len(index)))
	return s
}

func normals32(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// TestTiles compares products over several tiles, the last of them narrow,
// with sums over entries, and threads with each other.
func TestTiles(t *testing.T) {
	z := sizes{B: 21, D: 9, F: 3*tileCols + 17, Cap: 21 * (3*tileCols + 17)}
	s, r := randomSupport(z, 0.3), rand.New(rand.NewPCG(5, 6))
	v, x, w := normals32(r, s.Count()), normals32(r, z.B*z.D), normals32(r, z.F*z.D)
	wantY, wantV, wantW := make([]float64, z.B*z.D), make([]float64, s.Count()), make([]float64, z.F*z.D)
	for b := range z.B {
		lo, hi := s.Row(b)
		for e := lo; e < hi; e++ {
			f := int(s.Index()[e])
			for j := range z.D {
				wantY[b*z.D+j] += float64(v[e]) * float64(w[f*z.D+j])
				wantV[e] += float64(x[b*z.D+j]) * float64(w[f*z.D+j])
				wantW[f*z.D+j] += float64(v[e]) * float64(x[b*z.D+j])
			}
		}
	}
	var first [][]float32
	for _, threads := range []int{1, 2} {
		pool := kernel.NewPool(threads)
		defer pool.Close()
		p := newTiles(pool)
		p.size = tileCols * z.B
		y, u, g := make([]float32, z.B*z.D), make([]float32, s.Count()), make([]float32, z.F*z.D)
		p.spmm(y, v, w, s, z.D)
		p.sddmm(u, x, w, s, z.D)
		p.spmmt(g, v, x, s, z.D)
		close32(t, "spmm", y, wantY)
		close32(t, "sddmm", u, wantV)
		close32(t, "spmmt", g, wantW)
		if first == nil {
			first = [][]float32{y, u, g}
		}
		for i, got := range [][]float32{y, u, g} {
			if !slices.Equal(got, first[i]) {
				t.Errorf("product %d has other bits with %d threads", i, threads)
			}
		}
	}
}

func close32(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	for i, v := range want {
		if d := float64(got[i]) - v; d > 1e-4 || d < -1e-4 {
			t.Fatalf("%s: entry %d is %v, want %v", what, i, got[i], v)
		}
	}
}

// BenchmarkDensity is the three products of a step by either path, at the size
// that reports compare: denseFrom is where they cost the same.
func BenchmarkDensity(b *testing.B) {
	z := sizes{B: 1024, D: 768, F: 6144}
	pool := kernel.NewPool(2)
	defer pool.Close()
	g, r := &Graph{Pool: pool}, rand.New(rand.NewPCG(1, 2))
	x, w, y, dw := normals32(r, z.B*z.D), normals32(r, z.F*z.D), make([]float32, z.B*z.D), make([]float32, z.F*z.D)
	for _, share := range []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.5} {
		z.Cap = z.B * z.F
		s := randomSupport(z, share)
		v := normals32(r, s.Count())
		b.Run(fmt.Sprintf("entries/%v", share), func(b *testing.B) {
			m, d, t := &spmm[float32]{g: g, s: s, d: z.D}, &sddmm[float32]{g: g, s: s, d: z.D}, &spmmt[float32]{g: g, s: s, d: z.D}
			for b.Loop() {
				m.y, m.v, m.w = y, v, w
				pool.Run(blocks(s.B, rowBlock), m)
				d.v, d.x, d.w = v, x, w
				pool.Run(blocks(s.B, rowBlock), d)
				t.sorted = t.sort.run(pool, t.sorted, v, s)
				t.y, t.x = dw, x
				pool.Run(blocks(s.F, latentBlock), t)
			}
		})
		b.Run(fmt.Sprintf("tiles/%v", share), func(b *testing.B) {
			t := newTiles(pool)
			for b.Loop() {
				t.spmm(y, v, w, s, z.D)
				t.sddmm(v, x, w, s, z.D)
				t.spmmt(dw, v, x, s, z.D)
			}
		})
	}
}
