package main

import "github.com/mmcloughlin/avo/reg"

// rank makes keys of scores, rounding as the plain twin does.
func (g *gen) rank() {
	g.begin("rank", "(keys, scores, weight, boost []float32, beta float32, keep uint32)",
		"sets keys to the scores, with the bits of keep alone, times weight times",
		"1 + beta·|boost|; len(keys) is a multiple of 16.")
	keys, scores, weight, boost := g.pointer("keys"), g.pointer("scores"), g.pointer("weight"), g.pointer("boost")
	beta := g.broadcast("beta")
	bits := g.Load(g.Param("keep"), g.GP32())
	keep, sign, one := g.spreadWord(bits), g.spreadBits(0x7fffffff), g.spreadBits(0x3f800000)
	v, factor := g.vec(), g.vec()
	g.sweep("keys", func(off reg.Register, disp int) {
		g.and(indexed(boost, off, disp), sign, factor)
		g.VMULPS(beta, factor, factor)
		g.VADDPS(one, factor, factor)
		g.and(indexed(scores, off, disp), keep, v)
		g.VMULPS(indexed(weight, off, disp), v, v)
		g.VMULPS(factor, v, v)
		g.VMOVUPS(v, indexed(keys, off, disp))
	})
	g.end()
}
