package kernel

import (
	"math"
	"math/rand/v2"
)

// scenes are rows and dictionaries that a bound may get wrong.
var scenes = []struct {
	name string
	make func(r *rand.Rand, z *selection)
}{
	{"normal", func(*rand.Rand, *selection) {}},
	{"duplicates", func(_ *rand.Rand, z *selection) { // ties everywhere
		for f := range z.F {
			copy(z.w[f*z.D:(f+1)*z.D], z.w[f%3*z.D:])
		}
		z.bias = nil
	}},
	{"near duplicates", func(r *rand.Rand, z *selection) {
		for f := range z.F {
			copy(z.w[f*z.D:(f+1)*z.D], z.w[:z.D])
			z.w[f*z.D+r.IntN(z.D)] *= 1 + 0x1p-22
		}
	}},
	{"outliers", func(r *rand.Rand, z *selection) {
		for b := range z.B {
			z.x[b*z.D+r.IntN(z.D)] *= 1e4
		}
		for range z.F / 4 {
			z.w[r.IntN(len(z.w))] *= 1e3
		}
	}},
	{"constant rows", func(_ *rand.Rand, z *selection) {
		for i := range z.x {
			z.x[i] = float32(i / z.D % 3) // rows of zeros, ones, twos
		}
	}},
	{"zeros", func(_ *rand.Rand, z *selection) { clear(z.w) }},
	{"tiny", func(_ *rand.Rand, z *selection) {
		scaleGeneric(z.x, 1e-30)
		scaleGeneric(z.w, 1e-12)
		z.bias = nil
	}},
	{"huge", func(_ *rand.Rand, z *selection) { // sums overflow
		scaleGeneric(z.x, 1e30)
		scaleGeneric(z.w[:len(z.w)/2], 1e8)
	}},
	{"not finite", func(r *rand.Rand, z *selection) {
		for i := range 6 {
			bad := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[i%3]
			z.w[r.IntN(len(z.w))] = bad
			z.x[r.IntN(len(z.x))] = bad
			if z.bias != nil {
				z.bias[r.IntN(z.F)] = bad
			}
		}
	}},
	{"one row rules", func(_ *rand.Rand, z *selection) { // nearly all of a batch's picks
		scaleGeneric(z.x[:z.D], 100)
	}},
	{"nothing positive", func(r *rand.Rand, z *selection) {
		for f := range z.F {
			z.w[f*z.D] = -1
			clear(z.w[f*z.D+1 : (f+1)*z.D])
		}
		for i, v := range z.x {
			z.x[i] = float32(math.Abs(float64(v)))
		}
		z.bias = nil
	}},
}

func ruleVariants(r *rand.Rand, z *selection) []Rule {
	k := r.IntN(z.F + 2)
	if r.IntN(2) == 0 {
		k = 1 + r.IntN(8)
	}
	weight := make([]float32, z.F)
	for i := range weight {
		weight[i] = float32(r.IntN(4)) / 2
	}
	boost := &Boost{X: randomFloats(r, z.B*z.D), W: randomFloats(r, z.F*z.D), Beta: 0.5}
	base := []Rule{{Kind: TopK, K: k}, {Kind: BatchTopK, K: k}, {Kind: BatchTopK, K: k, Total: k*z.B*3/4 + 1}, {Kind: Threshold, Threshold: 0.3}, {Kind: Threshold, Threshold: -1}, {Kind: GroupMax, K: min(k, z.F)}}
	var rules []Rule
	for _, b := range base {
		for i := range 5 {
			v := b
			switch i {
			case 1:
				v.Abs = true
			case 2:
				v.Weight = weight
			case 3:
				v.Boost = boost
			case 4:
				v.Abs, v.Weight, v.Boost = true, weight, boost
			}
			rules = append(rules, v)
			if v.Kind != GroupMax {
				v.Subset = []int32{}
				for f := range z.F {
					if r.IntN(3) == 0 {
						v.Subset = append(v.Subset, int32(f))
					}
				}
				rules = append(rules, v)
			}
		}
	}
	return rules
}
