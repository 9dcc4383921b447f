package data

import "math"

// All randomness of saectl is a function of (seed, stream, counter): nothing
// has to be saved to resume, and any thread may compute any number. The
// generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers:
// as easy as 1, 2, 3").

// Block returns block i of a stream: 128 random bits, of which Bits has the
// first 64, and which Normal turns into the deviates from number 4i on: the
// first and third words become their radii, the others their angles.
func Block(seed, stream, i uint64) [4]uint32 {
	const (
		mul0, mul1   = 0xD2511F53, 0xCD9E8D57
		weyl0, weyl1 = 0x9E3779B9, 0xBB67AE85
	)
	c := [4]uint32{uint32(i), uint32(i >> 32), uint32(stream), uint32(stream >> 32)}
	k0, k1 := uint32(seed), uint32(seed>>32)
	for range 10 {
		p0, p1 := mul0*uint64(c[0]), mul1*uint64(c[2])
		c = [4]uint32{uint32(p1>>32) ^ c[1] ^ k0, uint32(p1), uint32(p0>>32) ^ c[3] ^ k1, uint32(p0)}
		k0, k1 = k0+weyl0, k1+weyl1
	}
	return c
}

// Bits returns number i of a stream, 64 random bits.
func Bits(seed, stream, i uint64) uint64 {
	b := Block(seed, stream, i)
	return uint64(b[0])<<32 | uint64(b[1])
}

// Uniform returns number i of a stream, uniform in [0,1).
func Uniform(seed, stream, i uint64) float64 {
	return float64(Bits(seed, stream, i)>>11) * 0x1p-53
}

// Normal returns number i of a stream of standard normal deviates, the same
// that NormalFill puts at dst[i].
func Normal(seed, stream, i uint64) float32 {
	return normals(seed, stream, i/4)[i%4]
}

// NormalFill fills dst with the first standard normal deviates of a stream.
func NormalFill(dst []float32, seed, stream uint64) { NormalFillFrom(dst, seed, stream, 0) }

// NormalFillFrom fills dst with the deviates of a stream from number first on.
func NormalFillFrom(dst []float32, seed, stream, first uint64) {
	for len(dst) > 0 {
		four := normals(seed, stream, first/4)
		n := copy(dst, four[first%4:])
		dst, first = dst[n:], first+uint64(n)
	}
}

// normals is a block as four normal deviates (Box and Muller 1958). The angle
// and radius come from 32 bits each; 2^-33 keeps the logarithm finite.
func normals(seed, stream, block uint64) (z [4]float32) {
	b := Block(seed, stream, block)
	for i := 0; i < 4; i += 2 {
		r := math.Sqrt(-2 * math.Log((float64(b[i])+0.5)*0x1p-32))
		sin, cos := math.Sincos(2 * math.Pi * float64(b[i+1]) * 0x1p-32)
		z[i], z[i+1] = float32(r*cos), float32(r*sin)
	}
	return z
}
