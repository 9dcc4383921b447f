package data

import (
	"math"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
)

func cosines(w []float32, d int) (all []float64) {
	for i := 0; i < len(w); i += d {
		for j := 0; j < i; j += d {
			all = append(all, kernel.DotF64(w[i:i+d], w[j:j+d]))
		}
	}
	return all
}

func TestDictionaryRowsAreUnit(t *testing.T) {
	for name, change := range map[string]func(*Planted){
		"random":     func(*Planted) {},
		"orthogonal": func(p *Planted) { p.Latents, p.Dictionary = 24, "orthogonal" },
		"coherent":   func(p *Planted) { p.Coherence = 0.4 },
		"limited":    func(p *Planted) { p.MaxCoherence = 0.45 },
		"families":   func(p *Planted) { p.Children, p.ParentCosine, p.Coherence = 4, 0.5, 0.1 },
	} {
		w := planted(t, change).Dictionary()
		for i := 0; i < len(w); i += 24 {
			if n := kernel.SumSquares(w[i : i+24]); math.Abs(n-1) > 1e-5 {
				t.Errorf("%s: row %d has squared norm %g", name, i/24, n)
			}
		}
	}
}

func TestDictionaryCoherence(t *testing.T) {
	w := planted(t, func(p *Planted) { p.Latents, p.Dictionary = 24, "orthogonal" }).Dictionary()
	if largest, _ := Coherence(w, 24); largest > 1e-6 {
		t.Errorf("an orthogonal dictionary has a cosine of %g", largest)
	}
	// One direction shared: each pair has the same cosine.
	w = planted(t, func(p *Planted) { p.Latents, p.Dictionary, p.Coherence = 23, "orthogonal", 0.3 }).Dictionary()
	for _, c := range cosines(w, 24) {
		if math.Abs(c-0.3) > 1e-5 {
			t.Fatalf("cosine %g, want 0.3", c)
		}
	}
	w = planted(t, func(p *Planted) { p.Latents, p.Coherence = 300, 0.3 }).Dictionary()
	mean, all := 0.0, cosines(w, 24)
	for _, c := range all {
		mean += c / float64(len(all))
	}
	if math.Abs(mean-0.3) > 0.005 {
		t.Errorf("mean cosine %g of a random dictionary, want 0.3", mean)
	}
	for _, limit := range []float64{0.5, 0.4, 0.35} { // as drawn it is above 0.6; no 60 rows are below 0.16
		w = planted(t, func(p *Planted) { p.MaxCoherence = limit }).Dictionary()
		largest := 0.0
		for _, c := range cosines(w, 24) {
			largest = max(largest, math.Abs(c))
		}
		if got, _ := Coherence(w, 24); largest > limit+1e-6 || math.Abs(got-largest) > 1e-6 {
			t.Errorf("limit %g: largest cosine %g, Coherence gives %g", limit, largest, got)
		}
	}
	p := DefaultPlanted()
	p.D, p.Latents, p.MaxCoherence = 8, 64, 0.1
	if _, err := NewGenerator(p); err == nil || !strings.Contains(err.Error(), "max_coherence") {
		t.Errorf("64 rows of 8 numbers below 0.1: error %v", err)
	}
}

func TestDictionaryParents(t *testing.T) {
	g := planted(t, func(p *Planted) { p.Children, p.ParentCosine = 4, 0.6 })
	w := g.Dictionary()
	for i := range 60 {
		up := g.p.parent(i)
		if (up < 0) != (i%5 == 0) || up >= 0 && up != i/5*5 {
			t.Fatalf("feature %d has parent %d", i, up)
		}
		if up >= 0 {
			if c := kernel.DotF64(w[i*24:(i+1)*24], w[up*24:(up+1)*24]); math.Abs(c-0.6) > 1e-5 {
				t.Errorf("child %d has cosine %g with its parent", i, c)
			}
		}
	}
}
