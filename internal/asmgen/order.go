package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// orderRoom is how many entries order takes.
const orderRoom = 64

// order puts entries where as many stand before them as have a smaller number.
func (g *gen) order() {
	g.begin("order", "(index, outIndex []int32, key, outKey, score, outScore []float32)",
		"writes the entries of three lists of at most 64 in ascending order of index,",
		"in which no number stands twice.")
	index, n := g.pointer("index"), g.length("index")
	from := []reg.Register{g.pointer("key"), g.pointer("score")}
	to := []reg.Register{g.pointer("outKey"), g.pointer("outScore"), g.pointer("outIndex")}
	numbers, bits, k := g.vecs(orderRoom/g.lanes), g.GP64(), g.K()
	g.MOVQ(operand.I32(-1), bits)
	g.BZHIQ(n, bits, bits)
	most := g.spreadBits(0x7fffffff)
	for j, v := range numbers {
		g.KMOVW(bits.As32(), k)
		g.SHRQ(operand.U8(16), bits)
		g.VMOVDQA32(most, v)
		g.VMOVDQU32(at(index, j*g.bytes()), k, v)
	}
	i, rank, found := g.GP64(), g.GP64(), g.GP64()
	g.XORQ(i, i)
	g.while("Entry", n, 1, func() {
		number, word := g.ZMM(), g.GP32()
		g.MOVL(operand.Mem{Base: index, Index: i, Scale: 4}, word)
		g.VPBROADCASTD(word, number)
		for j, v := range numbers {
			less := g.K()
			g.VPCMPD(operand.U8(1), number, v, less)
			g.KMOVW(less, found.As32())
			g.POPCNTL(found.As32(), found.As32())
			if j == 0 {
				g.MOVQ(found, rank)
				continue
			}
			g.ADDQ(found, rank)
		}
		g.MOVL(word, operand.Mem{Base: to[2], Index: rank, Scale: 4})
		for l, p := range from {
			g.MOVL(operand.Mem{Base: p, Index: i, Scale: 4}, word)
			g.MOVL(word, operand.Mem{Base: to[l], Index: rank, Scale: 4})
		}
		g.INCQ(i)
	})
	g.end()
}
