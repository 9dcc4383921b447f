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
	g.CMPQ(count, k)
	g.CMOVQLT(middle, high)
	g.INCQ(middle)
	g.CMPQ(count, k)
	g.CMOVQGE(middle, low)
	g.CMPQ(low, high)
	g.JL(operand.LabelRef("Halve"))
	g.placeToFloat(low, bits)
	g.VMOVD(bits.As32(), v.AsX())
	g.Store(v.AsX(), g.ReturnIndex(0))
	g.end()
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
