package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (g *gen) axpy() {
	g.begin("axpy", "(dst []float32, a float32, x []float32)", "adds a*x to dst.")
	a := g.broadcast("a")
	dst, x, left := g.pointer("dst"), g.pointer("x"), g.length("dst")
	off, v := g.GP64(), g.vec()
	g.XORQ(off, off)
	g.while("Vector", left, g.lanes, func() {
		g.VMOVUPS(indexed(dst, off, 0), v)
		g.VFMADD231PS(indexed(x, off, 0), a, v)
		g.VMOVUPS(v, indexed(dst, off, 0))
		g.ADDQ(operand.U32(uint32(g.bytes())), off)
	})
	g.whenLeft("Whole", left, func() {
		t, w := g.tail(left), g.vec()
		g.loadTail(t, indexed(dst, off, 0), v)
		g.loadTail(t, indexed(x, off, 0), w)
		g.VFMADD231PS(w, a, v)
		g.storeTail(t, v, indexed(dst, off, 0))
	})
	g.end()
}

// A rowSum is the state of sumRows: panels of dst stay in registers while all
// rows are added, so dst is read and written once.
type rowSum struct {
	*gen
	dst, v, w, idx, count, rows, stride reg.Register
	add                                 reg.Register // whether dst counts
	off                                 reg.Register // bytes of a row that are done
}

// panels are the widths, in vectors, that dst is worked through in.
func (g *gen) panels() []int {
	if g.isa == avx512 {
		return []int{24, 8, 1}
	}
	return []int{12, 4, 1}
}

func (g *gen) sumRows() {
	g.begin("sumRows", "(dst, v, w []float32, idx, ahead []int32, rows int, add bool) bool",
		"sets dst to the sum of v[e] times row idx[e] of w [rows,len(dst)] over each e,",
		"or adds it. It returns false when w does not have a row. It brings the rows",
		"ahead, as many as idx has, into the second-level cache.")
	s := rowSum{gen: g, dst: g.pointer("dst"), v: g.pointer("v"), w: g.pointer("w"),
		idx: g.pointer("idx"), count: g.length("idx"), rows: g.integer("rows"), stride: g.length("dst"), off: g.GP64(),
		add: g.Load(g.Param("add"), g.GP8())}
	left := g.copyOf(s.stride)
	g.SHLQ(operand.U8(2), s.stride)
	g.XORQ(s.off, s.off)
	place := g.GP64()
	for _, width := range g.panels() {
		g.while(fmt.Sprintf("Panel%d", width), left, width*g.lanes, func() { s.panel(width, place) })
	}
	g.whenLeft("Whole", left, func() { s.tailPanel(left, place) })
	g.badIndex()
}

func (s rowSum) panel(width int, place reg.Register) {
	sums := s.zeros(width)
	s.whenAdding(fmt.Sprintf("Set%d", width), func() {
		for i, sum := range sums {
			s.VMOVUPS(indexed(s.dst, s.off, i*s.bytes()), sum)
		}
	})
	s.each(fmt.Sprintf("Rows%d", width), place, func(a reg.VecVirtual, row reg.Register) {
		next := s.rowAhead(place)
		for i, sum := range sums {
			if i*s.bytes()%64 == 0 {
				s.PREFETCHT1(indexed(next, s.off, i*s.bytes()))
			}
			s.VFMADD231PS(indexed(row, s.off, i*s.bytes()), a, sum)
		}
	})
	for i, sum := range sums {
		s.VMOVUPS(sum, indexed(s.dst, s.off, i*s.bytes()))
	}
	s.ADDQ(operand.U32(uint32(width*s.bytes())), s.off)
}

// rowAhead is the address of the row that stands at a place of those ahead. It
// is for prefetching, so no bound is checked.
func (s rowSum) rowAhead(place reg.Register) reg.Register {
	next := s.pointer("ahead")
	s.MOVLQSX(operand.Mem{Base: next, Index: place, Scale: 4}, next)
	s.IMULQ(s.stride, next)
	s.ADDQ(s.w, next)
	return next
}

// whenAdding emits body for sums that dst is added to.
func (s rowSum) whenAdding(label string, body func()) {
	s.TESTB(s.add, s.add)
	s.JZ(operand.LabelRef(label))
	body()
	s.Label(label)
}

func (s rowSum) tailPanel(left, place reg.Register) {
	t, sum, x := s.tail(left), s.zeros(1)[0], s.vec()
	s.whenAdding("SetTail", func() { s.loadTail(t, indexed(s.dst, s.off, 0), sum) })
	s.each("RowsTail", place, func(a reg.VecVirtual, row reg.Register) {
		s.loadTail(t, indexed(row, s.off, 0), x)
		s.VFMADD231PS(x, a, sum)
	})
	s.storeTail(t, sum, indexed(s.dst, s.off, 0))
}

// each runs body for every entry, with its value in all lanes and its row.
func (s rowSum) each(label string, place reg.Register, body func(a reg.VecVirtual, row reg.Register)) {
	s.XORQ(place, place)
	s.CMPQ(place, s.count)
	s.JGE(operand.LabelRef(label + "Done"))
	s.Label(label)
	row := s.row(operand.Mem{Base: s.idx, Index: place, Scale: 4}, s.w, s.rows, s.stride)
	a := s.vec()
	s.VBROADCASTSS(operand.Mem{Base: s.v, Index: place, Scale: 4}, a)
	body(a, row)
	s.INCQ(place)
	s.CMPQ(place, s.count)
	s.JL(operand.LabelRef(label))
	s.Label(label + "Done")
}
