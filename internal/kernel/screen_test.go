package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// eachBytes runs f for every set that scores in bytes.
func eachBytes(t *testing.T, f func(t *testing.T, s *set)) {
	n := 0
	eachSet(t, func(t *testing.T, s *set) {
		if s.bytes != nil {
			n++
			f(t, s)
		}
	})
	if n == 0 {
		t.Skip("no set of kernels that can run here scores in bytes")
	}
}

// TestFixed: what screening makes of weights that stay is kept, until other
// weights, biases, factors or bounds are asked for.
func TestFixed(t *testing.T) {
	const B, D, F = 32, 16, 64
	eachBytes(t, func(t *testing.T, s *set) {
		pool := NewPool(1)
		defer pool.Close()
		r := rand.New(rand.NewPCG(3, 4))
		x, w, bias := randomFloats(r, B*D), randomFloats(r, F*D), randomFloats(r, F)
		sel := NewSelector(pool)
		sel.set, sel.always, sel.Fixed = s, true, true
		const mark = 12345
		call := func(w, bias []float32, rule Rule) (kept bool) {
			if err := sel.Select(&Support{}, x, w, bias, B, D, F, rule); err != nil {
				t.Fatal(err)
			}
			kept = sel.screen.widest[0].rest == mark
			sel.screen.widest[0].rest = mark
			return kept
		}
		ones := make([]float32, F)
		for i := range ones {
			ones[i] = 1
		}
		all := []int32{0, 1, 2}
		for i, c := range []struct {
			w, bias []float32
			rule    Rule
			want    bool
		}{
			{w, bias, Rule{K: 2}, false},
			{w, bias, Rule{K: 3}, true},
			{w, bias, Rule{Kind: BatchTopK, K: 3, Abs: true}, true},
			{w, nil, Rule{K: 2}, false},
			{w, bias, Rule{K: 2}, false},
			{w, bias, Rule{K: 2, Weight: ones}, false},
			{w, bias, Rule{K: 2, Subset: all}, false},
			{w, bias, Rule{K: 2, Subset: all}, false},
			{slices.Clone(w), bias, Rule{K: 2}, false},
		} {
			if got := call(c.w, c.bias, c.rule); got != c.want {
				t.Errorf("call %d: kept is %v, want %v", i, got, c.want)
			}
		}
		sel.Fixed = false
		if call(w, bias, Rule{K: 2}); call(w, bias, Rule{K: 2}) {
			t.Error("weights that may change were kept")
		}
	})
}

func TestQuantizeTwin(t *testing.T) {
	eachBytes(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range testLengths() {
			x := guardedFloats(r, n, 5)
			most := float32(0)
			for _, v := range x.x {
				most = max(most, float32(math.Abs(float64(v))))
			}
			if got := s.bytes.maxAbs(x.x); got != most {
				t.Fatalf("n %d: largest is %g, want %g", n, got, most)
			}
			for _, offset := range []int32{0, 128} {
				dst := make([]byte, n+8)
				lost, size, sum := s.bytes.quantize(dst[:n], x.x, most/127, 127/max(most, 1), offset)
				var wantLost, wantSize float64
				wantSum := int32(0)
				for i, v := range x.x {
					q := int32(math.RoundToEven(float64(v * (127 / max(most, 1)))))
					e := float64(v) - float64(q)*float64(most/127)
					wantLost, wantSize, wantSum = wantLost+e*e, wantSize+float64(v)*float64(v), wantSum+q
					if dst[i] != byte(q+offset) {
						t.Fatalf("n %d: %g becomes %d, want %d", n, v, dst[i], byte(q+offset))
					}
				}
				if math.Abs(float64(lost)-wantLost) > 1e-5*wantLost || math.Abs(float64(size)-wantSize) > 1e-5*wantSize || sum != wantSum {
					t.Fatalf("n %d: lost %g, size %g, sum %d; want %g, %g, %d", n, lost, size, sum, wantLost, wantSize, wantSum)
				}
				for _, b := range dst[n:] {
					if b != 0 {
						t.Fatalf("n %d: written beyond the end", n)
					}
				}
			}
		}
	})
}

