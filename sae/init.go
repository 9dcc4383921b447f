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

// stream gives each parameter random numbers of its own.
func stream(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
