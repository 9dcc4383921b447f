package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of this file multiply in words of 16 bits (VNNI). They are for
// AVX-512 only.

// quantizeWords rounds numbers to whole multiples of scale.
func (g *gen) quantizeWords() {
	g.begin("quantizeWords", "(dst []byte, x []float32, scale, inverse float32) float32",
		"sets dst, two bytes a number, to x·inverse rounded to a whole number, and",
		"returns the sum of squares of x - dst·scale.")
	dst, x, left := g.pointer("dst"), g.pointer("x"), g.length("x")
	lost, scale, inverse := g.zeros(1)[0], g.broadcast("scale"), g.broadcast("inverse")
	v, n := g.ZMM(), g.ZMM()
	round := func() {
		g.VMULPS(inverse, v, n)
		g.VCVTPS2DQ(n, n)
	}
	miss := func() {
		g.VCVTDQ2PS(n, n)
		g.VFNMADD231PS(n, scale, v)
		g.VFMADD231PS(v, v, lost)
	}
	g.while("Block", left, 16, func() {
		g.VMOVUPS(at(x, 0), v)
		round()
		g.VPMOVSDW(n, at(dst, 0))
		miss()
		g.ADDQ(operand.U32(64), x)
		g.ADDQ(operand.U32(32), dst)
	})
	g.whenLeft("Whole", left, func() {
		t := g.tail(left)
		g.loadTail(t, at(x, 0), v)
		round()
		g.VPMOVSDW(n, t.mask, at(dst, 0))
		miss()
	})
	lanes := g.quarter(lost)
	g.sumLanes(lanes)
	g.Store(lanes, g.ReturnIndex(0))
	g.end()
}

// wordTile is tile with two words in the place of each number: the same panels
// and registers, twice the products.
func (g *gen) wordTile() {
	rows, cols := g.tileShape()
	g.begin("wordTile", "(k int, a, b []byte, scale, factor, add, dst []float32, ld int)",
		"sets the block of dst, ld numbers from row to row, to scale[i]·factor[j]",
		"times the product of panels a [k,rows,2] and b [k,cols,2], plus add[j]; k > 0.")
	k, a, b := g.integer("k"), g.pointer("a"), g.pointer("b")
	wide := cols / g.lanes
	sums := g.zeros(rows * wide)
	g.tileSteps(k, a, b, sums, products{g.VMOVDQU32, g.VPBROADCASTD, g.VPDPWSSD}, func() {})
	scale, factor, add := g.pointer("scale"), g.pointer("factor"), g.pointer("add")
	dst, ld := g.pointer("dst"), g.integer("ld")
	g.SHLQ(operand.U8(2), ld)
	f, start := g.vecs(wide), g.vecs(wide)
	for j := range wide {
		g.VMOVUPS(at(factor, j*g.bytes()), f[j])
		g.VMOVUPS(at(add, j*g.bytes()), start[j])
	}
	for i := range rows {
		unit := g.vec()
		g.VBROADCASTSS(at(scale, 4*i), unit)
		for j := range wide {
			s := sums[wide*i+j]
			g.VCVTDQ2PS(s, s)
			g.VMULPS(f[j], s, s)
			g.VFMADD213PS(start[j], unit, s)
			g.VMOVUPS(s, at(dst, j*g.bytes()))
		}
		g.ADDQ(ld, dst)
	}
	g.end()
}

// streamWords is quantizeWords for words that will not be read soon: they go
// past the caches, which need not read what they replace.
func (g *gen) streamWords() {
	g.begin("streamWords", "(dst []int16, x []float32, inverse float32)",
		"sets dst, at a multiple of 64 bytes, to x·inverse rounded to whole numbers,",
		"past the caches; len(x) is a multiple of 32. Others see it after streamFence.")
	dst, x, left := g.pointer("dst"), g.pointer("x"), g.length("x")
	inverse, low, high := g.broadcast("inverse"), g.ZMM(), g.ZMM()
	g.while("Block", left, 32, func() {
		for i, v := range []reg.VecVirtual{low, high} {
			g.VMULPS(at(x, 64*i), inverse, v)
			g.VCVTPS2DQ(v, v)
			g.VPMOVSDW(v, v.AsY())
		}
		g.VINSERTI64X4(operand.U8(1), high.AsY(), low, low)
		g.VMOVNTDQ(low, at(dst, 0))
		g.ADDQ(operand.U32(128), x)
		g.ADDQ(operand.U32(64), dst)
	})
	g.end()
}