func TestByteTileTwin(t *testing.T) {
	eachBytes(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(3, 4))
		rows, cols := s.tileRows, s.tileCols
		for _, k := range []int{1, 2, 16, 192, 1000} {
			a, b, start := make([]byte, 4*k*rows), make([]byte, 4*k*cols), make([]int32, cols)
			for i := range a {
				a[i] = byte(r.IntN(256))
			}
			for i := range b {
				b[i] = byte(int8(r.IntN(255) - 127))
			}
			for i := range start {
				start[i] = int32(r.IntN(1000) - 500)
			}
			c, ahead := make([]int32, rows*cols+1), [besideRows]*float32{}
			c[rows*cols] = 77
			s.bytes.tile(k, a, b, start, c, &ahead)
			for i := range rows {
				for j := range cols {
					want := start[j]
					for l := range 4 * k {
						want += int32(a[(l/4*rows+i)*4+l%4]) * int32(int8(b[(l/4*cols+j)*4+l%4]))
					}
					if c[i*cols+j] != want {
						t.Fatalf("k %d: element %d,%d is %d, want %d", k, i, j, c[i*cols+j], want)
					}
				}
			}
			if c[rows*cols] != 77 {
				t.Fatal("written beyond the block")
			}
		}
	})
}

// Beside its own work a tile makes dot products, to the bit.
func TestByteTileDotsTwin(t *testing.T) {
	eachBytes(t, func(t *testing.T, s *set) {
		r := rand.New(rand.NewPCG(3, 4))
		rows, cols := s.tileRows, s.tileCols
		for _, k := range []int{8, 16, 192, 1000} {
			a, b, start := make([]byte, 4*k*rows), make([]byte, 4*k*cols), make([]int32, cols)
			for i := range a {
				a[i] = byte(r.IntN(256))
			}
			for i := range b {
				b[i] = byte(int8(r.IntN(255) - 127))
			}
			x, w := randomFloats(r, 4*k), randomFloats(r, besideRows*4*k)
			var ahead, near [besideRows]*float32
			for i := range near {
				ahead[i], near[i] = &w[0], &w[i*4*k]
			}
			got, want := make([]int32, rows*cols), make([]int32, rows*cols)
			var dots [besideRows]float32
			s.bytes.tile(k, a, b, start, want, &ahead)
			s.bytes.tileDots(k, a, b, start, got, &ahead, &near, &x[0], &dots)
			if !slices.Equal(got, want) {
				t.Fatalf("k %d: products differ from those of tile", k)
			}
			for i, dot := range dots {
				if want := s.dot(x, w[i*4*k:]); dot != want {
					t.Fatalf("k %d: dot %d is %g, want %g", k, i, dot, want)
				}
			}
		}
	})
}

// A usual bound is the least of the last rows, forgets rows of long ago, and waits
// for some.
func TestUsual(t *testing.T) {
	var u usual
	u.reset(2, 3, 4)
	for range usualFirst {
		if low := u.low(); low != 0 {
			t.Fatalf("after %d rows the bound is %g, want none", u.rows, low)
		}
		u.add(1)
	}
	u.reset(2, 3, 4)
	u.add(0.5)
	if got := u.low(); got != usualSlack*0.5 {
		t.Errorf("the bound is %g, want %g", got, usualSlack*0.5)
	}
	for range 2 * usualRows {
		u.add(2)
	}
	if got, want := u.low(), float32(usualSlack)*2; got != want {
		t.Errorf("the bound is %g after many rows, want %g", got, want)
	}
	if u.reset(3, 3, 4); u.low() != 0 {
		t.Error("the bound of another selection is kept")
	}
}

// The bound holds: no key is farther from its estimate than the margin.
func TestScreenBoundHolds(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	eachBytes(t, func(t *testing.T, s *set) {
		for _, scene := range scenes {
			z := selection{B: 40, D: 129, F: 300}
			r := rand.New(rand.NewPCG(7, 8))
			z.x, z.w, z.bias = randomFloats(r, z.B*z.D), randomFloats(r, z.F*z.D), randomFloats(r, z.F)
			scene.make(r, &z)
			for _, z.rule = range []Rule{{Kind: TopK, K: 4}, {Kind: TopK, K: 4, Abs: true, Weight: randomWeights(r, z.F)}} {
				z.holdBound(t, NewSelector(pool), s, scene.name)
			}
		}
	})
}

