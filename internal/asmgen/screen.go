package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of this file score in bytes (VNNI). They are for AVX-512 only.

// maxAbs looks for the largest absolute value.
func (g *gen) maxAbs() {
	g.begin("maxAbs", "(x []float32) float32", "is the largest absolute value of x; what a NaN gives is not told.")
	x, left, v, most := g.pointer("x"), g.length("x"), g.vec(), g.zeros(1)[0]
	mask := g.spreadBits(0x7fffffff)
	g.while("Block", left, 16, func() {
		g.VPANDD(at(x, 0), mask, v)
		g.VMAXPS(v, most, most)
		g.ADDQ(operand.U32(64), x)
	})
	g.whenLeft("Whole", left, func() {
		g.loadTail(g.tail(left), at(x, 0), v)
		g.VPANDD(v, mask, v)
		g.VMAXPS(v, most, most)
	})
	g.Store(g.maxLanes(most), g.ReturnIndex(0))
	g.end()
}

// maxLanes is the largest lane of v, which it uses up.
func (g *gen) maxLanes(v reg.VecVirtual) reg.Register {
	high := g.ZMM()
	g.VEXTRACTF64X4(operand.U8(1), v, high.AsY())
	g.VMAXPS(high.AsY(), v.AsY(), v.AsY())
	g.VEXTRACTF32X4(operand.U8(1), v.AsY(), high.AsX())
	g.VMAXPS(high.AsX(), v.AsX(), v.AsX())
	for _, order := range []uint8{0x4e, 0xb1} {
		g.VPERMILPS(operand.U8(order), v.AsX(), high.AsX())
		g.VMAXPS(high.AsX(), v.AsX(), v.AsX())
	}
	return v.AsX()
}

// A quantizer is the state of quantize.
type quantizer struct {
	*gen
	scale, inverse, offset reg.VecVirtual
	lost, size, sum        reg.VecVirtual // running sums
}

// quantize rounds numbers to whole multiples of scale.
func (g *gen) quantize() {
	g.begin("quantize", "(dst []byte, x []float32, scale, inverse float32, offset int32) (lost, size float32, sum int32)",
		"sets dst to x·inverse, rounded to a whole number, plus offset, and returns",
		"the sum of squares of x - dst·scale (offset left out), that of x, and the",
		"sum of the whole numbers.")
	dst, x, left := g.pointer("dst"), g.pointer("x"), g.length("x")
	sums := g.zeros(3)
	q := quantizer{g, g.broadcast("scale"), g.broadcast("inverse"), g.ZMM(), sums[0], sums[1], sums[2]}
	offset := g.Load(g.Param("offset"), g.GP32())
	g.VPBROADCASTD(offset, q.offset)
	v := g.ZMM()
	g.while("Block", left, 16, func() {
		g.VMOVUPS(at(x, 0), v)
		g.VPMOVDB(q.round(v), at(dst, 0))
		g.ADDQ(operand.U32(64), x)
		g.ADDQ(operand.U32(16), dst)
	})
	g.whenLeft("Whole", left, func() {
		t := g.tail(left)
		g.loadTail(t, at(x, 0), v)
		g.VPMOVDB(q.round(v), t.mask, at(dst, 0))
	})
	for i, s := range []reg.VecVirtual{q.lost, q.size} {
		lanes := g.quarter(s)
		g.sumLanes(lanes)
		g.Store(lanes, g.ReturnIndex(i))
	}
	g.Store(g.sumWords(q.sum), g.ReturnIndex(2))
	g.end()
}

// round gives the whole numbers of v with the offset.
func (q *quantizer) round(v reg.VecVirtual) reg.VecVirtual {
	whole, n := q.ZMM(), q.ZMM()
	q.VFMADD231PS(v, v, q.size)
	q.VMULPS(q.inverse, v, n)
	q.VCVTPS2DQ(n, whole)
	q.VPADDD(whole, q.sum, q.sum)
	q.VCVTDQ2PS(whole, n)
	q.VFNMADD231PS(n, q.scale, v)
	q.VFMADD231PS(v, v, q.lost)
	q.VPADDD(q.offset, whole, whole)
	return whole
}

func (g *gen) sumWords(v reg.VecVirtual) reg.Register {
	high, r := g.ZMM(), g.GP32()
	g.VEXTRACTI64X4(operand.U8(1), v, high.AsY())
	g.VPADDD(high.AsY(), v.AsY(), v.AsY())
	g.VEXTRACTI32X4(operand.U8(1), v.AsY(), high.AsX())
	g.VPADDD(high.AsX(), v.AsX(), v.AsX())
	for _, order := range []uint8{0x4e, 0xb1} {
		g.VPSHUFD(operand.U8(order), v.AsX(), high.AsX())
		g.VPADDD(high.AsX(), v.AsX(), v.AsX())
	}
	g.VMOVD(v.AsX(), r)
	return r
}

