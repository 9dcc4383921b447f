package gradsae

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// scene is a choice: rows x [B,D] against w [F,D], gradients g [B,D] along
// decoder rows [F,D].
type scene struct {
	b, d, f, k       int
	x, w, g, decoder []float32
	bias             []float32 // nil for none
	beta             float64
}

func randomScene(r *rand.Rand, b, d, f, k int) scene {
	normals := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	return scene{b: b, d: d, f: f, k: k, x: normals(b * d), w: normals(f * d), g: normals(b * d), decoder: normals(f * d), bias: normals(f), beta: 1}
}

// scenes are ordinary choices and hurtful ones, by name.
func scenes() map[string]scene {
	r := rand.New(rand.NewPCG(3, 4))
	all := map[string]scene{
		"ordinary":        randomScene(r, 70, 33, 500, 8),
		"large k":         randomScene(r, 70, 24, 60, 40),
		"all latents":     randomScene(r, 9, 8, 30, 30),
		"more than there": randomScene(r, 9, 8, 30, 99),
		"one latent":      randomScene(r, 9, 8, 1, 3),
		"one coordinate":  randomScene(r, 20, 1, 50, 30),
		"no bias":         randomScene(r, 40, 16, 60, 40),
		"ties":            randomScene(r, 40, 3, 90, 50),
		"nothing better":  randomScene(r, 40, 8, 60, 12),
		"huge gradients":  randomScene(r, 40, 16, 60, 40),
		"beyond numbers":  randomScene(r, 40, 16, 60, 40),
		"tiny gradients":  randomScene(r, 40, 16, 60, 40),
		"no gradients":    randomScene(r, 40, 16, 60, 40),
		"zero rows":       randomScene(r, 40, 16, 60, 40),
	}
	s := all["no bias"]
	s.bias = nil
	all["no bias"] = s
	for _, x := range [][]float32{all["ties"].x, all["ties"].w, all["ties"].g, all["ties"].decoder, all["ties"].bias} {
		for i := range x {
			x[i] = float32(r.IntN(3) - 1)
		}
	}
	for i := range all["nothing better"].bias {
		all["nothing better"].bias[i] = -1e3
	}
	kernel.Scale(all["huge gradients"].g, 1e8)
	kernel.Scale(all["beyond numbers"].g, 3e38)
	kernel.Scale(all["tiny gradients"].g, 1e-41)
	clear(all["no gradients"].g)
	clear(all["zero rows"].x[:300])
	clear(all["zero rows"].bias)
	return all
}

func (s scene) pick(t *testing.T, f fill, boosted bool, threads int) kernel.Support {
	t.Helper()
	pool := kernel.NewPool(threads)
	defer pool.Close()
	p, got := newPicker(pool, kernel.NewSelector(pool), s.k, f), kernel.Support{}
	p.beta = func() float64 { return s.beta }
	for range 2 { // the second run finds used buffers
		err := p.plain(&got, s.x, s.w, s.bias, s.b, s.d, s.f)
		if boosted {
			err = p.boosted(&got, s.x, s.w, s.bias, [][]float32{s.g, s.decoder}, s.b, s.d, s.f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// plainly chooses by scoring and sorting all latents of a row.
func (s scene) plainly(row int, f fill, boosted bool) (kept []int32, z []float32) {
	z = make([]float32, s.f)
	keys := make([]float32, s.f)
	for l := range s.f {
		z[l] = kernel.Dot(s.x[row*s.d:(row+1)*s.d], s.w[l*s.d:(l+1)*s.d])
		if s.bias != nil {
			z[l] += s.bias[l]
		}
		keys[l] = z[l]
		if boosted && z[l] != 0 {
			along := kernel.Dot(s.g[row*s.d:(row+1)*s.d], s.decoder[l*s.d:(l+1)*s.d])
			keys[l] = z[l] * (1 + float32(float32(s.beta)*float32(math.Abs(float64(along)))))
		}
		if keys[l] <= 0 && f == fillLowest {
			keys[l] = 0
		}
		kept = append(kept, int32(l))
	}
	slices.SortStableFunc(kept, func(a, b int32) int { return cmp.Compare(keys[b], keys[a]) })
	kept = kept[:min(s.k, s.f)]
	if f == fillNone {
		kept = slices.DeleteFunc(kept, func(l int32) bool { return !(keys[l] > 0) })
	}
	slices.Sort(kept)
	return kept, z
}

// TestPickerEqualsFullSort compares latents and the bits of their z.
func TestPickerEqualsFullSort(t *testing.T) {
	for name, s := range scenes() {
		for _, f := range []fill{fillNone, fillLowest, fillBest} {
			for _, boosted := range []bool{false, true} {
				if boosted && name == "beyond numbers" {
					continue // see TestBeyondNumbers
				}
				t.Run(fmt.Sprintf("%s/fill %d/boosted %v", name, f, boosted), func(t *testing.T) { s.compare(t, f, boosted) })
			}
		}
	}
}

func (s scene) compare(t *testing.T, f fill, boosted bool) {
	t.Helper()
	one, two := s.pick(t, f, boosted, 1), s.pick(t, f, boosted, 2)
	saetest.Same(t, "rows of two threads", two.RowPtr, one.RowPtr)
	saetest.Same(t, "latents of two threads", two.Index, one.Index)
	for row := range s.b {
		want, z := s.plainly(row, f, boosted)
		lo, hi := one.RowPtr[row], one.RowPtr[row+1]
		if !slices.Equal(one.Index[lo:hi], want) {
			t.Fatalf("row %d keeps %v, want %v", row, one.Index[lo:hi], want)
		}
		for e := lo; e < hi; e++ {
			if one.Score[e] != z[one.Index[e]] {
				t.Fatalf("row %d, latent %d: z is %v, want %v", row, one.Index[e], one.Score[e], z[one.Index[e]])
			}
		}
	}
}

// TestBeyondNumbers: where |<g,d>| leaves float32, what is kept may be
// arbitrary among the positive, but rows are whole and ascend.
func TestBeyondNumbers(t *testing.T) {
	s := scenes()["beyond numbers"]
	got := s.pick(t, fillLowest, true, 2)
	for row := range s.b {
		index := got.Index[got.RowPtr[row]:got.RowPtr[row+1]]
		if len(index) != s.k || !slices.IsSorted(index) || len(slices.Compact(slices.Clone(index))) != s.k {
			t.Errorf("row %d keeps %v", row, index)
		}
	}
}

// TestLargeBeta: as β grows, latents are ranked by z·|<g,d>| alone.
func TestLargeBeta(t *testing.T) {
	s := randomScene(rand.New(rand.NewPCG(5, 6)), 30, 16, 200, 6)
	s.beta = 1e12
	got := s.pick(t, fillNone, true, 1)
	for row := range s.b {
		_, z := s.plainly(row, fillNone, false)
		keys, order := make([]float64, s.f), []int32{}
		for l := range s.f {
			keys[l] = float64(z[l]) * math.Abs(kernel.DotF64(s.g[row*s.d:(row+1)*s.d], s.decoder[l*s.d:(l+1)*s.d]))
			order = append(order, int32(l))
		}
		slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(keys[b], keys[a]) })
		want := order[:s.k]
		slices.Sort(want)
		if index := got.Index[got.RowPtr[row]:got.RowPtr[row+1]]; !slices.Equal(index, want) {
			t.Errorf("row %d keeps %v, want %v", row, index, want)
		}
	}
}
