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
	latents     reg.Register
	wide        int
	factor, add []reg.VecVirtual
	number      []reg.VecVirtual // of latents
	keep        reg.VecVirtual
	columns     []reg.Register // masks of latents that there are
}

// screen makes estimated keys of a block of products and appends those that may
// reach a row's bound to its lists.
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
		"and grows. Lists have room for 16 more. columns has a bit for each latent",
		"that there is.")
	s := &screener{gen: g, wide: cols / g.lanes}
	acc, row, out, count := g.pointer("acc"), g.pointer("rows"), g.pointer("out"), g.pointer("count")
	s.begin()
	found, more := g.GP32(), g.GP32()
	for i := range rows {
		next := fmt.Sprint("Row", i+1)
		part := func(k int) operand.Mem { return at(row, 4*(k*rows+i)) }
		scale, above := g.ZMM(), g.ZMM()
		g.VBROADCASTSS(part(0), scale)
		g.VBROADCASTSS(part(1), above)
		keys, hits := g.vecs(s.wide), make([]reg.Register, s.wide)
		for j := range s.wide {
			hits[j] = g.K()
			g.VCVTDQ2PS(at(acc, (i*s.wide+j)*g.bytes()), keys[j])
			g.VMULPS(s.factor[j], keys[j], keys[j])
			g.VFMADD213PS(s.add[j], scale, keys[j])
			g.VPANDD(s.keep, keys[j], keys[j])
			g.VCMPPS(operand.U8(6), above, keys[j], s.columns[j], hits[j]) // not less or equal: true for NaN
		}
		g.KMOVW(hits[0], found)
		for _, k := range hits[1:] {
			g.KMOVW(k, more)
			g.ORL(more, found)
		}
		g.TESTL(found, found)
		g.JZ(operand.LabelRef(next))
		s.append(keys, hits, part, at(out, 24*i), at(count, 8*i))
		g.Label(next)
	}
	g.end()
}

// begin loads what does not depend on the row.
func (s *screener) begin() {
	s.latents = s.pointer("latents")
	s.factor, s.add, s.number = s.vecs(s.wide), s.vecs(s.wide), s.vecs(s.wide)
	s.keep = s.spreadWord(s.Load(s.Param("keep"), s.GP32()))
	first, bits := s.Load(s.Param("first"), s.GP32()), s.Load(s.Param("columns"), s.GP32())
	lanes := s.iota()
	for j := range s.wide {
		s.VMOVUPS(s.latent(0, j), s.factor[j])
		s.VMOVUPS(s.latent(1, j), s.add[j])
		s.VPBROADCASTD(first, s.number[j])
		s.VPADDD(lanes, s.number[j], s.number[j])
		s.ADDL(operand.U32(uint32(s.lanes)), first)
		k := s.K()
		s.KMOVW(bits, k)
		s.SHRL(operand.U8(uint8(s.lanes)), bits)
		s.columns = append(s.columns, k)
	}
}

// latent is vector j of a part of the latents.
func (s *screener) latent(part, j int) operand.Mem {
	return at(s.latents, (part*s.wide+j)*s.bytes())
}

// append adds those keys that are hits and whose reach is enough.
func (s *screener) append(keys []reg.VecVirtual, hits []reg.Register, part func(int) operand.Mem, out, count operand.Mem) {
	whole, less, must := s.ZMM(), s.ZMM(), s.ZMM()
	s.VBROADCASTSS(part(2), whole)
	s.VBROADCASTSS(part(3), less)
	s.VBROADCASTSS(part(4), must)
	n, found, list := s.GP64(), s.GP64(), []reg.Register{s.GP64(), s.GP64(), s.GP64()}
	s.MOVQ(count, n)
	for l, p := range list {
		s.MOVQ(out.Offset(8*l), p)
	}
	for j, key := range keys {
		reach, packed := s.ZMM(), s.ZMM()
		s.VMOVUPS(s.latent(4, j), reach)
		s.VFMADD231PS(s.latent(3, j), less, reach)
		s.VFMADD231PS(s.latent(2, j), whole, reach)
		s.VADDPS(key, reach, reach)
		s.VCMPPS(operand.U8(6), must, reach, hits[j], hits[j])
		for l, v := range []reg.VecVirtual{key, reach, s.number[j]} {
			s.VPCOMPRESSD_Z(v, hits[j], packed)
			s.VMOVUPS(packed, operand.Mem{Base: list[l], Index: n, Scale: 4})
		}
		s.KMOVW(hits[j], found.As32())
		s.POPCNTL(found.As32(), found.As32())
		s.ADDQ(found, n)
	}
	s.MOVQ(n, count)
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
