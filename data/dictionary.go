package data

import (
	"fmt"
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// dictionary makes the true features [F,D] of p, rows of norm 1.
func dictionary(p Planted) ([]float32, error) {
	w := make([]float32, p.Latents*p.D)
	NormalFill(w, p.Seed, streamDictionary)
	common := make([]float32, p.D)
	NormalFill(common, p.Seed, streamCommon)
	normalise(common)
	d := p.D
	for i := range p.Latents {
		row := w[i*d : (i+1)*d]
		if p.Coherence > 0 {
			project(row, common)
		}
		if p.Dictionary == "orthogonal" {
			orthogonalise(row, w[:i*d], d)
		} else {
			normalise(row)
		}
	}
	if p.ParentCosine > 0 {
		leanOnParents(w, p)
	}
	if p.MaxCoherence > 0 {
		return w, spread(w, d, p.MaxCoherence)
	}
	// <w_i, w_j> becomes c + (1-c) <w_i, w_j>, whose mean is c.
	for i := 0; i < len(w); i += d {
		kernel.Scale(w[i:i+d], float32(math.Sqrt(1-p.Coherence)))
		kernel.Axpy(w[i:i+d], float32(math.Sqrt(p.Coherence)), common)
	}
	return w, nil
}

// project removes from x its part along the unit vector u.
func project(x, u []float32) {
	kernel.Axpy(x, -float32(kernel.DotF64(x, u)), u)
}

// orthogonalise makes x a unit vector orthogonal to the rows of basis [.,D];
// the second round removes what rounding left (Giraud et al. 2005, "The loss
// of orthogonality in the Gram-Schmidt orthogonalization process").
func orthogonalise(x, basis []float32, d int) {
	for range 2 {
		for j := 0; j < len(basis); j += d {
			project(x, basis[j:j+d])
		}
		normalise(x)
	}
}

// leanOnParents turns each child towards its parent until their cosine is
// p.ParentCosine.
func leanOnParents(w []float32, p Planted) {
	d := p.D
	for i := range p.Latents {
		up := p.parent(i)
		if up < 0 {
			continue
		}
		row, parent := w[i*d:(i+1)*d], w[up*d:(up+1)*d]
		project(row, parent)
		normalise(row)
		kernel.Scale(row, float32(math.Sqrt(1-p.ParentCosine*p.ParentCosine)))
		kernel.Axpy(row, float32(p.ParentCosine), parent)
		normalise(row)
	}
}

// Coherence is the largest and the mean |cosine| between two of the unit rows
// of w [F,D]; both are 0 for a single row.
func Coherence(w []float32, d int) (largest, mean float64) {
	f := len(w) / d
	if f < 2 {
		return 0, 0
	}
	tops, sums := make([]float64, f), make([]float64, f)
	parallel(f, func(i int) {
		for j := 0; j < i; j++ {
			c := math.Abs(float64(kernel.Dot(w[i*d:(i+1)*d], w[j*d:(j+1)*d])))
			tops[i], sums[i] = max(tops[i], c), sums[i]+c
		}
	})
	for i := range f {
		largest, mean = max(largest, tops[i]), mean+sums[i]
	}
	return largest, mean / (float64(f) * float64(f-1) / 2)
}

// spreadSweeps is where spread gives up. A limit that can be met at all is met
// in some tens of sweeps.
const spreadSweeps = 500

// spread turns the unit rows of w [F,D] apart until no |cosine| exceeds limit:
// sweep by sweep, each pair that is too close is turned, in the plane of the
// two and by the same angle, until it is a little below the limit.
func spread(w []float32, d int, limit float64) error {
	f := len(w) / d
	for range spreadSweeps {
		changed := false
		for i := range f {
			for j := range i {
				changed = part(w[i*d:(i+1)*d], w[j*d:(j+1)*d], limit) || changed
			}
		}
		if !changed {
			return nil
		}
	}
	largest, _ := Coherence(w, d)
	welch := math.Sqrt(max(0, float64(f-d)/(float64(d)*float64(f-1))))
	return fmt.Errorf("synth: max_coherence %g was not reached with %d features in %d dimensions (%.4f after %d sweeps; no dictionary is below %.4f); raise it or d, or give fewer latents",
		limit, f, d, largest, spreadSweeps, welch)
}

// part turns the unit vectors a and b to 0.98 of limit if they exceed it.
func part(a, b []float32, limit float64) bool {
	dot := kernel.DotF64(a, b)
	g, t := math.Abs(dot), 0.98*limit
	if g <= limit {
		return false
	}
	// With a - eta·b and b - eta·a (b's sign so that the cosine is positive) the
	// cosine is (g - 2 eta + eta² g) / (1 - 2 eta g + eta²); this eta makes it t.
	p, q := 1-t*g, g-t
	eta := (p - math.Sqrt(max(0, p*p-q*q))) / q
	s := float32(math.Copysign(eta, dot))
	for j := range a {
		a[j], b[j] = a[j]-s*b[j], b[j]-s*a[j]
	}
	normalise(a)
	normalise(b)
	return true
}
