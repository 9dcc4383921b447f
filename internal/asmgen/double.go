package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// doubleSum emits a sum over two float32 slices, taken in float64 in four
// running vectors and the order of dot.
func (g *gen) doubleSum(name string, term func(g *gen, a, b, sum reg.VecVirtual)) {
	doc := map[string]string{
		"dotF64":       "is the inner product of a and b[:len(a)] in float64.",
		"squaredError": "is the sum of (a-b)² in float64.",
	}
	g.begin(name, "(a, b []float32) float64", doc[name])
	a, b, left, off := g.pointer("a"), g.pointer("b"), g.length("a"), g.GP64()
	g.XORQ(off, off)
	sums := g.zeros(4)
	lanes := g.lanes / 2
	step := func(count int) {
		for i := range count {
			x, y := g.vec(), g.vec()
			g.VCVTPS2PD(indexed(a, off, 4*lanes*i), x)
			g.VCVTPS2PD(indexed(b, off, 4*lanes*i), y)
			term(g, x, y, sums[i])
		}
		g.ADDQ(operand.U32(uint32(count*lanes*4)), off)
	}
	g.while("Block", left, 4*lanes, func() { step(4) })
	g.while("Vector", left, lanes, func() { step(1) })
	g.whenLeft("Whole", left, func() {
		x, y := g.vec(), g.vec()
		t := g.tailOf(left, lanes)
		for _, p := range []struct {
			from reg.Register
			to   reg.VecVirtual
		}{{a, x}, {b, y}} {
			g.loadTail(t, indexed(p.from, off, 0), g.half(p.to))
			g.VCVTPS2PD(g.half(p.to), p.to)
		}
		term(g, x, y, sums[0])
	})
	g.Store(g.sumDoubles(g.total(sums)), g.ReturnIndex(0))
	g.end()
}

// sumSquares is dotF64 of a slice with itself, to the bit, with half of the
// conversions.
func (g *gen) sumSquares() {
	g.begin("sumSquares", "(x []float32) float64", "is the sum of x² in float64.")
	x, left, off := g.pointer("x"), g.length("x"), g.GP64()
	g.XORQ(off, off)
	sums := g.zeros(4)
	lanes := g.lanes / 2
	step := func(count int) {
		for i := range count {
			v := g.vec()
			g.VCVTPS2PD(indexed(x, off, 4*lanes*i), v)
			g.product(v, v, sums[i])
		}
		g.ADDQ(operand.U32(uint32(count*lanes*4)), off)
	}
	g.while("Block", left, 4*lanes, func() { step(4) })
	g.while("Vector", left, lanes, func() { step(1) })
	g.whenLeft("Whole", left, func() {
		v := g.vec()
		g.loadTail(g.tailOf(left, lanes), indexed(x, off, 0), g.half(v))
		g.VCVTPS2PD(g.half(v), v)
		g.product(v, v, sums[0])
	})
	g.Store(g.sumDoubles(g.total(sums)), g.ReturnIndex(0))
	g.end()
}

// absSums emits two sums over one reading of two slices.
func (g *gen) absSums() {
	g.begin("absSums", "(a, b []float32) (ofA, ofDifference float64)", "is the sum of |a| and that of |a-b| in float64, over len(a).")
	a, b, left, off := g.pointer("a"), g.pointer("b"), g.length("a"), g.GP64()
	g.XORQ(off, off)
	zero, ofA, ofDifference, lanes := g.zeros(1)[0], g.zeros(2), g.zeros(2), g.lanes/2
	add := func(x, y reg.VecVirtual, i int) {
		d, minus := g.vec(), g.vec()
		g.VSUBPD(y, x, d)
		g.VSUBPD(x, y, y)
		g.VMAXPD(y, d, d)
		g.VADDPD(d, ofDifference[i], ofDifference[i])
		g.VSUBPD(x, zero, minus)
		g.VMAXPD(minus, x, x)
		g.VADDPD(x, ofA[i], ofA[i])
	}
	step := func(count int) {
		for i := range count {
			x, y := g.vec(), g.vec()
			g.VCVTPS2PD(indexed(a, off, 4*lanes*i), x)
			g.VCVTPS2PD(indexed(b, off, 4*lanes*i), y)
			add(x, y, i)
		}
		g.ADDQ(operand.U32(uint32(count*lanes*4)), off)
	}
	g.while("Block", left, 2*lanes, func() { step(2) })
	g.while("Vector", left, lanes, func() { step(1) })
	g.whenLeft("Whole", left, func() {
		t, v := g.tailOf(left, lanes), g.vecs(2)
		for i, p := range []reg.Register{a, b} {
			g.loadTail(t, indexed(p, off, 0), g.half(v[i]))
			g.VCVTPS2PD(g.half(v[i]), v[i])
		}
		add(v[0], v[1], 0)
	})
	for i, sums := range [][]reg.VecVirtual{ofA, ofDifference} {
		g.VADDPD(sums[1], sums[0], sums[0])
		g.Store(g.sumDoubles(sums[0]), g.ReturnIndex(i))
	}
	g.end()
}

// total adds four running vectors.
func (g *gen) total(sums []reg.VecVirtual) reg.VecVirtual {
	g.VADDPD(sums[1], sums[0], sums[0])
	g.VADDPD(sums[3], sums[2], sums[2])
	g.VADDPD(sums[2], sums[0], sums[0])
	return sums[0]
}

func (g *gen) product(a, b, sum reg.VecVirtual) { g.VFMADD231PD(a, b, sum) }

func (g *gen) squaredDifference(a, b, sum reg.VecVirtual) {
	g.VSUBPD(b, a, a)
	g.VFMADD231PD(a, a, sum)
}

// sumDoubles adds halves until one lane is left.
func (g *gen) sumDoubles(v reg.VecVirtual) reg.Register {
	high := g.vec()
	if g.isa == avx512 {
		g.VEXTRACTF64X4(operand.U8(1), v, high.AsY())
		g.VADDPD(high.AsY(), v.AsY(), v.AsY())
		g.VEXTRACTF64X2(operand.U8(1), v.AsY(), high.AsX())
	} else {
		g.VEXTRACTF128(operand.U8(1), v, high.AsX())
	}
	g.VADDPD(high.AsX(), v.AsX(), v.AsX())
	g.VPERMILPD(operand.U8(1), v.AsX(), high.AsX())
	g.VADDSD(high.AsX(), v.AsX(), v.AsX())
	return v.AsX()
}
