package saetest

import (
	"math"
	"math/rand/v2"

	"github.com/saectl/saectl/activations"
)

// Toy is rows that are sums of few known atoms with positive coefficients and
// a little noise, and gradients that do not depend on them.
type Toy struct {
	D     int
	Atoms [][]float32 // unit rows of width D
	k     int         // atoms of a row
	seed  uint64
}

// NewToy draws n random atoms of width d; a row is a sum of k of them.
func NewToy(d, n, k int, seed uint64) *Toy {
	y := &Toy{D: d, k: k, seed: seed}
	r := rand.New(rand.NewPCG(seed, 0))
	for range n {
		y.Atoms = append(y.Atoms, unit(r, d))
	}
	return y
}

func unit(r *rand.Rand, d int) []float32 {
	x, squares := make([]float32, d), 0.0
	for j := range x {
		x[j] = float32(r.NormFloat64())
		squares += float64(x[j]) * float64(x[j])
	}
	for j := range x {
		x[j] /= float32(math.Sqrt(squares))
	}
	return x
}

// Batch is batch number i of n rows, always the same one.
func (y *Toy) Batch(i, n int) *activations.Batch {
	r := rand.New(rand.NewPCG(y.seed, uint64(i)+1))
	b := &activations.Batch{N: n, D: y.D, X: make([]float32, n*y.D), Gradient: make([]float32, n*y.D)}
	for row := range n {
		x := b.X[row*y.D : (row+1)*y.D]
		for _, a := range r.Perm(len(y.Atoms))[:y.k] {
			c := float32(0.5 + r.Float64())
			for j, v := range y.Atoms[a] {
				x[j] += c * v
			}
		}
		for j := range x {
			x[j] += float32(0.01 * r.NormFloat64())
		}
		for j := range x {
			b.Gradient[row*y.D+j] = float32(r.NormFloat64())
		}
	}
	return b
}

// Recovered is the share of atoms that some row of decoder [F,D] matches with
// a cosine of at least the given one.
func (y *Toy) Recovered(decoder []float32, cosine float64) float64 {
	found := 0
	for _, atom := range y.Atoms {
		best := -1.0
		for i := 0; i < len(decoder); i += y.D {
			best = max(best, cosineOf(atom, decoder[i:i+y.D]))
		}
		if best >= cosine {
			found++
		}
	}
	return float64(found) / float64(len(y.Atoms))
}

func cosineOf(a, b []float32) float64 {
	ab, aa, bb := 0.0, 0.0, 0.0
	for j := range a {
		ab += float64(a[j]) * float64(b[j])
		aa += float64(a[j]) * float64(a[j])
		bb += float64(b[j]) * float64(b[j])
	}
	return ab / math.Sqrt(aa*bb+1e-300)
}
