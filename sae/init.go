package sae

import (
	"hash/fnv"
	"math"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
)

// Zero leaves a parameter at 0.
func Zero([]float32, *Param, uint64, map[string][]float32) {}

// Filled starts every entry at c.
func Filled(c float64) Init {
	return func(dst []float32, _ *Param, _ uint64, _ map[string][]float32) {
		for i := range dst {
			dst[i] = float32(c)
		}
	}
}

// UnitNormal draws rows uniformly from the sphere of the given radius:
// normal deviates, brought to that norm.
func UnitNormal(radius float64) Init {
	return func(dst []float32, p *Param, seed uint64, _ map[string][]float32) {
		data.NormalFill(dst, seed, stream(p.Name))
		for r := range p.Rows {
			row := dst[r*p.Cols : (r+1)*p.Cols]
			kernel.Scale(row, float32(radius/math.Sqrt(kernel.SumSquares(row))))
		}
	}
}

// CopyOf starts at c times another parameter of the same shape that was
// declared before, such as an encoder at its decoder's rows.
func CopyOf(name string, c float64) Init {
	return func(dst []float32, _ *Param, _ uint64, made map[string][]float32) {
		copy(dst, made[name])
		kernel.Scale(dst, float32(c))
	}
}

// Uniform draws entries uniformly from [-bound,bound).
func Uniform(bound float64) Init {
	return func(dst []float32, p *Param, seed uint64, _ map[string][]float32) {
		own := stream(p.Name)
		for i := range dst {
			dst[i] = float32(bound * (2*data.Uniform(seed, own, uint64(i)) - 1))
		}
	}
}

// DirectionsOf starts each row at the unit vector along the same row of
// another parameter that was declared before, such as a decoder at its
// encoder's rows. A zero row stays zero.
func DirectionsOf(name string) Init {
	return func(dst []float32, p *Param, _ uint64, made map[string][]float32) {
		copy(dst, made[name])
		for r := range p.Rows {
			row := dst[r*p.Cols : (r+1)*p.Cols]
			if norm := math.Sqrt(kernel.SumSquares(row)); norm > 0 {
				kernel.Scale(row, float32(1/norm))
			}
		}
	}
}

// stream gives each parameter random numbers of its own.
func stream(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