// byteTile is tile with four bytes in the place of each number: the same
// panels and registers, four times the products. It leaves loads to spare, which
// bring in rows of as many numbers as the panels have bytes: a quarter of the
// steps has as many as such a row has lines.
func (g *gen) byteTile() {
	g.begin("byteTile", "(k int, a, b []byte, start, c []int32, ahead *[8]*float32)",
		"sets c [rows,cols] to start [cols] plus the product of panels a [k,rows,4],",
		"unsigned, and b [k,cols,4], signed; k > 0. It brings the rows ahead, of 4k",
		"numbers, into the second-level cache.")
	k, a, b, sums, p := g.beginBytes()
	ahead, quarter := g.integer("ahead"), g.copyOf(k)
	g.ADDQ(operand.U32(3), quarter)
	g.SHRQ(operand.U8(2), quarter)
	g.Label("Quarter")
	steps := g.copyOf(k)
	g.CMPQ(k, quarter)
	g.CMOVQGT(quarter, steps)
	g.SUBQ(steps, k)
	two := []reg.Register{g.GP64(), g.GP64()}
	for i, row := range two {
		g.MOVQ(at(ahead, 8*i), row)
	}
	g.ADDQ(operand.U32(8*uint32(len(two))), ahead)
	g.tileSteps(steps, a, b, sums, p, func() {
		for _, next := range two {
			g.PREFETCHT1(at(next, 0))
			g.ADDQ(operand.U32(64), next)
		}
	})
	g.TESTQ(k, k)
	g.JNZ(operand.LabelRef("Quarter"))
	g.endBytes(sums)
}

// beginBytes loads what tiles of bytes begin with.
func (g *gen) beginBytes() (k, a, b reg.Register, sums []reg.VecVirtual, p products) {
	rows, cols := g.tileShape()
	k, a, b = g.integer("k"), g.pointer("a"), g.pointer("b")
	wide, start := cols/g.lanes, g.pointer("start")
	sums = g.vecs(rows * wide)
	for i, s := range sums {
		g.VMOVDQU32(at(start, i%wide*g.bytes()), s)
	}
	return k, a, b, sums, products{g.VMOVDQU32, g.VPBROADCASTD, g.VPDPBUSD}
}

// endBytes stores the sums and returns.
func (g *gen) endBytes(sums []reg.VecVirtual) {
	c := g.pointer("c")
	for i, s := range sums {
		g.VMOVDQU32(s, at(c, i*g.bytes()))
	}
	g.end()
}

// besideRows is how many rows of numbers a tile of bytes brings in or scores.
const besideRows = 8

// byteTileDots is byteTile that also makes dot products of numbers, two vectors
// of them a step: alone they would wait for the caches. An eighth of the steps
// goes through one row.
func (g *gen) byteTileDots() {
	g.begin("byteTileDots", "(k int, a, b []byte, start, c []int32, ahead, rows *[8]*float32, x *float32, dots *[8]float32)",
		"is byteTile for k a multiple of 8 that also sets dots to the dot of x and each",
		"of the rows, of 4k numbers, as dots does.")
	k, a, b, sums, p := g.beginBytes()
	i, x, off := g.GP64(), g.integer("x"), g.GP64()
	g.XORQ(i, i)
	g.SHLQ(operand.U8(4), k) // bytes of a row
	g.Label("Row")
	next, w := g.integer("ahead"), g.integer("rows")
	for _, row := range []reg.Register{next, w} {
		g.MOVQ(operand.Mem{Base: row, Index: i, Scale: 8}, row)
	}
	dot := g.zeros(dotSums)
	g.XORQ(off, off)
	g.Label("Step")
	for l, sum := range dot {
		line, v := l*g.bytes(), g.vec()
		g.PREFETCHT1(indexed(next, off, line))
		g.VMOVUPS(indexed(x, off, line), v)
		g.VFMADD231PS(indexed(w, off, line), v, sum)
	}
	g.tileStep(a, b, sums, p)
	g.ADDQ(operand.U32(uint32(dotSums*g.bytes())), off)
	g.CMPQ(off, k)
	g.JL(operand.LabelRef("Step"))
	g.VADDPS(dot[1], dot[0], dot[0])
	lanes, dots := g.quarter(dot[0]), g.integer("dots")
	g.sumLanes(lanes)
	g.VMOVSS(lanes, operand.Mem{Base: dots, Index: i, Scale: 4})
	g.INCQ(i)
	g.CMPQ(i, operand.U32(besideRows))
	g.JL(operand.LabelRef("Row"))
	g.endBytes(sums)
}
