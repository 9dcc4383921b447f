package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A dot product keeps two running vectors: enough to hide the latency of FMA
// where several products go on at once, and so few that a tile of them fits
// the registers. The order of its sum is: blocks of two vectors, then a whole
// vector into the first, then the tail into the first; the first plus the
// second; halves added down to four lanes; (0+2)+(1+3). Dot, Dots and the tile
// share it to the bit.
const dotSums = 2

func (g *gen) dot() {
	g.begin("dot", "(a, b []float32) float32", "is the inner product of a and b[:len(a)].")
	a, b, n := g.pointer("a"), g.pointer("b"), g.length("a")
	sums := g.dotRows("", []reg.Register{a}, []reg.Register{b}, nil, n)
	x := g.quarter(sums[0][0])
	g.sumLanes(x)
	g.Store(x, g.ReturnIndex(0))
	g.end()
}

// A dotLoop is the state of products of rows x [n] with rows w [n], all read
// at the same offset.
type dotLoop struct {
	*gen
	x, w      []reg.Register
	next      []reg.Register // rows that will be read after these
	off, left reg.Register
	sums      []reg.VecVirtual // [x][w][dotSums]
}

func (l *dotLoop) sum(x, w, i int) reg.VecVirtual { return l.sums[(x*len(l.w)+w)*dotSums+i] }

// dotRows emits the product of each row of x [left] with each row of w: a
// vector of partial sums each. It brings the rows next into the cache, and uses
// left up.
func (g *gen) dotRows(label string, x, w, next []reg.Register, left reg.Register) [][]reg.VecVirtual {
	l := &dotLoop{gen: g, x: x, w: w, next: next, left: left, off: g.GP64(), sums: g.zeros(dotSums * len(x) * len(w))}
	g.XORQ(l.off, l.off)
	g.while(label+"Block", l.left, dotSums*g.lanes, func() { l.step(dotSums) })
	g.while(label+"Vector", l.left, g.lanes, func() { l.step(1) })
	g.whenLeft(label+"Whole", l.left, l.tail)
	first := make([][]reg.VecVirtual, len(x))
	for i := range x {
		for j := range w {
			g.VADDPS(l.sum(i, j, 1), l.sum(i, j, 0), l.sum(i, j, 0))
			first[i] = append(first[i], l.sum(i, j, 0))
		}
	}
	return first
}

// step takes count vectors off each row.
func (l *dotLoop) step(count int) {
	for i := range count {
		for _, row := range l.next {
			if i*l.bytes()%64 == 0 {
				l.PREFETCHT1(indexed(row, l.off, i*l.bytes()))
			}
		}
		xs := l.vecs(len(l.x))
		for r, v := range xs {
			l.VMOVUPS(indexed(l.x[r], l.off, i*l.bytes()), v)
		}
		for j, row := range l.w {
			if len(xs) == 1 {
				l.VFMADD231PS(indexed(row, l.off, i*l.bytes()), xs[0], l.sum(0, j, i))
				continue
			}
			v := l.vec()
			l.VMOVUPS(indexed(row, l.off, i*l.bytes()), v)
			for r := range xs {
				l.VFMADD231PS(v, xs[r], l.sum(r, j, i))
			}
		}
	}
	l.ADDQ(operand.U32(uint32(count*l.bytes())), l.off)
}

