package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of this file bound |max(mean,floor) + σ·ε| of 64 latents, ε
// standard normal deviates that are made of the bits of Philox4x32-10 (Salmon
// et al. 2011) by the transform of Box and Muller. They are for AVX-512 only.

// noiseError is how far σ·ε may be off here, in parts of σ: 0.0074 for the sine
// at the largest radius of 6.77, 0.005 for the logarithm near radius 0, 0.0008
// for σ itself. noiseRounding covers float32 where the mean is far from 0.
const (
	noiseError    = 0.01
	noiseRounding = 0x1p-20
)

// A noiser is the state of noiseBounds and noiseBoundsAt.
type noiser struct {
	*gen
	words, params   reg.Register
	low, high, mean reg.Register
	logVar, empty   reg.Register // empty is 0 where logVar holds nothing
	above           reg.VecVirtual
	found           reg.GPVirtual // bits of the latents that may be above
	even, odd       reg.Register  // masks of lanes
	factors         [2]reg.VecVirtual
	constants       map[uint32]operand.Mem
}

// noise is for latents in a row. The lanes of a vector are blocks of random
// bits in such an order that the four deviates of each come out side by side.
func (g *gen) noise(constants map[uint32]operand.Mem) {
	n := g.beginNoise(constants, "noiseBounds", "(low, high, mean, logVar []float32, words []uint32, params []float32, above float32) uint64",
		"They are those of 16 blocks of random bits in a row.")
	order := g.StaticGlobal("blockOrder")
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for lane := range 16 {
		g.AppendDatum(operand.U32(uint32(lane%4*4 + lane/4)))
	}
	blocks := g.ZMM()
	g.VMOVDQU32(order, blocks)
	w := n.philox(blocks)
	var e [4]reg.VecVirtual
	for i := 0; i < 4; i += 2 {
		r := n.radius(w[i])
		e[i], e[i+1] = n.sine(w[i+1], true), n.sine(w[i+1], false)
		g.VMULPS(r, e[i], e[i])
		g.VMULPS(r, e[i+1], e[i+1])
	}
	n.transpose4(&e)
	for i, v := range e {
		n.bound(i, v)
	}
	n.endNoise()
}

// noiseAt is for any latents: each lane makes a block for its own.
func (g *gen) noiseAt(constants map[uint32]operand.Mem) {
	n := g.beginNoise(constants, "noiseBoundsAt", "(low, high, mean, logVar []float32, latents []int32, words []uint32, params []float32, above float32) uint64",
		"Latent l is number l of those that start at a block of random bits.")
	latents, part := g.pointer("latents"), g.ZMM()
	for i := range 4 {
		l, block := g.ZMM(), g.ZMM()
		g.VMOVDQU32(at(latents, 64*i), l)
		g.VPSRLD(operand.U8(2), l, block)
		w := n.philox(block)
		second, sine := g.K(), g.K()
		g.VPTESTMD_BCST(n.word(2), l, second)
		g.VPTESTMD_BCST(n.word(1), l, sine)
		g.VMOVDQA32(w[2], second, w[0])
		g.VMOVDQA32(w[3], second, w[1])
		g.VPADDD_BCST(n.word(1<<30), w[1], part)
		g.VMOVDQA32(w[1], sine, part)
		e := n.sine(part, false)
		g.VMULPS(n.radius(w[0]), e, e)
		n.bound(i, e)
	}
	n.endNoise()
}

func (g *gen) beginNoise(constants map[uint32]operand.Mem, name, params, doc string) *noiser {
	g.begin(name, params,
		"sets low and high to bounds of |max(mean,floor) + σ·ε| of 64 latents and",
		"returns the bits of those whose upper bound is above a number; NaN is not.", doc,
		"words holds ten pairs of round keys, the stream, and the number of the first",
		"block; params floor, σ, the bounds of log σ², where logVar is not empty, and",
		"by how much means may be off, and σ in parts of it.")
	n := &noiser{gen: g, constants: constants, words: g.pointer("words"), params: g.pointer("params"),
		low: g.pointer("low"), high: g.pointer("high"), mean: g.pointer("mean"), logVar: g.pointer("logVar"),
		empty: g.length("logVar"), above: g.broadcast("above"), found: g.GP64(), even: g.K(), odd: g.K()}
	for _, m := range []struct {
		k     reg.Register
		lanes uint32
	}{{n.even, 0x5555}, {n.odd, 0xaaaa}} {
		r := g.GP32()
		g.MOVL(operand.U32(m.lanes), r)
		g.KMOVW(r, m.k)
	}
	n.factors = [2]reg.VecVirtual{g.spreadBits(0xD2511F53), g.spreadBits(0xCD9E8D57)}
	g.XORQ(n.found, n.found)
	return n
}

