package main

import (
	"github.com/mmcloughlin/avo/operand"
)

// moments rounds each product and sum as the plain twin does, in float64.
func (g *gen) moments() {
	g.begin("moments", "(sum, squares, shift []float64, x, y []float32)",
		"adds v = x - y - shift to sum and v² to squares, in float64; len(sum) is",
		"a multiple of 16.")
	sum, squares, shift := g.pointer("sum"), g.pointer("squares"), g.pointer("shift")
	x, y, left, off := g.pointer("x"), g.pointer("y"), g.length("sum"), g.GP64()
	g.XORQ(off, off)
	v, t := g.vec(), g.vec()
	lanes := g.lanes / 2
	g.while("Block", left, block, func() {
		for i := 0; i < block; i += lanes {
			g.VCVTPS2PD(indexed(x, off, 4*i), v)
			g.VCVTPS2PD(indexed(y, off, 4*i), t)
			g.VSUBPD(t, v, v)
			double := operand.Mem{Base: shift, Index: off, Scale: 2, Disp: 8 * i}
			g.VSUBPD(double, v, v)
			double.Base = sum
			g.VADDPD(double, v, t)
			g.VMOVUPD(t, double)
			g.VMULPD(v, v, v)
			double.Base = squares
			g.VADDPD(double, v, v)
			g.VMOVUPD(v, double)
		}
		g.ADDQ(operand.U32(4*block), off)
	})
	g.end()
}
