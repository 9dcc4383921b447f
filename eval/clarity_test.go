package eval

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestClarity finds each latent's main token and what it has of its activity.
func TestClarity(t *testing.T) {
	o := DefaultInspect()
	o.Latents = []int{0, 1, 2}
	f := inspect(t, o).Features
	// Latent 0: 3 on "at", 1 on " sat", 5 on " cat".
	if f[0].Token != " cat" || *f[0].Clarity != 25.0/35 {
		t.Errorf("latent 0 is of %q with %v, want \" cat\" with %v", f[0].Token, *f[0].Clarity, 25.0/35)
	}
	// Latent 1 is 1 everywhere: any token has one row of seven, the first wins.
	if f[1].Token != "a" || math.Abs(*f[1].Clarity-1.0/7) > 1e-15 {
		t.Errorf("latent 1 is of %q with %v", f[1].Token, *f[1].Clarity)
	}
	if f[2].Clarity != nil || f[2].Token != "" {
		t.Errorf("latent 2 never fires, and is of %q", f[2].Token)
	}
	x := inspect(t, InspectOptions{By: ByClarity})
	if len(x.Features) != 2 || x.Features[0].Latent != 0 {
		t.Errorf("by clarity come %+v", x.Features)
	}
	if x = inspect(t, InspectOptions{By: ByClarity, Latents: []int{2, 1, 0}}); x.Features[0].Latent != 0 || x.Features[2].Latent != 2 {
		t.Errorf("of all latents by number, by clarity, comes %d first and %d last", x.Features[0].Latent, x.Features[2].Latent)
	}
}

// TestClarityLabels takes labels where there is no text, and refuses to rank by
// what is not there.
func TestClarityLabels(t *testing.T) {
	d, s := speech()
	d.tokens = nil
	if _, err := inspectError(d, s, InspectOptions{By: ByClarity}); err == nil {
		t.Error("latents of rows without text and labels are ranked by clarity")
	}
}

// TestClarityEstimate draws from many rows: the share comes out right on
// average, and the sample stays as small as it must.
func TestClarityEstimate(t *testing.T) {
	const trials, rows = 200, 2000
	rnd := rand.New(rand.NewPCG(7, 7))
	var sum, truth float64
	c := &clarity{names: []string{"a", "b"}, drawn: make([]best[draw], trials)}
	for f := range trials {
		c.drawn[f] = best[draw]{n: 65, compare: foremost}
		mass := [2]float64{}
		for i := range rows {
			w := math.Exp(2 * rnd.NormFloat64())
			token := int32(0)
			if i%4 == 0 {
				token = 1
			}
			mass[token] += w
			c.drawn[f].add(draw{w / (1 - rnd.Float64()), w, token})
		}
		if len(c.drawn[f].heap) != 65 {
			t.Fatalf("%d rows are kept, want %d", len(c.drawn[f].heap), 65)
		}
		token, share := c.of(f)
		if token == "b" { // the rarer token, drawn most by chance
			share = 1 - share
		}
		sum, truth = sum+share/trials, truth+mass[0]/(mass[0]+mass[1])/trials
	}
	if math.Abs(sum-truth) > 0.02 {
		t.Errorf("the share is %.3f on average, truly %.3f", sum, truth)
	}
}

// TestClarityRanks wants words before signs, and one latent of each token
// before a second.
func TestClarityRanks(t *testing.T) {
	c := &clarity{names: []string{"(", "func", "range"}, drawn: make([]best[draw], 5)}
	for f, token := range []int32{0, 1, 1, 2, 0} {
		c.drawn[f] = best[draw]{n: 65, heap: []draw{{1, 1, token}, {1, float64(f) / 10, 1 - min(token, 1)}}}
	}
	u := newUsage(5)
	for f := range u.fired {
		u.fired[f] = 100
	}
	rank := c.ranks(u, []int{0, 1, 2, 3, 4})
	order := []int{0, 1, 2, 3, 4}
	for i := range order {
		for j := i + 1; j < len(order); j++ {
			if rank[order[j]] > rank[order[i]] {
				order[i], order[j] = order[j], order[i]
			}
		}
	}
	if want := []int{1, 3, 0, 2, 4}; !reflect.DeepEqual(order, want) {
		t.Errorf("the order is %v with %v, want %v", order, rank, want)
	}
}
