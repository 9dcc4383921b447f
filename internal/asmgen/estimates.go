package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of this file keep and list estimates. They are for AVX-512 only.

// A screener is the state of screen.
type screener struct {
	*gen
	rows, wide                  int
	acc, row, out, count, first reg.Register
	latents                     reg.Register
	columns                     []reg.Register // masks of latents that there are
	found                       operand.Mem    // [rows/2] bits of two rows' estimates
}

// screen makes estimated keys of a block of products and appends those that may
// reach a row's bound to its lists. The few that may stand anywhere, so a branch
// for each row would mostly be guessed wrong: all rows are compared first.
func (g *gen) screen() {
	rows, cols := g.tileShape()
	g.begin("screen", "(acc []int32, latents []float32, first int32, columns, keep uint32, rows []float32, out []*float32, count []int)",
		"appends to the lists of row i the estimates of a block of the byte tile's",
		"shape that are not excluded: acc[i,j]·factor[j]·scale[i] + add[j], with the",
		"bits of keep alone, is not below or at above[i] (a NaN is not), nor is its",
		"reach, greater by whole[i]·lost[j] + less[i]·size[j] + rest[j], below or at",
		"must[i]. latents holds factor, add, lost, size and rest; rows holds scale,",
		"above, whole, less and must; out holds where the lists of estimates, reaches",
		"and numbers, the latents' from first on, begin; count is how many each has,",
		"and grows. Lists have room for one more than is appended. columns has a bit",
		"for each latent that there is. acc is used up.")
	s := &screener{gen: g, rows: rows, wide: cols / g.lanes, found: g.AllocLocal(4 * rows)}
	s.acc, s.row, s.latents = g.pointer("acc"), g.pointer("rows"), g.pointer("latents")
	s.compareRows()
	s.out, s.count, s.first = g.pointer("out"), g.pointer("count"), g.Load(g.Param("first"), g.GP32())
	for pair := range rows / 2 {
		s.appendFound(pair)
	}
	g.end()
}

// compareRows puts estimates in the place of products, and what is not below or
// at above into found.
func (s *screener) compareRows() {
	factor, add := s.vecs(s.wide), s.vecs(s.wide)
	keep, bits := s.spreadWord(s.Load(s.Param("keep"), s.GP32())), s.Load(s.Param("columns"), s.GP32())
	for j := range s.wide {
		s.VMOVUPS(s.latent(0, j), factor[j])
		s.VMOVUPS(s.latent(1, j), add[j])
		k := s.K()
		s.KMOVW(bits, k)
		s.SHRL(operand.U8(uint8(s.lanes)), bits)
		s.columns = append(s.columns, k)
	}
	for i := range s.rows {
		scale, above, hits := s.ZMM(), s.ZMM(), make([]reg.Register, s.wide)
		s.VBROADCASTSS(s.part(0, i), scale)
		s.VBROADCASTSS(s.part(1, i), above)
		for j := range s.wide {
			key, place := s.ZMM(), at(s.acc, (i*s.wide+j)*s.bytes())
			hits[j] = s.K()
			s.VCVTDQ2PS(place, key)
			s.VMULPS(factor[j], key, key)
			s.VFMADD213PS(add[j], scale, key)
			s.VPANDD(keep, key, key)
			s.VMOVUPS(key, place)
			s.VCMPPS(operand.U8(6), above, key, s.columns[j], hits[j]) // not less or equal: true for NaN
		}
		s.KUNPCKWD(hits[0], hits[1], hits[0])
		s.KMOVD(hits[0], s.found.Offset(4*i))
	}
}

// latent is vector j of a part of the latents, part k of row i.
func (s *screener) latent(part, j int) operand.Mem {
	return at(s.latents, (part*s.wide+j)*s.bytes())
}
func (s *screener) part(k, i int) operand.Mem { return at(s.row, 4*(k*s.rows+i)) }

