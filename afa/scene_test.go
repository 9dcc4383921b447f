package afa

import (
	"math"
	"math/rand/v2"
)

// scene is a selection: rows x [B,D] against w [F,D] with decoder norms [F].
type scene struct {
	b, d, f     int
	x, w, norms []float32
}

func randomScene(r *rand.Rand, b, d, f int) scene {
	normals := func(n int, scale float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(scale * r.NormFloat64())
		}
		return x
	}
	s := scene{b: b, d: d, f: f, x: normals(b*d, 1), w: normals(f*d, math.Sqrt(2/float64(f))), norms: make([]float32, f)}
	for i := range s.norms {
		s.norms[i] = float32(0.5 + r.Float64())
	}
	return s
}

// scenes are ordinary and hurtful inputs, by name.
func scenes() map[string]scene {
	r := rand.New(rand.NewPCG(3, 4))
	all := map[string]scene{
		"ordinary":        randomScene(r, 40, 33, 500),
		"many tiles":      randomScene(r, 600, 8, 64),
		"one latent":      randomScene(r, 9, 5, 1),
		"one coordinate":  randomScene(r, 9, 1, 50),
		"zero rows":       randomScene(r, 12, 16, 100),
		"all positive":    randomScene(r, 20, 16, 30),
		"far apart":       randomScene(r, 30, 24, 200),
		"decoders apart":  randomScene(r, 30, 24, 200),
		"zero decoders":   randomScene(r, 30, 24, 200),
		"near duplicates": randomScene(r, 30, 24, 400),
		"overflow":        randomScene(r, 6, 24, 100),
		"tiny":            randomScene(r, 6, 24, 100),
		"all needed":      randomScene(r, 30, 24, 20),
	}
	clear(all["zero rows"].x[:5*16])
	for i, v := range all["all positive"].w {
		all["all positive"].w[i] = float32(math.Abs(float64(v)))
	}
	for i, v := range all["all positive"].x {
		all["all positive"].x[i] = float32(math.Abs(float64(v)))
	}
	scaleRows(all["far apart"].x, 24, func(i int) float64 { return math.Pow(10, float64(i%7)-3) })
	scaleRows(all["far apart"].w, 24, func(i int) float64 { return math.Pow(10, float64(i%7)-3) })
	for i := range all["decoders apart"].norms {
		all["decoders apart"].norms[i] = float32(math.Pow(10, float64(i%7)-3))
	}
	clear(all["zero decoders"].norms[:150])
	near := all["near duplicates"]
	for i := 24; i < len(near.w); i++ {
		near.w[i] = near.w[i-24] * (1 + 1e-7*float32(i%3))
	}
	scaleRows(all["overflow"].x, 24, func(int) float64 { return 1e20 })
	scaleRows(all["overflow"].w, 24, func(i int) float64 { return math.Pow(10, float64(17+i%4)) })
	scaleRows(all["tiny"].x, 24, func(int) float64 { return 1e-20 })
	return all
}

func scaleRows(x []float32, d int, by func(row int) float64) {
	for i := range x {
		x[i] = float32(float64(x[i]) * by(i/d))
	}
}