func (n *noiser) endNoise() {
	n.Store(n.found, n.ReturnIndex(0))
	n.end()
}

// word is a constant in memory, once a file.
func (n *noiser) word(w uint32) operand.Mem {
	m, ok := n.constants[w]
	if !ok {
		m = n.StaticGlobal(fmt.Sprintf("word%08x", w))
		n.DataAttributes(attr.RODATA | attr.NOPTR)
		n.AppendDatum(operand.U32(w))
		n.constants[w] = m
	}
	return m
}

func (n *noiser) number(x float64) operand.Mem { return n.word(math.Float32bits(float32(x))) }

// philox makes the four words of each block, whose numbers are counted from the
// first.
func (n *noiser) philox(block reg.VecVirtual) (c [4]reg.VecVirtual) {
	carry := n.K()
	for i := range c {
		c[i] = n.ZMM()
	}
	n.VPBROADCASTD(at(n.words, 4*23), c[1])
	n.VPADDD_BCST(at(n.words, 4*22), block, c[0])
	n.VPCMPUD(operand.U8(1), block, c[0], carry) // the sum wrapped around
	n.VPADDD_BCST(n.word(1), c[1], carry, c[1])
	n.VPBROADCASTD(at(n.words, 4*20), c[2])
	n.VPBROADCASTD(at(n.words, 4*21), c[3])
	for round := range 10 {
		low0, high0 := n.multiply(c[0], n.factors[0])
		low1, high1 := n.multiply(c[2], n.factors[1])
		const xor = 0x96
		n.VPTERNLOGD_BCST(operand.U8(xor), at(n.words, 8*round), c[1], high1)
		n.VPTERNLOGD_BCST(operand.U8(xor), at(n.words, 8*round+4), c[3], high0)
		c = [4]reg.VecVirtual{high1, low1, high0, low0}
	}
	return c
}

// multiply gives the words of the products of x and y.
func (n *noiser) multiply(x, y reg.VecVirtual) (low, high reg.VecVirtual) {
	low, high, spare := n.ZMM(), n.ZMM(), n.ZMM()
	n.VMOVSHDUP(x, spare)
	n.VPMULUDQ(y, x, low)
	n.VPMULUDQ(y, spare, high)
	n.VMOVSLDUP(high, spare)
	n.VMOVSHDUP(low, n.even, high)
	n.VMOVDQA32(spare, n.odd, low)
	return low, high
}

// radius is √(-2 ln((w + ½)·2^-32)), from the exponent of w and a polynomial of
// its mantissa that is off by 1.7e-5 at most.
func (n *noiser) radius(w reg.VecVirtual) reg.VecVirtual {
	u, log, mantissa, zero := n.ZMM(), n.ZMM(), n.ZMM(), n.ZMM()
	n.VCVTUDQ2PS(w, u)
	n.VMAXPS_BCST(n.number(0.5), u, u)
	n.VGETEXPPS(u, log)
	n.VGETMANTPS(operand.U8(0), u, mantissa)
	n.polynomial(mantissa, u, 0.04300495779200214, -0.4025133935500003, 1.5894742949781377, -3.4898785506883154, 5.047855413443774, -2.7879262073047135)
	n.VADDPS(u, log, log)
	n.VBROADCASTSS(n.number(64*math.Ln2), u)
	n.VFNMADD231PS_BCST(n.number(2*math.Ln2), log, u)
	n.VPXORD(zero, zero, zero)
	n.VMAXPS(zero, u, u)
	n.VSQRTPS(u, u)
	return u
}

// polynomial sets v to the value at x, coefficients from the highest down.
func (n *noiser) polynomial(x, v reg.VecVirtual, c ...float64) {
	n.VBROADCASTSS(n.number(c[0]), v)
	for _, a := range c[1:] {
		n.VFMADD213PS_BCST(n.number(a), x, v)
	}
}

