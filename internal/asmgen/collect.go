package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A collector is the state of collect.
type collector struct {
	*gen
	keys, scores          reg.Register
	outKey, outScore, out reg.Register
	at                    reg.Register // next place of the outputs
	found                 reg.Register // bits of a vector's lanes
}

// collect looks for keys above a threshold, of which there are few, and
// appends them with their scores and numbers.
func (g *gen) collect() {
	g.begin("collect", "(keys, scores []float32, above float32, first int32, outKey, outScore []float32, outIndex []int32) int",
		"appends the keys above a number, their scores and first plus their place",
		"to the outputs and returns how many there are; a NaN is not above.",
		"len(keys) is a multiple of 16, and the outputs have room for as many, and",
		"16 more.")
	c := &collector{gen: g, keys: g.pointer("keys"), scores: g.pointer("scores"),
		outKey: g.pointer("outKey"), outScore: g.pointer("outScore"), out: g.pointer("outIndex"),
		at: g.GP64(), found: g.GP64()}
	left, above := g.length("keys"), g.broadcast("above")
	g.XORQ(c.at, c.at)
	if g.isa == avx512 {
		c.compressed(left, above)
	} else {
		c.oneByOne(left, above)
	}
	g.Store(c.at, g.ReturnIndex(0))
	g.end()
}

func (c *collector) place(base reg.Register) operand.Mem {
	return operand.Mem{Base: base, Index: c.at, Scale: 4}
}

func (c *collector) compressed(left reg.Register, above reg.VecVirtual) {
	number, step, v, k := c.ZMM(), c.ZMM(), c.ZMM(), c.K()
	first := c.Load(c.Param("first"), c.GP32())
	c.VPBROADCASTD(first, number)
	c.VPADDD(c.iota(), number, number)
	sixteen := c.GP32()
	c.MOVL(operand.U32(16), sixteen)
	c.VPBROADCASTD(sixteen, step)
	c.while("Block", left, 16, func() {
		c.VMOVUPS(at(c.keys, 0), v)
		c.VCMPPS(operand.U8(14), above, v, k) // greater, false for NaN
		c.KMOVW(k, c.found.(reg.GP).As32())
		c.TESTL(c.found.(reg.GP).As32(), c.found.(reg.GP).As32())
		c.JZ(operand.LabelRef("None"))
		packed := c.ZMM()
		c.VCOMPRESSPS_Z(v, k, packed)
		c.VMOVUPS(packed, c.place(c.outKey))
		c.VMOVUPS(at(c.scores, 0), v)
		c.VCOMPRESSPS_Z(v, k, packed)
		c.VMOVUPS(packed, c.place(c.outScore))
		c.VPCOMPRESSD_Z(number, k, packed)
		c.VMOVUPS(packed, c.place(c.out))
		c.POPCNTL(c.found.(reg.GP).As32(), c.found.(reg.GP).As32())
		c.ADDQ(c.found, c.at)
		c.Label("None")
		c.VPADDD(step, number, number)
		c.ADDQ(operand.U32(64), c.keys)
		c.ADDQ(operand.U32(64), c.scores)
	})
}

// iota is the words 0 to 15.
func (g *gen) iota() operand.Mem {
	m := g.StaticGlobal("laneNumbers")
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		g.AppendDatum(operand.U32(uint32(i)))
	}
	return m
}

func (c *collector) oneByOne(left reg.Register, above reg.VecVirtual) {
	v, lane, number, bits := c.YMM(), c.GP64(), c.GP64(), c.GP64()
	first := c.Load(c.Param("first"), c.GP32())
	c.while("Block", left, 8, func() {
		c.VMOVUPS(at(c.keys, 0), v)
		c.VCMPPS(operand.U8(14), above, v, v)
		c.VMOVMSKPS(v, bits.As32())
		c.TESTL(bits.As32(), bits.As32())
		c.JZ(operand.LabelRef("None"))
		c.Label("Bit")
		c.TZCNTL(bits.As32(), lane.As32())
		for _, p := range []struct{ from, to reg.Register }{{c.keys, c.outKey}, {c.scores, c.outScore}} {
			c.MOVL(operand.Mem{Base: p.from, Index: lane, Scale: 4}, number.As32())
			c.MOVL(number.As32(), c.place(p.to))
		}
		c.ADDL(first, lane.As32())
		c.MOVL(lane.As32(), c.place(c.out))
		c.INCQ(c.at)
		c.BLSRL(bits.As32(), bits.As32())
		c.JNZ(operand.LabelRef("Bit"))
		c.Label("None")
		c.ADDL(operand.U32(8), first)
		c.ADDQ(operand.U32(32), c.keys)
		c.ADDQ(operand.U32(32), c.scores)
	})
}
