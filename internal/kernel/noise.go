package kernel

import "math"

// Noise bounds samples of latents, |max(mean, floor) + σ·ε|, without computing
// them: ε are the standard normal deviates of one stream of random bits, as
// package data makes them, and the bounds are a few hundredths of σ apart.
// Whoever looks for the largest samples computes those alone whose bounds do
// not rule them out.
type Noise struct {
	kernels *noiseKernels
	words   [24]uint32 // ten pairs of round keys, the stream, the first block
	params  [6]float32 // floor, σ, the bounds of log σ², slack of means and of σ
}

// noiseKernels bound NoiseLatents samples and return the bits of those whose
// upper bound is above a number. A mean that is NaN is not above.
type noiseKernels struct {
	bounds   func(low, high, mean, logVar []float32, words []uint32, params []float32, above float32) uint64
	boundsAt func(low, high, mean, logVar []float32, latents []int32, words []uint32, params []float32, above float32) uint64
}

// NoiseLatents is how many samples are bounded at a time.
const NoiseLatents = 64

// HasNoise reports whether the set of kernels in use can bound samples.
func HasNoise() bool { return chosen.noise != nil }

// Set prepares for deviates of a stream. sigma is the deviation of every
// latent, unless its log σ² is given, which is clamped to [logMin, logMax].
func (n *Noise) Set(seed, stream uint64, floor, sigma, logMin, logMax float32) {
	n.kernels = chosen.noise
	k0, k1 := uint32(seed), uint32(seed>>32)
	for round := range 10 {
		n.words[2*round], n.words[2*round+1] = k0, k1
		k0, k1 = k0+0x9E3779B9, k1+0xBB67AE85
	}
	n.words[20], n.words[21] = uint32(stream), uint32(stream>>32)
	n.params = [6]float32{floor, sigma, logMin, logMax}
}

// Allow says how far the means of the bounds to come may be from the true ones,
// and their log σ². Both are 0 after Set.
func (n *Noise) Allow(mean, logVar float32) {
	n.params[4], n.params[5] = mean, float32(math.Expm1(float64(logVar)/2)*(1+1e-6))
}

// Bounds sets low and high to bounds of the samples of NoiseLatents latents
// whose deviates are the blocks of four from the given one on, and returns a
// bit for each whose upper bound is greater than above. All slices hold
// NoiseLatents numbers; logVar may be nil.
func (n *Noise) Bounds(low, high, mean, logVar []float32, block uint64, above float32) uint64 {
	n.words[22], n.words[23] = uint32(block), uint32(block>>32)
	low, high, mean, logVar = noiseSlices(low, high, mean, logVar)
	return n.kernels.bounds(low, high, mean, logVar, n.words[:], n.params[:], above)
}

// BoundsAt is Bounds for latents [NoiseLatents] that need not follow each
// other; the deviate of latent l is number l of those from the block on.
func (n *Noise) BoundsAt(low, high, mean, logVar []float32, latents []int32, block uint64, above float32) uint64 {
	n.words[22], n.words[23] = uint32(block), uint32(block>>32)
	low, high, mean, logVar = noiseSlices(low, high, mean, logVar)
	return n.kernels.boundsAt(low, high, mean, logVar, latents[:NoiseLatents], n.words[:], n.params[:], above)
}

func noiseSlices(low, high, mean, logVar []float32) (_, _, _, _ []float32) {
	if len(logVar) > 0 {
		logVar = logVar[:NoiseLatents]
	}
	return low[:NoiseLatents], high[:NoiseLatents], mean[:NoiseLatents], logVar
}
