package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A dot product keeps four running vectors, which hides the latency of FMA.
// The order of its sum is: blocks of four vectors, then whole vectors into the
// first, then the tail into the first; (0+1)+(2+3); halves, twice or three
// times, down to four lanes; (0+2)+(1+3). Dot and Dots share it to the bit.
const dotSums = 4

func (g *gen) dot() {
	g.begin("dot", "(a, b []float32) float32", "is the inner product of a and b[:len(a)].")
	a, b, n := g.pointer("a"), g.pointer("b"), g.length("a")
	sums := g.dotRows("", a, []reg.Register{b}, n)
	x := g.quarter(sums[0])
	g.sumLanes(x)
	g.Store(x, g.ReturnIndex(0))
	g.end()
}

// dotRows emits the product of x [n] with each of rows [n], a vector of
// partial sums each.
func (g *gen) dotRows(label string, x reg.Register, rows []reg.Register, n reg.Register) []reg.VecVirtual {
	sums := g.zeros(dotSums * len(rows))
	left, off := g.copyOf(n), g.GP64()
	g.XORQ(off, off)
	step := func(count int) {
		for i := range count {
			v := g.vec()
			g.VMOVUPS(indexed(x, off, i*g.bytes()), v)
			for r, row := range rows {
				g.VFMADD231PS(indexed(row, off, i*g.bytes()), v, sums[dotSums*r+i])
			}
		}
		g.ADDQ(operand.U32(uint32(count*g.bytes())), off)
	}
	g.while(label+"Block", left, dotSums*g.lanes, func() { step(dotSums) })
	g.while(label+"Vector", left, g.lanes, func() { step(1) })
	g.whenLeft(label+"Whole", left, func() { g.dotTail(x, rows, off, left, sums) })
	first := make([]reg.VecVirtual, len(rows))
	for r := range rows {
		s := sums[dotSums*r:]
		g.VADDPS(s[1], s[0], s[0])
		g.VADDPS(s[3], s[2], s[2])
		g.VADDPS(s[2], s[0], s[0])
		first[r] = s[0]
	}
	return first
}

func (g *gen) dotTail(x reg.Register, rows []reg.Register, off, left reg.Register, sums []reg.VecVirtual) {
	t, v, w := g.tail(left), g.vec(), g.vec()
	g.loadTail(t, indexed(x, off, 0), v)
	for r, row := range rows {
		g.loadTail(t, indexed(row, off, 0), w)
		g.VFMADD231PS(w, v, sums[dotSums*r])
	}
}

// quarter adds the halves of v until four lanes are left.
func (g *gen) quarter(v reg.VecVirtual) reg.Register {
	high := g.vec()
	if g.isa == avx512 {
		g.VEXTRACTF64X4(operand.U8(1), v, high.AsY())
		g.VADDPS(high.AsY(), v.AsY(), v.AsY())
		g.VEXTRACTF32X4(operand.U8(1), v.AsY(), high.AsX())
	} else {
		g.VEXTRACTF128(operand.U8(1), v, high.AsX())
	}
	g.VADDPS(high.AsX(), v.AsX(), v.AsX())
	return v.AsX()
}

// sumLanes sets lane 0 of x to (0+2)+(1+3).
func (g *gen) sumLanes(x reg.Register) {
	t := g.XMM()
	g.VMOVHLPS(x, x, t)
	g.VADDPS(t, x, x)
	g.VMOVSHDUP(x, t)
	g.VADDSS(t, x, x)
}

// dotsRows is how many rows Dots works on at once, sharing the loads of x.
func (g *gen) dotsRows() int {
	if g.isa == avx512 {
		return 4
	}
	return 2
}

func (g *gen) dots() {
	g.begin("dots", "(dst, x, w []float32, idx []int32, rows int) bool",
		"sets dst[i] to the dot of x and row idx[i] of w [rows,len(x)]. It",
		"returns false when w does not have a row.")
	dst, x, w, n := g.pointer("dst"), g.pointer("x"), g.pointer("w"), g.length("x")
	idx, left, rows := g.pointer("idx"), g.length("idx"), g.integer("rows")
	stride := g.copyOf(n)
	g.SHLQ(operand.U8(2), stride)
	many := g.dotsRows()
	g.while("Rows", left, many, func() { g.dotsBlock("Rows", many, dst, x, w, n, idx, rows, stride) })
	g.while("Row", left, 1, func() { g.dotsBlock("Row", 1, dst, x, w, n, idx, rows, stride) })
	g.badIndex()
}

func (g *gen) dotsBlock(label string, many int, dst, x, w, n, idx, rows, stride reg.Register) {
	p := make([]reg.Register, many)
	for i := range p {
		p[i] = g.row(at(idx, 4*i), w, rows, stride)
	}
	sums := g.dotRows(label, x, p, n)
	quarters := make([]reg.Register, many)
	for i, s := range sums {
		quarters[i] = g.quarter(s)
	}
	if many == 4 {
		g.VMOVUPS(g.sumFour(quarters), at(dst, 0))
	} else {
		for i, q := range quarters {
			g.sumLanes(q)
			g.VMOVSS(q, at(dst, 4*i))
		}
	}
	g.ADDQ(operand.U32(uint32(4*many)), idx)
	g.ADDQ(operand.U32(uint32(4*many)), dst)
}

// sumFour is sumLanes of four registers at once.
func (g *gen) sumFour(q []reg.Register) reg.Register {
	pair := func(a, b reg.Register) reg.Register {
		low, high := g.XMM(), g.XMM()
		g.VMOVLHPS(b, a, low)
		g.VMOVHLPS(a, b, high) // lanes 2 and 3 of a, then of b
		g.VADDPS(high, low, low)
		return low
	}
	first, second, even := pair(q[0], q[1]), pair(q[2], q[3]), g.XMM()
	g.VSHUFPS(operand.U8(0x88), second, first, even)
	g.VSHUFPS(operand.U8(0xdd), second, first, first)
	g.VADDPS(first, even, even)
	return even
}

// row is the address of the row of w whose index stands at m; an index
// outside [0,rows) jumps to BadIndex.
func (g *gen) row(m operand.Mem, w, rows, stride reg.Register) reg.Register {
	p := g.GP64()
	g.MOVLQSX(m, p)
	g.CMPQ(p, rows)
	g.JAE(operand.LabelRef("BadIndex"))
	g.IMULQ(stride, p)
	g.ADDQ(w, p)
	return p
}

// badIndex ends a function that returns true, or false from BadIndex on.
func (g *gen) badIndex() {
	ok := g.GP8()
	g.MOVB(operand.U8(1), ok)
	g.Store(ok, g.ReturnIndex(0))
	g.end()
	g.Label("BadIndex")
	g.XORB(ok, ok)
	g.Store(ok, g.ReturnIndex(0))
	g.end()
}