func (l *dotLoop) tail() {
	t := l.gen.tail(l.left)
	x, w := l.vec(), l.vec()
	for i := range l.x {
		l.loadTail(t, indexed(l.x[i], l.off, 0), x)
		for j := range l.w {
			l.loadTail(t, indexed(l.w[j], l.off, 0), w)
			l.VFMADD231PS(w, x, l.sum(i, j, 0))
		}
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
const dotsRows = 4

func (g *gen) dots() {
	g.begin("dots", "(dst, x, w []float32, idx, ahead []int32, rows int) bool",
		"sets dst[i] to the dot of x and row idx[i] of w [rows,len(x)]. It",
		"returns false when w does not have a row. It brings the rows ahead, as many",
		"as idx has or none, into the second-level cache.")
	x, idx, left := g.pointer("x"), g.pointer("idx"), g.length("idx")
	g.while("Rows", left, dotsRows, func() { g.dotsBlock("Rows", dotsRows, x, idx, left) })
	g.while("Row", left, 1, func() { g.dotsBlock("Row", 1, x, idx, left) })
	g.badIndex()
}

// dotsBlock does many of the left rows. What stands in the arguments is loaded
// again, so that the addresses of this block and of the next fit the registers.
func (g *gen) dotsBlock(label string, many int, x, idx, left reg.Register) {
	w, rows, stride := g.pointer("w"), g.integer("rows"), g.length("x")
	g.SHLQ(operand.U8(2), stride)
	p := make([]reg.Register, many)
	for i := range p {
		p[i] = g.row(at(idx, 4*i), w, rows, stride)
	}
	var next []reg.Register
	if many == dotsRows {
		next = g.rowsAhead(label, idx, left, w, stride, p)
	}
	sums := g.dotRows(label, []reg.Register{x}, p, next, g.length("x"))[0]
	dst, done := g.pointer("dst"), g.length("idx")
	g.SUBQ(left, done)
	if many == dotsRows {
		g.VMOVUPS(g.sumMany(sums), operand.Mem{Base: dst, Index: done, Scale: 4})
	} else {
		q := g.quarter(sums[0])
		g.sumLanes(q)
		g.VMOVSS(q, operand.Mem{Base: dst, Index: done, Scale: 4})
	}
	g.ADDQ(operand.U32(uint32(4*many)), idx)
}

// nextRows are the addresses of the rows of the block after this, or of this
// where it is the last. They are for prefetching, so no bound is checked. Rows
// lie anywhere in w and are too short for the processor to see a stream.
func (g *gen) nextRows(label string, idx, left, w, stride reg.Register, p []reg.Register) []reg.Register {
	next := make([]reg.Register, len(p))
	for i := range next {
		next[i] = g.copyOf(p[i])
	}
	g.CMPQ(left, operand.U32(uint32(2*len(p))))
	g.JL(operand.LabelRef(label + "Last"))
	for i := range next {
		g.MOVLQSX(at(idx, 4*(len(p)+i)), next[i])
		g.IMULQ(stride, next[i])
		g.ADDQ(w, next[i])
	}
	g.Label(label + "Last")
	return next
}

// rowsAhead are the addresses of the rows that stand ahead where this block
// does, or where there are none those of nextRows.
func (g *gen) rowsAhead(label string, idx, left, w, stride reg.Register, p []reg.Register) []reg.Register {
	next, n, place := g.nextRows(label, idx, left, w, stride, p), g.length("ahead"), g.pointer("ahead")
	g.TESTQ(n, n)
	g.JZ(operand.LabelRef(label + "Near"))
	n = g.length("idx")
	g.SUBQ(left, n)
	g.LEAQ(operand.Mem{Base: place, Index: n, Scale: 4}, place)
	for i := range next {
		g.MOVLQSX(at(place, 4*i), next[i])
		g.IMULQ(stride, next[i])
		g.ADDQ(w, next[i])
	}
	g.Label(label + "Near")
	return next
}

// lanePairs gives lanes 0+2 and 1+3 of a, then of b, where each is down to
// four lanes.
func (g *gen) lanePairs(a, b reg.VecVirtual) reg.Register {
	x, y := g.quarter(a), g.quarter(b)
	low, high := g.XMM(), g.XMM()
	g.VMOVLHPS(y, x, low)
	g.VMOVHLPS(x, y, high)
	g.VADDPS(high, low, low)
	return low
}

// sumMany is quarter and sumLanes of two or four registers at once.
func (g *gen) sumMany(sums []reg.VecVirtual) reg.Register {
	first := g.lanePairs(sums[0], sums[1])
	second, even := first, g.XMM()
	if len(sums) == 4 {
		second = g.lanePairs(sums[2], sums[3])
	}
	g.VSHUFPS(operand.U8(0x88), second, first, even)
	g.VSHUFPS(operand.U8(0xdd), second, first, first)
	g.VADDPS(first, even, even)
	return even
}

// dotTileShape is how many rows of x and of w a tile of dot products takes.
func (s isa) dotTileShape() (x, w int) {
	if s == avx512 {
		return 3, 4
	}
	return 3, 2
}

// dotTile reads w once for several rows of x, and x once for four rows of w.
func (g *gen) dotTile() {
	rows, cols := g.dotTileShape()
	g.begin("dotTile", "(dst []float32, ld int, x, w []float32, d, n int)",
		"sets n numbers, a multiple of 4, of the first rows of dst, ld apart, to",
		"the dot of rows of x [d] and n rows of w [d].")
	dst, w, stride, left := g.pointer("dst"), g.pointer("w"), g.integer("d"), g.integer("n")
	g.SHLQ(operand.U8(2), stride)
	xs := g.rowsFrom(g.pointer("x"), stride, rows)
	g.while("Columns", left, cols, func() {
		ws := g.rowsFrom(w, stride, cols)
		sums := g.dotRows("", xs, ws, nil, g.integer("d"))
		to, ld := g.copyOf(dst), g.integer("ld")
		g.SHLQ(operand.U8(2), ld)
		for i := range rows {
			if cols == 4 {
				g.VMOVUPS(g.sumMany(sums[i]), at(to, 0))
			} else {
				g.VMOVLPS(g.sumMany(sums[i]), at(to, 0))
			}
			g.ADDQ(ld, to)
		}
		g.ADDQ(operand.U32(uint32(4*cols)), dst)
		g.LEAQ(operand.Mem{Base: w, Index: stride, Scale: uint8(cols)}, w)
	})
	g.end()
}

// rowsFrom are the addresses of n rows, stride bytes apart.
func (g *gen) rowsFrom(first, stride reg.Register, n int) []reg.Register {
	rows := []reg.Register{first}
	for range n - 1 {
		next := g.copyOf(rows[len(rows)-1])
		g.ADDQ(stride, next)
		rows = append(rows, next)
	}
	return rows
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
