package mpsae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// TestGram compares the product, mirrored in tiles, with plain sums; of one
// dictionary it is symmetric to the last bit. In words it is as close as it
// says.
func TestGram(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	const f = gramRows*2 + 77
	for _, d := range []int{5, 70} {
		s, other := newScene(40, 1, d, f), newScene(41, 1, d, f)
		for name, dec := range map[string][]float32{"tied": s.w, "untied": other.w} {
			p := newPursuit(pool, rule{steps: 1}, scoring{})
			p.untied = name == "untied"
			p.begin(s.x, s.w, nil, [][]float32{dec}, 1, d, f)
			want := productOf(s.w, dec, d, f)
			p.gram.make(p)
			saetest.Within(t, name, gramOf(p), want, 1e-6)
			checkMirror(t, p)
			if p.gram.makeWords(p) {
				saetest.Within(t, name+" in words", gramOf(p), want, p.gram.off*p.longest.encoder*p.longest.decoder)
			} else if p.words.on {
				t.Errorf("%s, d %d: no product in words", name, d)
			}
		}
	}
}

func productOf(enc, dec []float32, d, f int) []float64 {
	want := make([]float64, f*f)
	for j := range f {
		for i := range f {
			for k := range d {
				want[j*f+i] += float64(dec[j*d+k]) * float64(enc[i*d+k])
			}
		}
	}
	return want
}

// gramOf reads the product row by row, as the pursuit does.
func gramOf(p *pursuit) []float32 {
	g, tops := make([]float32, p.f*p.f), make([]float32, p.f/kernel.TopBlock+1)
	for j := range p.f {
		p.gram.axpyTops(tops, g[j*p.f:(j+1)*p.f], 1, j)
	}
	return g
}

func checkMirror(t *testing.T, p *pursuit) {
	t.Helper()
	if p.untied {
		return
	}
	g := gramOf(p)
	for j := range p.f {
		for i := range j {
			if g[j*p.f+i] != g[i*p.f+j] {
				t.Fatalf("entries %d,%d differ", i, j)
			}
		}
	}
}

// TestKnown: a dictionary is known while no number of it changes.
func TestKnown(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	const d, f = 300, 500
	s, other := newScene(40, 1, d, f), newScene(41, 1, d, f)
	for name, untied := range map[string]bool{"tied": false, "untied": true} {
		p := &pursuit{pool: pool, untied: untied, enc: s.w, dec: other.w, bias: make([]float32, f)}
		for _, change := range []struct {
			what string
			make func()
		}{
			{"a first one", func() {}},
			{"an encoder", func() { p.enc[d*f-1]++ }},
			{"a bias", func() { p.bias[0] = 1 }},
			{"a decoder", func() { p.dec[d*f/2]++ }},
		} {
			change.make()
			if p.known.same(p) && (untied || change.what != "a decoder") {
				t.Errorf("%s: %s is taken for the last", name, change.what)
			}
			if !p.known.same(p) {
				t.Errorf("%s: after %s, the last is taken for another", name, change.what)
			}
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
		inWords      bool // which take half the memory
	}{
		{"a large step", 1024, 768, 6144, 32, "auto", 1024 * mib, false, true, false},
		{"a large step beyond the budget", 1024, 768, 6144, 32, "auto", 60 * mib, false, false, false},
		{"a large step within the budget in words", 1024, 768, 6144, 32, "auto", 100 * mib, false, false, true},
		{"gram beyond the budget", 1024, 768, 6144, 32, "gram", 60 * mib, false, false, false},
		{"few rows", 8, 768, 6144, 32, "auto", 1024 * mib, false, false, false},
		{"one step", 1024, 768, 6144, 1, "auto", 1024 * mib, false, false, false},
		{"direct", 1024, 768, 6144, 32, "direct", 1024 * mib, false, false, false},
		{"gram", 8, 768, 6144, 32, "gram", 1024 * mib, false, true, false},
		{"few rows of many batches", 8, 768, 6144, 32, "auto", 1024 * mib, true, false, false},
	} {
		p := &pursuit{rule: rule{steps: int(c.steps)}, scoring: scoring{force: c.force, budget: c.budget, frozen: c.frozen}}
		for _, words := range []bool{false, true} {
			of := size{b: c.rows, d: c.d, f: c.f, k: c.steps, moves: 1, tied: true, words: words}
			if got := p.wantsGram(of.cost()); got != (c.want || words && c.inWords) {
				t.Errorf("%s, in words %v: the product is used: %v", c.name, words, got)
			}
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
	for _, d := range []int{48, 64} { // with words and without
		s := newScene(43, 1, d, 400)
		p, _ := s.run(t, rule{steps: 1}, "gram", 1)
		p.rule = rule{steps: 300}
		p.begin(s.x, s.w, nil, nil, 1, s.d, s.f)
		p.chooseGram(1)
		p.start(0, 1)
		w, r := p.workers[0], &p.rows[0]
		w.block.going = []*row{r}
		var estimates []float32
		if p.words.on {
			w.estimate()
			estimates = w.block.tile[:s.f]
		} else {
			estimates = p.tile[:s.f]
			p.gemm.NT(estimates, s.x, s.w, 1, s.f, s.d, false)
			r.drift = rounding(d) * r.norm
		}
		w.look(r, estimates)
		for range 300 {
			checkDrift(t, p, r, estimates)
			if w.step(r, estimates); r.done {
				break
			}
			w.move(r, estimates)
		}
	}
}

func checkDrift(t *testing.T, p *pursuit, r *row, estimates []float32) {
	t.Helper()
	for f, e := range estimates {
		off := math.Abs(float64(e) - kernel.DotF64(r.left, p.enc[f*p.d:(f+1)*p.d]))
		if allowed := r.drift * p.longest.encoder; off > allowed {
			t.Fatalf("d %d, step %d, latent %d: the estimate is off by %g, allowed is %g", p.d, len(r.atoms), f, off, allowed)
		}
	}
}