func randomWeights(r *rand.Rand, n int) []float32 {
	w := randomFloats(r, n)
	for i, v := range w {
		w[i] = float32(math.Abs(float64(v)))
	}
	return w
}

func (z selection) holdBound(t *testing.T, sel *Selector, s *set, scene string) {
	sel.set, sel.always = s, true
	sel.begin(z.x, z.w, z.bias, z.B, z.D, z.F, z.rule)
	sel.pass = pass{rows: z.B, stride: 1, largest: z.rule.K}
	sel.screen.begin(sel)
	sel.screen.prepare(sel)
	c := sel.screen.rows[0]
	for b := range z.B {
		c.number = append(c.number, b)
	}
	c.quantize()
	cols, rows, size := s.tileCols, s.tileRows, sel.screen.depth*4
	for b := range z.B {
		for f := range z.F {
			if c.rows[b].wild {
				continue
			}
			panel, col := b/rows*rows, f/cols*cols
			part := func(k int) float32 { return sel.screen.latents[(f/cols*latentParts+k)*cols+f%cols] }
			s.bytes.tile(sel.screen.depth, c.panels[panel*size:], sel.screen.panels[col*size:], sel.screen.start[col:], c.acc, &[besideRows]*float32{})
			estimate := float64(c.acc[(b-panel)*cols+f-col])*float64(part(0))*float64(c.rows[b].scale) + float64(part(1))
			score := s.dot(z.x[b*z.D:(b+1)*z.D], z.w[f*z.D:])
			if z.bias != nil {
				score += z.bias[f]
			}
			if z.rule.Abs {
				estimate = math.Abs(estimate)
			}
			key, margin := float64(z.rule.key(score, 0, f)), float64(c.rows[b].margin(bounds{part(2), part(3), part(4)}))
			if math.Abs(key-estimate) > margin {
				t.Fatalf("%s: row %d, latent %d: key %g is estimated as %g +- %g", scene, b, f, key, estimate, margin)
			}
		}
	}
}

// Screened rows at a size that screening is for: every scene, also ones that
// it must give up on.
func TestScreenEqualsExact(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes large selections")
	}
	pool := NewPool(2)
	defer pool.Close()
	eachBytes(t, func(t *testing.T, s *set) {
		used := NewSelector(pool) // by other rows before
		used.set = s
		for _, scene := range scenes {
			z := selection{B: 270, D: 300, F: 2500}
			r := rand.New(rand.NewPCG(9, 10))
			z.x, z.w, z.bias = randomFloats(r, z.B*z.D), randomFloats(r, z.F*z.D), randomFloats(r, z.F)
			scene.make(r, &z)
			half := make([]int32, 0, z.F)
			for f := 0; f < z.F; f += 1 + f%3 {
				half = append(half, int32(f))
			}
			for _, rule := range []Rule{{Kind: TopK, K: 16}, {Kind: BatchTopK, K: 16}, {Kind: Threshold, Threshold: 45},
				{Kind: TopK, K: 16, Abs: true}, {Kind: TopK, K: 16, Subset: half}, {Kind: TopK, K: 16, Weight: randomWeights(r, z.F)}} {
				exact, screened := NewSelector(pool), NewSelector(pool)
				exact.set, screened.set, exact.Screen = s, s, ScreenOff
				got, want, after := &Support{}, &Support{}, &Support{}
				for sel, dst := range map[*Selector]*Support{exact: want, screened: got, used: after} {
					if err := sel.Select(dst, z.x, z.w, z.bias, z.B, z.D, z.F, rule); err != nil {
						t.Fatal(err)
					}
				}
				rows, scored := screened.Screened()
				if d := differ(got, want); d != "" {
					t.Fatalf("%s, rule %d, abs %v: %s", scene.name, rule.Kind, rule.Abs, d)
				}
				if d := differ(after, want); d != "" {
					t.Fatalf("%s after other rows, rule %d, abs %v: %s", scene.name, rule.Kind, rule.Abs, d)
				}
				if scene.name == "normal" && rows < z.B {
					t.Errorf("rule %d, abs %v: screening decided %d of %d rows", rule.Kind, rule.Abs, rows, z.B)
				}
				t.Logf("%s, rule %d, abs %v: %d rows decided by screening, %d latents scored", scene.name, rule.Kind, rule.Abs, rows, scored)
			}
		}
	})
}
