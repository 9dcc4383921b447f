package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// kthLargest halves the range of float32 until one number is left, counting
// what lies above the middle by vector compares: no branch depends on x.
func (g *gen) kthLargest() {
	g.begin("kthLargest", "(x []float32, k int) float32",
		"is the k-th largest number of x, k from 1; len(x) is a multiple of 16",
		"and none is NaN.")
	x, k, n := g.pointer("x"), g.integer("k"), g.length("x")
	low, high, middle, count := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	bits, end, at := g.GP64(), g.GP64(), g.GP64()
	g.LEAQ(operand.Mem{Base: x, Index: n, Scale: 4}, end)
	g.MOVQ(operand.I32(-0x7f800001), low) // the place of -Inf in the order of float32
	g.MOVQ(operand.I32(0x7f800000), high)
	v := g.vec()
	g.Label("Halve")
	g.MOVQ(low, middle)
	g.ADDQ(high, middle)
	g.SARQ(operand.U8(1), middle)
	g.placeToFloat(middle, bits)
	g.VMOVD(bits.As32(), v.AsX())
	g.VBROADCASTSS(v.AsX(), v)
	g.XORQ(count, count)
	g.MOVQ(x, at)
	g.Label("Count")
	for disp := 0; disp < 64; disp += g.bytes() {
		g.countAbove(operand.Mem{Base: at, Disp: disp}, v, count)
	}
	g.ADDQ(operand.U32(64), at)
	g.CMPQ(at, end)
	g.JL(operand.LabelRef("Count"))
	g.narrow(low, high, middle, count, k)
	g.CMPQ(low, high)
	g.JL(operand.LabelRef("Halve"))
	g.placeToFloat(low, bits)
	g.VMOVD(bits.As32(), v.AsX())
	g.Store(v.AsX(), g.ReturnIndex(0))
	g.end()
}

// narrow goes on below or above the middle, which it uses up: the k-th largest is
// above where count numbers are and these are k or more.
func (g *gen) narrow(low, high, middle, count, k reg.Register) {
	g.CMPQ(count, k)
	g.CMOVQLT(middle, high)
	g.INCQ(middle)
	g.CMPQ(count, k)
	g.CMOVQGE(middle, low)
}

// placeToFloat gives the float32 at a place of their order: negative numbers
// fall where their bits rise.
func (g *gen) placeToFloat(place, bits reg.GPVirtual) {
	g.MOVL(place.As32(), bits.As32())
	g.SARL(operand.U8(31), bits.As32())
	g.SHRL(operand.U8(1), bits.As32())
	g.XORL(place.As32(), bits.As32())
}

func (g *gen) countAbove(m operand.Mem, bound reg.VecVirtual, count reg.GPVirtual) {
	v, found := g.vec(), g.GP64()
	g.VMOVUPS(m, v)
	if g.isa == avx512 {
		k := g.K()
		g.VCMPPS(operand.U8(14), bound, v, k)
		g.KMOVW(k, found.As32())
	} else {
		g.VCMPPS(operand.U8(14), bound, v, v)
		g.VMOVMSKPS(v, found.As32())
	}
	g.POPCNTL(found.As32(), found.As32())
	g.ADDQ(found, count)
}

// kthFrom is kthLargest where the answer need not be exact and something is
// known of it: it halves what is left between that and the largest.
func (g *gen) kthFrom() {
	g.begin("kthFrom", "(x []float32, k int, from float32, within int) float32",
		"is the k-th largest number of x, k from 1, or one below it by at most within",
		"places in the order of float32; or from where that is larger. A NaN is",
		"smaller than any number; x is not empty.")
	x, k, n, within := g.pointer("x"), g.integer("k"), g.length("x"), g.integer("within")
	end, rest := g.GP64(), g.GP64()
	g.MOVQ(n, rest)
	g.ANDQ(operand.I32(-16), n)
	g.LEAQ(operand.Mem{Base: x, Index: n, Scale: 4}, end)
	g.ANDQ(operand.I32(15), rest)
	last := g.tail(rest).mask // of none where x is whole vectors
	from, v, most := g.broadcast("from"), g.ZMM(), g.ZMM()
	g.VMOVAPS(from, most)
	g.eachVector("Most", x, end, func(m operand.Mem) {
		g.VMOVUPS(m, v)
		g.VMAXPS(most, v, most) // most where v is NaN
	})
	g.VMOVAPS(from, v)
	g.VMOVUPS(at(end, 0), last, v)
	g.VMAXPS(most, v, most)
	low, high, bits := g.GP64(), g.GP64(), g.GP64()
	g.place(g.maxLanes(most), high)
	g.place(from.AsX(), low)
	middle, count, exact := g.GP64(), g.GP64(), g.K()
	g.Label("Halve")
	g.MOVQ(high, middle)
	g.SUBQ(low, middle)
	g.CMPQ(middle, within)
	g.JLE(operand.LabelRef("Near"))
	g.SARQ(operand.U8(1), middle)
	g.ADDQ(low, middle)
	g.placeToFloat(middle, bits)
	g.VPBROADCASTD(bits.As32(), v)
	tailed := g.ZMM()
	g.VMOVUPS_Z(at(end, 0), last, tailed)
	g.VCMPPS(operand.U8(14), v, tailed, last, exact)
	g.KMOVW(exact, count.As32())
	g.POPCNTL(count.As32(), count.As32())
	g.eachVector("Count", x, end, func(m operand.Mem) { g.countAbove(m, v, count) })
	g.narrow(low, high, middle, count, k)
	g.JMP(operand.LabelRef("Halve"))
	g.Label("Near")
	g.placeToFloat(low, bits)
	g.VMOVD(bits.As32(), v.AsX())
	g.Store(v.AsX(), g.ReturnIndex(0))
	g.end()
}

// eachVector emits body for the whole vectors from first to end.
func (g *gen) eachVector(label string, first, end reg.Register, body func(operand.Mem)) {
	p := g.copyOf(first)
	g.CMPQ(p, end)
	g.JGE(operand.LabelRef(label + "Done"))
	g.Label(label)
	body(at(p, 0))
	g.ADDQ(operand.U32(64), p)
	g.CMPQ(p, end)
	g.JL(operand.LabelRef(label))
	g.Label(label + "Done")
}

// place is where the number in lane 0 of x stands in the order of float32.
func (g *gen) place(x reg.Register, place reg.GPVirtual) {
	sign := g.GP32()
	g.VMOVD(x, sign)
	g.MOVL(sign, place.As32())
	g.SARL(operand.U8(31), sign)
	g.SHRL(operand.U8(1), sign)
	g.XORL(sign, place.As32())
	g.MOVLQSX(place.As32(), place)
}