// appendFound adds those found of a pair of rows whose reach is enough.
func (s *screener) appendFound(pair int) {
	left, next := s.GP64(), fmt.Sprint("Pair", pair+1)
	s.MOVQ(s.found.Offset(8*pair), left)
	s.TESTQ(left, left)
	s.JZ(operand.LabelRef(next))
	s.Label(fmt.Sprint("Found", pair))
	place, row, col := s.GP64(), s.GP64(), s.GP64()
	s.TZCNTQ(left, place)
	s.BLSRQ(left, left)
	s.MOVL(place.As32(), row.As32())
	s.SHRL(operand.U8(5), row.As32())
	s.MOVL(place.As32(), col.As32())
	s.ANDL(operand.U8(31), col.As32())
	latent := func(part int) operand.Mem {
		return operand.Mem{Base: s.latents, Index: col, Scale: 4, Disp: part * s.wide * s.bytes()}
	}
	part := func(k int) operand.Mem {
		return operand.Mem{Base: s.row, Index: row, Scale: 4, Disp: 4 * (k*s.rows + 2*pair)}
	}
	key, reach, v, k := s.XMM(), s.XMM(), s.XMM(), s.K()
	s.VMOVSS(operand.Mem{Base: s.acc, Index: place, Scale: 4, Disp: 2 * pair * s.wide * s.bytes()}, key)
	s.VMOVSS(latent(4), reach)
	s.VMOVSS(part(3), v)
	s.VFMADD231SS(latent(3), v, reach)
	s.VMOVSS(part(2), v)
	s.VFMADD231SS(latent(2), v, reach)
	s.VADDSS(key, reach, reach)
	s.VCMPSS(operand.U8(6), part(4), reach, k)
	n, more, list := s.GP64(), s.GP64(), s.GP64()
	s.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, list)
	count := operand.Mem{Base: s.count, Index: row, Scale: 8, Disp: 8 * 2 * pair}
	s.MOVQ(count, n)
	s.ADDL(s.first, col.As32())
	to := s.GP64()
	end := operand.Mem{Base: to, Index: n, Scale: 4}
	for l := range 3 {
		s.MOVQ(operand.Mem{Base: s.out, Index: list, Scale: 8, Disp: 8 * (6*pair + l)}, to)
		switch l {
		case 0:
			s.VMOVSS(key, end)
		case 1:
			s.VMOVSS(reach, end)
		case 2:
			s.MOVL(col.As32(), end)
		}
	}
	s.KMOVW(k, more.As32())
	s.ADDQ(more, n)
	s.MOVQ(n, count)
	s.TESTQ(left, left)
	s.JNZ(operand.LabelRef(fmt.Sprint("Found", pair)))
	s.Label(next)
}

// thin drops what is excluded from the lists of a row.
func (g *gen) thin() {
	g.begin("thin", "(key, reach []float32, index []int32, must float32) int",
		"moves those of three lists whose reach is not below or at must (a NaN is",
		"not) to the front, and returns how many they are. The lists have room for",
		"16 more.")
	lists, left := []reg.Register{g.pointer("key"), g.pointer("reach"), g.pointer("index")}, g.length("reach")
	from, n, found, must := g.GP64(), g.GP64(), g.GP64(), g.broadcast("must")
	g.XORQ(from, from)
	g.XORQ(n, n)
	block := func(valid reg.Register) {
		k, v := g.K(), g.vecs(len(lists))
		for l, p := range lists {
			g.VMOVUPS(operand.Mem{Base: p, Index: from, Scale: 4}, v[l])
		}
		g.compare(6, must, v[1], valid, k)
		for l, p := range lists {
			g.VPCOMPRESSD_Z(v[l], k, v[l])
			g.VMOVUPS(v[l], operand.Mem{Base: p, Index: n, Scale: 4})
		}
		g.KMOVW(k, found.As32())
		g.POPCNTL(found.As32(), found.As32())
		g.ADDQ(found, n)
	}
	g.while("Block", left, g.lanes, func() {
		block(nil)
		g.ADDQ(operand.U32(uint32(g.lanes)), from)
	})
	g.whenLeft("Whole", left, func() { block(g.tail(left).mask) })
	g.Store(n, g.ReturnIndex(0))
	g.end()
}

// compare sets k where v stands in a relation to bound, within valid, which may
// be nil.
func (g *gen) compare(relation uint8, bound, v reg.VecVirtual, valid, k reg.Register) {
	if valid == nil {
		g.VCMPPS(operand.U8(relation), bound, v, k)
		return
	}
	g.VCMPPS(operand.U8(relation), bound, v, valid, k)
}

// choose lists those of a row that are to be scored.
func (g *gen) choose() {
	g.begin("choose", "(key, reach []float32, index []int32, least, below, must float32, out []int32) int",
		"lists in out the numbers of those whose key is at least a number and below",
		"another and whose reach is not below or at must (a NaN is not), and returns",
		"how many they are. out has room for 16 more than there are, and what is read",
		"for 16 more.")
	key, reach, index, out, left := g.pointer("key"), g.pointer("reach"), g.pointer("index"), g.pointer("out"), g.length("key")
	least, below, must := g.broadcast("least"), g.broadcast("below"), g.broadcast("must")
	n, found := g.GP64(), g.GP64()
	g.XORQ(n, n)
	block := func(valid reg.Register) {
		v, k := g.vec(), g.K()
		g.VMOVUPS(at(key, 0), v)
		g.compare(13, least, v, valid, k) // greater or equal
		g.VCMPPS(operand.U8(1), below, v, k, k)
		g.VMOVUPS(at(reach, 0), v)
		g.VCMPPS(operand.U8(6), must, v, k, k)
		g.VMOVUPS(at(index, 0), v)
		g.VPCOMPRESSD_Z(v, k, v)
		g.VMOVUPS(v, operand.Mem{Base: out, Index: n, Scale: 4})
		g.KMOVW(k, found.As32())
		g.POPCNTL(found.As32(), found.As32())
		g.ADDQ(found, n)
	}
	g.while("Block", left, g.lanes, func() {
		block(nil)
		for _, p := range []reg.Register{key, reach, index} {
			g.ADDQ(operand.U32(uint32(g.bytes())), p)
		}
	})
	g.whenLeft("Whole", left, func() { block(g.tail(left).mask) })
	g.Store(n, g.ReturnIndex(0))
	g.end()
}
