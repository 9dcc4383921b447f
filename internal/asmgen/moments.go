package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A momentSum is the state of moments: sums of a block of columns stay in
// registers for all rows.
type momentSum struct {
	*gen
	shift, x, y, stride reg.Register
	sums, squares       []reg.VecVirtual
}

// momentColumns is how many vectors of float64 a block is.
func (s isa) momentColumns() int {
	if s == avx512 {
		return 8
	}
	return 4
}

// moments rounds each product and sum as the plain twin does, in float64.
func (g *gen) moments() {
	wide, lanes := g.momentColumns(), g.lanes/2
	g.begin("moments", "(sum, squares, shift []float64, x, y []float32, ld, rows int)",
		"adds v = x - y - shift of each row, ld numbers after the one before, to sum",
		"and v² to squares, in float64; len(sum) is a multiple of 64, rows > 0, and",
		"an empty y is zeros.")
	sum, squares, left := g.pointer("sum"), g.pointer("squares"), g.length("sum")
	s := &momentSum{gen: g, shift: g.pointer("shift"), x: g.pointer("x"), y: g.pointer("y"), stride: g.integer("ld")}
	g.SHLQ(operand.U8(2), s.stride)
	g.while("Columns", left, wide*lanes, func() {
		s.sums, s.squares = g.vecs(wide), g.vecs(wide)
		for i := range wide {
			g.VMOVUPD(at(sum, i*g.bytes()), s.sums[i])
			g.VMOVUPD(at(squares, i*g.bytes()), s.squares[i])
		}
		n := g.length("y")
		g.TESTQ(n, n)
		g.JZ(operand.LabelRef("Alone"))
		s.rows("Both", s.y)
		g.JMP(operand.LabelRef("Summed"))
		g.Label("Alone")
		s.rows("One", nil)
		g.Label("Summed")
		for i := range wide {
			g.VMOVUPD(s.sums[i], at(sum, i*g.bytes()))
			g.VMOVUPD(s.squares[i], at(squares, i*g.bytes()))
		}
		for _, p := range []reg.Register{sum, squares, s.shift} {
			g.ADDQ(operand.U32(uint32(wide*g.bytes())), p)
		}
		for _, p := range []reg.Register{s.x, s.y} {
			g.ADDQ(operand.U32(uint32(4*wide*lanes)), p)
		}
	})
	g.end()
}

// rows takes in the block of all rows of x, less y where there is one. A row
// lies far from the next, so those to come are asked for.
func (s *momentSum) rows(label string, y reg.Register) {
	at0 := []reg.Register{s.copyOf(s.x)}
	if y != nil {
		at0 = append(at0, s.copyOf(y))
	}
	left, far := s.integer("rows"), s.GP64()
	s.MOVQ(s.stride, far)
	s.SHLQ(operand.U8(3), far)
	s.Label(label)
	for i := range s.sums {
		v, t, from := s.vec(), s.vec(), 2*i*s.bytes()/4
		for _, p := range at0 {
			if from%64 == 0 {
				s.PREFETCHT0(indexed(p, far, from))
			}
		}
		s.VCVTPS2PD(at(at0[0], from), v)
		if y != nil {
			s.VCVTPS2PD(at(at0[1], from), t)
			s.VSUBPD(t, v, v)
		}
		s.VSUBPD(at(s.shift, i*s.bytes()), v, v)
		s.VADDPD(v, s.sums[i], s.sums[i])
		s.VMULPD(v, v, v)
		s.VADDPD(v, s.squares[i], s.squares[i])
	}
	for _, p := range at0 {
		s.ADDQ(s.stride, p)
	}
	s.DECQ(left)
	s.JNZ(operand.LabelRef(label))
}
