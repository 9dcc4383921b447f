package vsae

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// scene is rows, weights and noise to choose latents with.
type scene struct {
	rows, d, f, k int
	v             *VSAE
	x, w, bias    []float32
	more          [][]float32
	subset        []int32
	noise         noise
}

func newScene(seed uint64, rows, d, f, k int, v *VSAE) *scene {
	s := &scene{rows: rows, d: d, f: f, k: k, v: v}
	draw := func(n int, stream uint64, scale float32) []float32 {
		x := make([]float32, n)
		data.NormalFill(x, seed, stream)
		kernel.Scale(x, scale)
		return x
	}
	s.x, s.w, s.bias = draw(rows*d, 1, 1), draw(f*d, 2, 0.3), draw(f, 3, 0.1)
	if v.Variance == "learned" {
		s.more = [][]float32{draw(f*d, 4, 1), draw(f, 5, 2)}
	}
	s.noise = noise{seed: seed, stream: 6, first: 1000, blocks: uint64(f+3) / 4, f: f}
	return s
}

func (s *scene) pick(t *testing.T, threads int) *kernel.Support {
	t.Helper()
	pool := kernel.NewPool(threads)
	defer pool.Close()
	p := newSampler(pool, &s.noise, s.k, s.v)
	p.subset = func() []int32 { return s.subset }
	dst := &kernel.Support{}
	for range 2 { // the second call finds the buffers of the first
		if err := p.pick(dst, s.x, s.w, s.bias, s.more, s.rows, s.d, s.f); err != nil {
			t.Fatal(err)
		}
	}
	return dst
}

// all is the plain twin: every z of a row, sorted.
func (s *scene) all() *kernel.Support {
	dst := &kernel.Support{RowPtr: []int32{0}}
	type latent struct {
		f          int32
		key, score float32
	}
	for i := range s.rows {
		var list []latent
		for f := range int32(s.f) {
			if s.subset != nil && !slices.Contains(s.subset, f) {
				continue
			}
			x := s.x[i*s.d : (i+1)*s.d]
			score := kernel.Dot(x, s.w[int(f)*s.d:int(f+1)*s.d]) + s.bias[f]
			mean, sigma := score, float32(s.v.Sigma)
			if s.v.ReluMu {
				mean = max(mean, 0)
			}
			if s.more != nil {
				l := kernel.Dot(x, s.more[0][int(f)*s.d:int(f+1)*s.d]) + s.more[1][f]
				sigma = float32(math.Exp(0.5 * min(max(float64(l), s.v.LogVarMin), s.v.LogVarMax)))
			}
			number := (s.noise.first+uint64(i))*4*s.noise.blocks + uint64(f)
			z := mean + float32(sigma*data.Normal(s.noise.seed, s.noise.stream, number))
			if key := float32(math.Abs(float64(z))); key > 0 {
				list = append(list, latent{f, key, score})
			}
		}
		slices.SortStableFunc(list, func(a, b latent) int { return cmp.Compare(b.key, a.key) })
		list = list[:min(s.k, len(list))]
		slices.SortFunc(list, func(a, b latent) int { return cmp.Compare(a.f, b.f) })
		for _, l := range list {
			dst.Index, dst.Score = append(dst.Index, l.f), append(dst.Score, l.score)
		}
		dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
	}
	return dst
}

func same(t *testing.T, got, want *kernel.Support) {
	t.Helper()
	saetest.Same(t, "rows", got.RowPtr, want.RowPtr)
	saetest.Same(t, "latents", got.Index, want.Index)
	saetest.Same(t, "scores", got.Score, want.Score)
}

// TestSampler compares the choice with a look at every ε, with σ from far below
// the means to far above, numbers of latents that are no multiple of a block of
// noise or of scores, and subsets.
func TestSampler(t *testing.T) {
	for _, variance := range []string{"fixed", "learned"} {
		for _, relu := range []bool{true, false} {
			for seed, sigma := range []float64{1e-3, 0.1, 1, 30} {
				for _, size := range [][2]int{{24, 3}, {24, 67}, {97, 601}} { // the last is estimated first
					d, f := size[0], size[1]
					t.Run(fmt.Sprintf("%s/%v/%g/%d", variance, relu, sigma, f), func(t *testing.T) {
						v := New().(*VSAE)
						v.Variance, v.Sigma, v.ReluMu = variance, sigma, relu
						s := newScene(uint64(seed), 61, d, f, 5, v)
						same(t, s.pick(t, 2), s.all())
						for i := int32(1); i < int32(f); i += 1 + i%3 {
							s.subset = append(s.subset, i)
						}
						same(t, s.pick(t, 1), s.all())
					})
				}
			}
		}
	}
}

// TestSamplerEdges: no latent to choose among, all of them kept, rows that are
// not numbers, equal keys, and log variances that are not numbers.
func TestSamplerEdges(t *testing.T) {
	v := New().(*VSAE)
	v.Variance = "learned"
	s := newScene(1, 9, 8, 40, 4, v)
	s.subset = []int32{}
	if got := s.pick(t, 2); len(got.Index) != 0 || len(got.RowPtr) != 10 {
		t.Errorf("of no latents %v are chosen", got)
	}
	s.subset, s.k = nil, 100
	if got := s.pick(t, 2); len(got.Index) != 9*40 {
		t.Errorf("%d latents are kept, want all %d", len(got.Index), 9*40)
	}
	s.k = 4
	s.more[1][7] = float32(math.Inf(1))
	same(t, s.pick(t, 2), s.all())
	for j := range s.d {
		s.x[j], s.x[s.d+j] = float32(math.NaN()), float32(math.Inf(1))
	}
	if got := s.pick(t, 2); got.RowPtr[1] != 0 {
		t.Errorf("a row that is not a number keeps %v", got.Index[:got.RowPtr[1]])
	}
	s.noise.given = make([]float32, s.rows*s.f) // z = μ, and all keys equal
	clear(s.w)
	for i := range s.bias {
		s.bias[i] = 1
	}
	clear(s.x)
	if got := s.pick(t, 2); !slices.Equal(got.Index[:8], []int32{0, 1, 2, 3, 0, 1, 2, 3}) {
		t.Errorf("of equal latents %v are kept, want the first four", got.Index[:8])
	}
}

// TestSamplerWithoutEstimates: a row too large for estimates, or a latent, and
// the same is kept.
func TestSamplerWithoutEstimates(t *testing.T) {
	for name, spoil := range map[string]func(s *scene){
		"row":    func(s *scene) { s.x[70*s.d] = 1e19 },
		"latent": func(s *scene) { s.w[3*s.d] = 1e19 },
		"bias":   func(s *scene) { s.bias[9] = float32(math.Inf(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(5, 90, 96, 300, 5, New().(*VSAE))
			spoil(s)
			same(t, s.pick(t, 2), s.all())
		})
	}
}

// TestReach: a word of random bits bounds the deviates that are made of it.
func TestReach(t *testing.T) {
	seen := 0
	for i := range uint64(1 << 17) {
		words := data.Block(3, 4, i)
		for place := range int32(4) {
			e := data.Normal(3, 4, 4*i+uint64(place))
			if size := float32(math.Abs(float64(e))); size > reachOf(&words, place) || size > reach[32] {
				t.Fatalf("deviate %g of word %08x is beyond the bound %g", e, words[place&2], reachOf(&words, place))
			}
			if reachOf(&words, place) < 2 && e != 0 {
				seen++
			}
		}
	}
	if seen < 1<<17 {
		t.Errorf("only %d deviates have a bound below 2; the bounds rule nothing out", seen)
	}
}
