package mpsae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// TestGram compares the product, mirrored in tiles, with plain sums; of one
// dictionary it is symmetric to the last bit.
func TestGram(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	const f, d = gramRows*2 + 77, 5
	s, other := newScene(40, 1, d, f), newScene(41, 1, d, f)
	for name, dec := range map[string][]float32{"tied": s.w, "untied": other.w} {
		var g gram
		g.build(kernel.NewGEMM(pool), pool, s.w, dec, f, d, true)
		if !g.holds(s.w, dec) {
			t.Errorf("%s: the product does not know what it was made of", name)
		}
		want := make([]float64, f*f)
		for j := range f {
			for i := range f {
				for k := range d {
					want[j*f+i] += float64(dec[j*d+k]) * float64(s.w[i*d+k])
				}
				if name == "tied" && g.g[j*f+i] != g.g[i*f+j] {
					t.Fatalf("entries %d,%d differ", i, j)
				}
			}
		}
		saetest.Within(t, name, g.g, want, 1e-6)
		changed := append([]float32{}, dec...)
		changed[f] += 1e-3
		if g.holds(s.w, changed) || g.holds(changed, dec) {
			t.Errorf("%s: a product of other dictionaries is taken for this one's", name)
		}
	}
}

// TestChoice: the cheaper way is taken where the product fits the budget.
func TestChoice(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name         string
		rows, d, f   int
		steps        float64
		force        string
		budget       int64
		frozen, want bool
	}{
		{"a large step", 1024, 768, 6144, 32, "auto", 1024 * mib, false, true},
		{"a large step beyond the budget", 1024, 768, 6144, 32, "auto", 100 * mib, false, false},
		{"gram beyond the budget", 1024, 768, 6144, 32, "gram", 100 * mib, false, false},
		{"few rows", 8, 768, 6144, 32, "auto", 1024 * mib, false, false},
		{"one step", 1024, 768, 6144, 1, "auto", 1024 * mib, false, false},
		{"direct", 1024, 768, 6144, 32, "direct", 1024 * mib, false, false},
		{"gram", 8, 768, 6144, 32, "gram", 1024 * mib, false, true},
		{"few rows of many batches", 8, 768, 6144, 32, "auto", 1024 * mib, true, false},
	} {
		p := &pursuit{rule: rule{steps: int(c.steps)}, scoring: scoring{force: c.force, budget: c.budget, frozen: c.frozen}}
		if got := p.wantsGram(CostOf(c.rows, c.d, c.f, c.steps, 1, true), false); got != c.want {
			t.Errorf("%s: the product is used: %v", c.name, got)
		}
	}
}

// TestProductPaysOff: with a dictionary that stays, the product is made once
// direct scores have cost as much, and again when the dictionary changes.
func TestProductPaysOff(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	s := newScene(42, 2, 256, 300).unit()
	p := newPursuit(pool, rule{steps: 8}, scoring{force: "auto", budget: 1 << 30, frozen: true})
	var codes kernel.Support
	encode := func() bool {
		if err := p.pick(&codes, s.x, s.w, nil, nil, s.rows, s.d, s.f); err != nil {
			t.Fatal(err)
		}
		return p.usedGram
	}
	n := 1
	for ; !encode(); n++ {
		if n > 100 {
			t.Fatal("the product is never made")
		}
	}
	if n < 2 {
		t.Error("the product is made for the first batch of two rows")
	}
	before := append([]float32{}, codes.Score...)
	if !encode() {
		t.Error("the product was made and is not used")
	}
	saetest.Same(t, "values", codes.Score, before)
	s.w[0] += 0.5
	if encode() {
		t.Error("the product of another dictionary is used")
	}
}

// TestSlackCovers: estimates that follow a row stay within the drift that is
// allowed for, also over many steps.
func TestSlackCovers(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	s := newScene(43, 1, 64, 400)
	p, _ := s.run(t, rule{steps: 1}, "gram", 1)
	p.rule = rule{steps: 300}
	p.begin(s.x, s.w, nil, nil, 1, s.d, s.f)
	p.start(0, 1)
	w, r := p.workers[0], &p.rows[0]
	estimates := p.tile[:s.f]
	p.gemm.NT(estimates, s.x, s.w, 1, s.f, s.d, false)
	r.drift = w.rounding() * r.norm
	w.look(r, estimates)
	for step := range 300 {
		for f, e := range estimates {
			atom := s.w[f*s.d : (f+1)*s.d]
			off, reach := math.Abs(float64(e)-kernel.DotF64(r.left, atom)), math.Sqrt(kernel.SumSquares(atom))
			if off > r.drift*reach {
				t.Fatalf("step %d, latent %d: the estimate is off by %g, allowed is %g", step, f, off, r.drift*reach)
			}
		}
		if w.step(r, estimates); r.done {
			break
		}
		w.move(r, estimates)
	}
}
