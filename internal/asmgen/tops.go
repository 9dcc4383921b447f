package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// topBlock is how many numbers a block has of which the largest is found.
const topBlock = 128

// tops finds the largest number of each block.
func (g *gen) tops() {
	g.begin("tops", "(dst, x []float32)",
		"sets dst[i] to the largest number of block i of x, 128 numbers each,",
		"passing over NaN; len(x) is a whole number of blocks.")
	dst, x, left := g.pointer("dst"), g.pointer("x"), g.length("x")
	g.eachTop(dst, left, func(disp int, v reg.VecVirtual) { g.VMOVUPS(at(x, disp), v) }, numbers(x))
	g.end()
}

// axpyTops is an axpy that looks at what it writes.
func (g *gen) axpyTops() {
	g.begin("axpyTops", "(tops, dst []float32, a float32, x []float32)",
		"adds a*x to dst and sets tops[i] to the largest number of",
		"block i of it, 128 numbers each, passing over NaN; len(dst) is a whole",
		"number of blocks.")
	a := g.broadcast("a")
	tops, dst, x, left := g.pointer("tops"), g.pointer("dst"), g.pointer("x"), g.length("dst")
	g.eachTop(tops, left, func(disp int, v reg.VecVirtual) {
		g.VMOVUPS(at(dst, disp), v)
		g.VFMADD231PS(at(x, disp), a, v)
		g.VMOVUPS(v, at(dst, disp))
	}, numbers(dst), numbers(x))
	g.end()
}

// axpyWordsTops is axpyTops for x in words of 16 bits, for AVX-512 only.
func (g *gen) axpyWordsTops() {
	g.begin("axpyWordsTops", "(tops, dst []float32, a float32, x []int16)",
		"adds a*x to dst and sets tops[i] to the largest number of",
		"block i of it, 128 numbers each, passing over NaN; len(dst) is a whole",
		"number of blocks.")
	a, wide := g.broadcast("a"), g.vec()
	tops, dst, x, left := g.pointer("tops"), g.pointer("dst"), g.pointer("x"), g.length("dst")
	g.eachTop(tops, left, func(disp int, v reg.VecVirtual) {
		g.VPMOVSXWD(at(x, disp/2), wide)
		g.VCVTDQ2PS(wide, wide)
		g.VMOVUPS(at(dst, disp), v)
		g.VFMADD231PS(wide, a, v)
		g.VMOVUPS(v, at(dst, disp))
	}, numbers(dst), moved{x, 2})
	g.end()
}

// moved is a pointer to elements of so many bytes.
type moved struct {
	pointer reg.Register
	bytes   int
}

func numbers(pointer reg.Register) moved { return moved{pointer, 4} }

// eachTop sets tops to the largest of each block of vectors that load gives.
// The pointers in move are taken from block to block.
func (g *gen) eachTop(tops, left reg.Register, load func(disp int, v reg.VecVirtual), move ...moved) {
	least, bits := g.vec(), g.GP32()
	g.MOVL(operand.U32(0xff800000), bits) // minus infinity
	g.VMOVD(bits, least.AsX())
	g.VBROADCASTSS(least.AsX(), least)
	g.while("Block", left, topBlock, func() {
		sums, v := g.vecs(2), g.vec()
		for _, s := range sums {
			g.VMOVAPS(least, s)
		}
		for disp := 0; disp < 4*topBlock; disp += g.bytes() {
			s := sums[disp/g.bytes()%len(sums)]
			load(disp, v)
			g.VMAXPS(s, v, s) // the first, where v is NaN
		}
		g.VMAXPS(sums[1], sums[0], sums[0])
		g.storeTop(sums[0], tops)
		for _, p := range move {
			g.ADDQ(operand.U32(uint32(p.bytes*topBlock)), p.pointer)
		}
	})
}

// storeTop writes the largest lane of v and moves on.
func (g *gen) storeTop(v reg.VecVirtual, tops reg.Register) {
	high := g.vec()
	if g.isa == avx512 {
		g.VEXTRACTF64X4(operand.U8(1), v, high.AsY())
		g.VMAXPS(high.AsY(), v.AsY(), v.AsY())
	}
	g.VEXTRACTF128(operand.U8(1), v.AsY(), high.AsX())
	x, t := v.AsX(), high.AsX()
	g.VMAXPS(t, x, x)
	g.VMOVHLPS(x, x, t)
	g.VMAXPS(t, x, x)
	g.VMOVSHDUP(x, t)
	g.VMAXSS(t, x, x)
	g.VMOVSS(x, at(tops, 0))
	g.ADDQ(operand.U32(4), tops)
}
