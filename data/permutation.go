package data

import (
	"math"
	"math/bits"
)

// The streams of this package. The streams of parameters are hashes of their
// names, 64 bits wide, so small numbers are free.
const (
	streamShuffle uint64 = 1 + iota
	streamSplit
	streamDictionary
	streamCommon
	streamCodes
	streamNoise
	streamTopic
	streamGaussian
	streamShift
	streamWindow
)

// permutationRounds is even. With ten, some orders of five rows are still 15 %
// more likely than others; with twelve a chi-square test sees none.
const permutationRounds = 12

// A permutation is a seeded order of 0..n-1 in which any place can be asked
// for on its own: a Feistel network over pairs (l, r), l < a, r < b, whose
// rounds add modulo a and b in turn (Black and Rogaway 2002, "Ciphers with
// arbitrary finite domains", the generalised Feistel cipher). a*b exceeds n by
// less than a, about the root of n; a pair beyond n is sent round again, which
// keeps it a permutation (cycle walking).
type permutation struct {
	n, a, b uint64
	keys    [permutationRounds]uint64
}

// newPermutation is the order of n rows, n >= 1, in one epoch.
func newPermutation(n int64, seed, epoch uint64) permutation {
	p := permutation{n: uint64(n)}
	p.a = uint64(math.Ceil(math.Sqrt(float64(n))))
	p.b = (p.n + p.a - 1) / p.a
	for r := range p.keys {
		p.keys[r] = Bits(seed, streamShuffle, epoch*permutationRounds+uint64(r))
	}
	return p
}

// at is the row at place i, i < n.
func (p *permutation) at(i int64) int64 {
	x := p.once(uint64(i))
	for x >= p.n {
		x = p.once(x)
	}
	return int64(x)
}

// once is the network over all a*b pairs.
func (p *permutation) once(x uint64) uint64 {
	l, r := x/p.b, x%p.b
	for i := 0; i < permutationRounds; i += 2 {
		l = addMod(l, mix(r^p.keys[i]), p.a)
		r = addMod(r, mix(l^p.keys[i+1]), p.b)
	}
	return l*p.b + r
}

// addMod is x, less than m, plus 64 random bits scaled to [0, m), modulo m.
func addMod(x, random, m uint64) uint64 {
	hi, _ := bits.Mul64(random, m)
	if x += hi; x >= m {
		x -= m
	}
	return x
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014, after
// Stafford's variant 13 of MurmurHash3): every bit of x moves every bit of
// the result. Philox would take most of the time of a read here.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
