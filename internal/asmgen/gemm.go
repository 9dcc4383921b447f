package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tileShape is the rows and columns of the block of a product that stays in
// registers: 24 or 12 accumulators.
func (s isa) tileShape() (rows, cols int) {
	if s == avx512 {
		return 12, 32
	}
	return 4, 24
}

// tile is the inner loop of the matrix product. Each step of k loads a row of
// the packed b and spreads the numbers of the packed a, one row of the block
// each; every element of the block is one chain of FMA in the order of k.
func (g *gen) tile() {
	rows, cols := g.tileShape()
	g.begin("tile", "(k int, a, b, c []float32, ldc int, add bool)",
		"sets the block of c, ldc numbers from row to row, to the product of",
		"panels a [k,rows] and b [k,cols], or adds it; k > 0.")
	k, a, b := g.integer("k"), g.pointer("a"), g.pointer("b")
	wide := cols / g.lanes
	sums := g.zeros(rows * wide)
	g.tileSteps(k, a, b, sums, products{g.VMOVUPS, g.VBROADCASTSS, g.VFMADD231PS}, func() {})
	g.storeTile(sums, rows, wide)
	g.end()
}

// products are the instructions that load a vector of b, spread four bytes of a
// and add the products of both to a sum.
type products struct{ load, spread, add func(...operand.Op) }

// tileSteps adds the product of panels a and b of k steps to sums, which it
// does not set; k and the addresses are used up. Each step begins with beside.
func (g *gen) tileSteps(k, a, b reg.Register, sums []reg.VecVirtual, p products, beside func()) {
	g.Label("Step")
	beside()
	g.tileStep(a, b, sums, p)
	g.DECQ(k)
	g.JNZ(operand.LabelRef("Step"))
}

// tileStep adds the products of one step and goes on to the next.
func (g *gen) tileStep(a, b reg.Register, sums []reg.VecVirtual, p products) {
	rows, cols := g.tileShape()
	row := g.vecs(cols / g.lanes)
	for j, v := range row {
		p.load(at(b, j*g.bytes()), v)
	}
	for i := range rows {
		x := g.vec()
		p.spread(at(a, 4*i), x)
		for j, v := range row {
			p.add(v, x, sums[len(row)*i+j])
		}
	}
	g.ADDQ(operand.U32(uint32(4*rows)), a)
	g.ADDQ(operand.U32(uint32(4*cols)), b)
}

// storeTile writes or adds the block of sums.
func (g *gen) storeTile(sums []reg.VecVirtual, rows, wide int) {
	c, ldc := g.pointer("c"), g.integer("ldc")
	g.SHLQ(operand.U8(2), ldc)
	add := g.Load(g.Param("add"), g.GP8())
	g.TESTB(add, add)
	g.JZ(operand.LabelRef("Store"))
	from := g.copyOf(c)
	for i := range rows {
		for j := range wide {
			s := sums[wide*i+j]
			g.VADDPS(at(from, j*g.bytes()), s, s)
		}
		g.ADDQ(ldc, from)
	}
	g.Label("Store")
	for i := range rows {
		for j := range wide {
			g.VMOVUPS(sums[wide*i+j], at(c, j*g.bytes()))
		}
		g.ADDQ(ldc, c)
	}
}

// transpose turns four rows into four columns, eight numbers a row at a time.
func (g *gen) transpose() {
	g.begin("transpose", "(dst []float32, ld int, src []float32, stride, n int)",
		"writes n numbers, a multiple of 8, of four rows of src, stride apart, as",
		"the four first numbers of n rows of dst, ld apart.")
	dst, ld, src, stride, left := g.pointer("dst"), g.integer("ld"), g.pointer("src"), g.integer("stride"), g.integer("n")
	g.SHLQ(operand.U8(2), ld)
	g.SHLQ(operand.U8(2), stride)
	third, high := g.GP64(), g.GP64()
	g.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, third)
	g.LEAQ(operand.Mem{Base: dst, Index: ld, Scale: 4}, high)
	ld3, step := g.GP64(), g.GP64()
	g.LEAQ(operand.Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	g.MOVQ(ld, step)
	g.SHLQ(operand.U8(3), step)
	g.while("Block", left, 8, func() {
		from := []operand.Mem{at(src, 0), {Base: src, Index: stride, Scale: 1}, {Base: src, Index: stride, Scale: 2}, {Base: src, Index: third, Scale: 1}}
		for i, column := range g.transposed(from) {
			to := func(base reg.Register) operand.Mem {
				return []operand.Mem{at(base, 0), {Base: base, Index: ld, Scale: 1}, {Base: base, Index: ld, Scale: 2}, {Base: base, Index: ld3, Scale: 1}}[i]
			}
			g.VMOVUPS(column.AsX(), to(dst))
			g.VEXTRACTF128(operand.U8(1), column, to(high))
		}
		g.ADDQ(operand.U32(32), src)
		g.ADDQ(step, dst)
		g.ADDQ(step, high)
	})
	g.end()
}

// transposed loads four rows of eight; column i holds numbers i of all rows
// in its lower half, numbers 4+i in its upper.
func (g *gen) transposed(from []operand.Mem) []reg.VecVirtual {
	r := make([]reg.VecVirtual, 4)
	for i, m := range from {
		r[i] = g.YMM()
		g.VMOVUPS(m, r[i])
	}
	low01, high01, low23, high23 := g.YMM(), g.YMM(), g.YMM(), g.YMM()
	g.VUNPCKLPS(r[1], r[0], low01)
	g.VUNPCKHPS(r[1], r[0], high01)
	g.VUNPCKLPS(r[3], r[2], low23)
	g.VUNPCKHPS(r[3], r[2], high23)
	columns := []reg.VecVirtual{g.YMM(), g.YMM(), g.YMM(), g.YMM()}
	g.VUNPCKLPD(low23, low01, columns[0])
	g.VUNPCKHPD(low23, low01, columns[1])
	g.VUNPCKLPD(high23, high01, columns[2])
	g.VUNPCKHPD(high23, high01, columns[3])
	return columns
}
