package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// unwindVectors is how many vectors of each sum stay in registers.
const unwindVectors = 4

// unwind goes back along the steps of a row. What the steps share, g and found,
// stays in registers; a row of w is read once, one of dst read and written once.
func (g *gen) unwind() {
	g.begin("unwind", "(dst, w []float32, stride, rows int, idx []int32, c, s, grad, found []float32) bool",
		"takes the entries of idx from the last to the first: with rows of dst and w,",
		"rows of them and stride apart, in the place of dst and w, dst -= c·grad,",
		"found += c·w, dst += s·found, grad += s·w, over len(grad) numbers, a multiple",
		"of four vectors. It returns false when there is no such row.")
	u := unwinding{gen: g, dst: g.pointer("dst"), w: g.pointer("w"), stride: g.integer("stride"), rows: g.integer("rows"),
		idx: g.pointer("idx"), c: g.pointer("c"), s: g.pointer("s")}
	grad, found, left := g.pointer("grad"), g.pointer("found"), g.length("grad")
	g.SHLQ(operand.U8(2), u.stride)
	width := unwindVectors * g.lanes
	g.while("Panel", left, width, func() {
		u.panel(grad, found)
		for _, p := range []reg.Register{grad, found, u.dst, u.w} {
			g.ADDQ(operand.U32(uint32(4*width)), p)
		}
	})
	g.badIndex()
}

type unwinding struct {
	*gen
	dst, w, stride, rows, idx, c, s reg.Register
}

// panel goes back with unwindVectors vectors.
func (u unwinding) panel(gradAt, foundAt reg.Register) {
	grad, found := u.vecs(unwindVectors), u.vecs(unwindVectors)
	for i := range unwindVectors {
		u.VMOVUPS(at(gradAt, i*u.bytes()), grad[i])
		u.VMOVUPS(at(foundAt, i*u.bytes()), found[i])
	}
	entry := u.Load(u.Param("idx").Len(), u.GP64())
	c, s := u.vec(), u.vec()
	u.while("Entry", entry, 1, func() {
		offset := u.GP64()
		u.MOVLQSX(operand.Mem{Base: u.idx, Index: entry, Scale: 4, Disp: -4}, offset)
		u.CMPQ(offset, u.rows)
		u.JAE(operand.LabelRef("BadIndex"))
		u.IMULQ(u.stride, offset)
		u.VBROADCASTSS(operand.Mem{Base: u.c, Index: entry, Scale: 4, Disp: -4}, c)
		u.VBROADCASTSS(operand.Mem{Base: u.s, Index: entry, Scale: 4, Disp: -4}, s)
		for i := range unwindVectors {
			w, sum := u.vec(), u.vec()
			u.VMOVUPS(indexed(u.w, offset, i*u.bytes()), w)
			u.VMOVUPS(indexed(u.dst, offset, i*u.bytes()), sum)
			u.VFNMADD231PS(grad[i], c, sum)
			u.VFMADD231PS(w, c, found[i])
			u.VFMADD231PS(found[i], s, sum)
			u.VFMADD231PS(w, s, grad[i])
			u.VMOVUPS(sum, indexed(u.dst, offset, i*u.bytes()))
		}
	})
}