// sine is that of 2π·w·2^-32, or the cosine: a parabola y in each half turn, and
// of that y·(0.775 + 0.225|y|), which is off by 0.0011 at most.
func (n *noiser) sine(w reg.VecVirtual, cosine bool) reg.VecVirtual {
	y, size, magnitude := n.ZMM(), n.ZMM(), n.word(0x7fffffff)
	n.VMOVDQA32(w, y)
	if cosine {
		n.VPADDD_BCST(n.word(1<<30), y, y)
	}
	n.VCVTDQ2PS(y, y)
	n.VPANDD_BCST(magnitude, y, size)
	n.VMULPS_BCST(n.number(-0x1p-60), size, size)
	n.VADDPS_BCST(n.number(0x1p-29), size, size)
	n.VMULPS(size, y, y)
	n.VPANDD_BCST(magnitude, y, size)
	n.VMULPS_BCST(n.number(0.225), size, size)
	n.VADDPS_BCST(n.number(0.775), size, size)
	n.VMULPS(size, y, y)
	return y
}

// transpose4 makes e[i] the four numbers of lanes i, 4+i, 8+i and 12+i.
func (n *noiser) transpose4(e *[4]reg.VecVirtual) {
	t := n.vecs(4)
	n.VUNPCKLPS(e[1], e[0], t[0])
	n.VUNPCKHPS(e[1], e[0], t[1])
	n.VUNPCKLPS(e[3], e[2], t[2])
	n.VUNPCKHPS(e[3], e[2], t[3])
	n.VUNPCKLPD(t[2], t[0], e[0])
	n.VUNPCKHPD(t[2], t[0], e[1])
	n.VUNPCKLPD(t[3], t[1], e[2])
	n.VUNPCKHPD(t[3], t[1], e[3])
}

// bound finishes the latents of vector i, whose deviates are e.
func (n *noiser) bound(i int, e reg.VecVirtual) {
	z, sigma, off, k, bits := n.ZMM(), n.sigma(i), n.ZMM(), n.K(), n.GP64()
	n.VBROADCASTSS(at(n.params, 0), z)
	n.VMAXPS(at(n.mean, 64*i), z, z) // a mean that is NaN stays
	n.VMULPS(sigma, e, e)
	n.VADDPS(e, z, z)
	n.VPANDD_BCST(n.word(0x7fffffff), z, z)
	n.VBROADCASTSS(at(n.params, 16), off)
	n.VFMADD231PS_BCST(n.number(noiseError), sigma, off)
	n.VPANDD_BCST(n.word(0x7fffffff), e, e)
	n.VFMADD231PS_BCST(at(n.params, 20), e, off)
	n.VMOVAPS(off, e)
	n.VFMADD231PS_BCST(n.number(1+noiseRounding), z, e)
	n.VMOVUPS(e, at(n.high, 64*i))
	n.VFMSUB132PS_BCST(n.number(1-noiseRounding), off, z)
	n.VMOVUPS(z, at(n.low, 64*i))
	n.VCMPPS(operand.U8(14), n.above, e, k)
	n.KMOVW(k, bits.As32())
	if i > 0 {
		n.SHLQ(operand.U8(uint8(16*i)), bits)
	}
	n.ORQ(bits, n.found)
}

// sigma is the same for all, or exp of half the clamped log σ², by a polynomial
// that is off by 1.2e-4 of it.
func (n *noiser) sigma(i int) reg.VecVirtual {
	s, whole := n.ZMM(), n.ZMM()
	n.VBROADCASTSS(at(n.params, 4), s)
	done := fmt.Sprintf("Deviation%d", i)
	n.TESTQ(n.empty, n.empty)
	n.JZ(operand.LabelRef(done))
	n.VMOVUPS(at(n.logVar, 64*i), s)
	n.VMAXPS_BCST(at(n.params, 8), s, s)
	n.VMINPS_BCST(at(n.params, 12), s, s)
	n.VMULPS_BCST(n.number(0.5*math.Log2E), s, s)
	n.VRNDSCALEPS(operand.U8(1), s, whole) // down
	n.VSUBPS(whole, s, s)
	power := n.ZMM()
	n.polynomial(s, power, 0.078967257042171, 0.2246931557639975, 0.6963247710915825, 0.9999002881727679)
	n.VSCALEFPS(whole, power, s)
	n.Label(done)
	return s
}
