package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// plainDeviate is number i of the deviates of a stream: Philox4x32-10 and the
// transform of Box and Muller, as package data has them.
func plainDeviate(seed, stream, i uint64) float64 {
	block := i / 4
	c := [4]uint32{uint32(block), uint32(block >> 32), uint32(stream), uint32(stream >> 32)}
	k0, k1 := uint32(seed), uint32(seed>>32)
	for range 10 {
		p0, p1 := 0xD2511F53*uint64(c[0]), 0xCD9E8D57*uint64(c[2])
		c = [4]uint32{uint32(p1>>32) ^ c[1] ^ k0, uint32(p1), uint32(p0>>32) ^ c[3] ^ k1, uint32(p0)}
		k0, k1 = k0+0x9E3779B9, k1+0xBB67AE85
	}
	at := i % 4 / 2 * 2
	r := math.Sqrt(-2 * math.Log((float64(c[at])+0.5)*0x1p-32))
	sin, cos := math.Sincos(2 * math.Pi * float64(c[at+1]) * 0x1p-32)
	if i%2 == 0 {
		return r * cos
	}
	return r * sin
}

// noiseCase is one call of the kernels.
type noiseCase struct {
	n         Noise
	seed      uint64
	mean      []float32
	logVar    []float32 // nil for one σ
	sigma     float64
	relu      bool
	latents   []int32 // nil for those in a row
	low, high []float32
	block     uint64
	above     float32
	off       float32 // by how much means may be off
	offLog    float32 // and log variances
	found     uint64
}

const noiseStream, noiseLow, noiseHigh = 0x1_0000_0007, -6, 2

// sample is the exact |z| of latent j.
func (c *noiseCase) sample(j int) float64 {
	number, sigma, mean := uint64(j), c.sigma, float64(c.mean[j])
	if c.latents != nil {
		number = uint64(c.latents[j])
	}
	if c.logVar != nil {
		sigma = math.Exp(0.5 * min(max(float64(c.logVar[j]), noiseLow), noiseHigh))
	}
	if c.relu {
		mean = max(mean, 0)
	}
	return math.Abs(mean + sigma*plainDeviate(c.seed, noiseStream, 4*c.block+number))
}

func (c *noiseCase) run(s *set) {
	floor := float32(math.Inf(-1))
	if c.relu {
		floor = 0
	}
	c.n.Set(c.seed, noiseStream, floor, float32(c.sigma), noiseLow, noiseHigh)
	c.n.kernels = s.noise
	c.n.Allow(c.off, c.offLog)
	c.low, c.high = make([]float32, NoiseLatents), make([]float32, NoiseLatents)
	if c.latents != nil {
		c.found = c.n.BoundsAt(c.low, c.high, c.mean, c.logVar, c.latents, c.block, c.above)
	} else {
		c.found = c.n.Bounds(c.low, c.high, c.mean, c.logVar, c.block, c.above)
	}
}

// blur moves means and log variances as far as the bounds allow for.
func (c *noiseCase) blur(r *rand.Rand) {
	for j := range c.mean {
		c.mean[j] += c.off * (2*r.Float32() - 1)
		if c.logVar != nil && c.logVar[j] < noiseHigh-c.offLog && c.logVar[j] > noiseLow+c.offLog {
			c.logVar[j] += c.offLog * (2*r.Float32() - 1)
		}
	}
	if c.logVar == nil {
		c.sigma *= math.Exp(float64(c.offLog) / 2 * (2*r.Float64() - 1))
	}
}

// check holds the bounds against the exact samples, and asks that they are
// close.
func (c *noiseCase) check(t *testing.T) {
	t.Helper()
	for j := range NoiseLatents {
		z, low, high := c.sample(j), float64(c.low[j]), float64(c.high[j])
		sigma := c.sigma
		if c.logVar != nil {
			sigma = math.Exp(0.5 * min(max(float64(c.logVar[j]), noiseLow), noiseHigh))
		}
		wide := 2*float64(c.off) + 14*math.Expm1(float64(c.offLog)/2)*sigma
		if !(low <= z && z <= high) || high-low > 0.021*sigma+1e-5*z+wide {
			t.Fatalf("latent %d: %g is not in [%g,%g], or these are too far apart for σ %g", j, z, low, high, sigma)
		}
		if bit := c.found>>j&1 == 1; bit != (c.high[j] > c.above) {
			t.Fatalf("latent %d: bit %v for an upper bound of %g above %g", j, bit, high, c.above)
		}
	}
}

// TestNoiseBounds compares with exact samples: means and deviations of any
// sizes, and block numbers whose lower half overflows.
func TestNoiseBounds(t *testing.T) {
	eachSet(t, func(t *testing.T, s *set) {
		if s.noise == nil {
			t.Skip("this set bounds no samples")
		}
		r := rand.New(rand.NewPCG(3, 4))
		for i := range 4000 {
			c := noiseCase{seed: r.Uint64(), relu: i%2 == 0, sigma: math.Exp(r.NormFloat64() * 4), block: r.Uint64N(1 << 50)}
			if i%3 == 0 {
				c.block = uint64(i+1)<<32 - r.Uint64N(20)
			}
			c.mean = randomFloats(r, NoiseLatents)
			Scale(c.mean, float32(math.Exp(r.NormFloat64()*3)))
			if i%5 < 2 {
				c.logVar = randomFloats(r, NoiseLatents)
				Scale(c.logVar, 5)
			}
			if i%7 < 3 {
				for range NoiseLatents {
					c.latents = append(c.latents, r.Int32N(1<<24))
				}
			}
			c.above = float32(c.sample(r.IntN(NoiseLatents)))
			if i%4 == 0 {
				c.off, c.offLog = float32(r.Float64()), float32(r.Float64())
			}
			c.run(s)
			c.blur(r)
			c.check(t)
		}
	})
}

// TestNoiseOddities: a mean that is NaN is not found, one that is infinite is.
func TestNoiseOddities(t *testing.T) {
	eachSet(t, func(t *testing.T, s *set) {
		if s.noise == nil {
			t.Skip("this set bounds no samples")
		}
		c := noiseCase{seed: 1, sigma: 1, mean: make([]float32, NoiseLatents), above: 1e30}
		c.mean[5], c.mean[9] = float32(math.NaN()), float32(math.Inf(1))
		for _, c.relu = range []bool{true, false} {
			if c.run(s); c.found != 1<<9 {
				t.Errorf("found %b", c.found)
			}
		}
	})
}

func BenchmarkNoiseBounds(b *testing.B) {
	if !HasNoise() {
		b.Skip("this set bounds no samples")
	}
	var n Noise
	n.Set(1, 2, 0, 0.1, noiseLow, noiseHigh)
	x := make([][]float32, 4)
	for i := range x {
		x[i] = make([]float32, NoiseLatents)
	}
	latents := make([]int32, NoiseLatents)
	for name, f := range map[string]func(i int){
		"fixed":   func(i int) { n.Bounds(x[0], x[1], x[2], nil, uint64(i), 1) },
		"learned": func(i int) { n.Bounds(x[0], x[1], x[2], x[3], uint64(i), 1) },
		"at":      func(i int) { n.BoundsAt(x[0], x[1], x[2], nil, latents, uint64(i), 1) },
	} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				f(i)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/NoiseLatents, "ns/latent")
		})
	}
}
