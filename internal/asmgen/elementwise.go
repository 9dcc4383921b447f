package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of this file give the bits of their plain twins, so they take
// whole blocks only and leave the rest of a slice to the twin.
const block = 16

// sweep runs body over the blocks of dst: off is the offset in bytes of a
// vector's floats.
func (g *gen) sweep(dst string, body func(off reg.Register, disp int)) {
	left, off := g.length(dst), g.GP64()
	g.XORQ(off, off)
	g.while("Block", left, block, func() {
		for disp := 0; disp < 4*block; disp += g.bytes() {
			body(off, disp)
		}
		g.ADDQ(operand.U32(4*block), off)
	})
}

func (g *gen) add() {
	g.begin("add", "(dst, x []float32)", "adds x to dst; len(dst) is a multiple of 16.")
	dst, x, v := g.pointer("dst"), g.pointer("x"), g.vec()
	g.sweep("dst", func(off reg.Register, disp int) {
		g.VMOVUPS(indexed(dst, off, disp), v)
		g.VADDPS(indexed(x, off, disp), v, v)
		g.VMOVUPS(v, indexed(dst, off, disp))
	})
	g.end()
}

func (g *gen) sub() {
	g.begin("sub", "(dst, a, b []float32)", "sets dst to a - b; len(dst) is a multiple of 16.")
	dst, a, b, v := g.pointer("dst"), g.pointer("a"), g.pointer("b"), g.vec()
	g.sweep("dst", func(off reg.Register, disp int) {
		g.VMOVUPS(indexed(a, off, disp), v)
		g.VSUBPS(indexed(b, off, disp), v, v)
		g.VMOVUPS(v, indexed(dst, off, disp))
	})
	g.end()
}

func (g *gen) scale() {
	g.begin("scale", "(dst []float32, a float32)", "multiplies dst by a; len(dst) is a multiple of 16.")
	dst, a, v := g.pointer("dst"), g.broadcast("a"), g.vec()
	g.sweep("dst", func(off reg.Register, disp int) {
		g.VMULPS(indexed(dst, off, disp), a, v)
		g.VMOVUPS(v, indexed(dst, off, disp))
	})
	g.end()
}

func (g *gen) scaledDifference() {
	g.begin("scaledDifference", "(dst []float32, c float32, a, b []float32)",
		"sets dst to c*(a-b); len(dst) is a multiple of 16.")
	dst, a, b, c, v := g.pointer("dst"), g.pointer("a"), g.pointer("b"), g.broadcast("c"), g.vec()
	g.sweep("dst", func(off reg.Register, disp int) {
		g.VMOVUPS(indexed(a, off, disp), v)
		g.VSUBPS(indexed(b, off, disp), v, v)
		g.VMULPS(c, v, v)
		g.VMOVUPS(v, indexed(dst, off, disp))
	})
	g.end()
}

// adam rounds each product and sum as the plain twin does: the loop waits for
// memory, so FMA would gain nothing.
func (g *gen) adam() {
	g.begin("adam", "(w, g, m, v []float32, clip, beta1, beta2, gain1, gain2, stepSize, invBias2Sqrt, eps float32)",
		"is one step of Adam from clip·g; len(w) is a multiple of 16.")
	w, grad, mom, vel := g.pointer("w"), g.pointer("g"), g.pointer("m"), g.pointer("v")
	clip, beta1, beta2, gain1, gain2 := g.broadcast("clip"), g.broadcast("beta1"), g.broadcast("beta2"), g.broadcast("gain1"), g.broadcast("gain2")
	size, inverse, eps := g.broadcast("stepSize"), g.broadcast("invBias2Sqrt"), g.broadcast("eps")
	x, m, v, t := g.vec(), g.vec(), g.vec(), g.vec()
	g.sweep("w", func(off reg.Register, disp int) {
		g.VMULPS(indexed(grad, off, disp), clip, x)
		g.VMULPS(indexed(mom, off, disp), beta1, m)
		g.VMULPS(gain1, x, t)
		g.VADDPS(t, m, m)
		g.VMOVUPS(m, indexed(mom, off, disp))
		g.VMULPS(x, x, x)
		g.VMULPS(gain2, x, x)
		g.VMULPS(indexed(vel, off, disp), beta2, v)
		g.VADDPS(x, v, v)
		g.VMOVUPS(v, indexed(vel, off, disp))
		g.VSQRTPS(v, v)
		g.VMULPS(inverse, v, v)
		g.VADDPS(eps, v, v)
		g.VMULPS(size, m, m)
		g.VDIVPS(v, m, m)
		g.VMOVUPS(indexed(w, off, disp), x)
		g.VSUBPS(m, x, x)
		g.VMOVUPS(x, indexed(w, off, disp))
	})
	g.end()
}

// allFinite subtracts numbers from themselves, which leaves 0 of finite ones
// only, and looks for what is not 0 once a block.
func (g *gen) allFinite() {
	g.begin("allFinite", "(x []float32) int",
		"is the start of the first block of 16 that holds a NaN or an infinity,",
		"or len(x), a multiple of 16.")
	x, v, sum := g.pointer("x"), g.vec(), g.vec()
	left, off, flags := g.length("x"), g.GP64(), g.GP64()
	g.XORQ(off, off)
	g.while("Block", left, block, func() {
		if g.isa == avx512 {
			k := g.K()
			g.VMOVUPS(indexed(x, off, 0), v)
			g.VSUBPS(v, v, v)
			g.VCMPPS(operand.U8(3), v, v, k) // unordered: NaN
			g.KORTESTW(k, k)
		} else {
			g.VMOVUPS(indexed(x, off, 0), v)
			g.VSUBPS(v, v, v)
			g.VMOVUPS(indexed(x, off, g.bytes()), sum)
			g.VSUBPS(sum, sum, sum)
			g.VADDPS(sum, v, v)
			g.VCMPPS(operand.U8(3), v, v, v)
			g.VMOVMSKPS(v, flags.As32())
			g.TESTL(flags.As32(), flags.As32())
		}
		g.JNZ(operand.LabelRef("BlockDone"))
		g.ADDQ(operand.U32(4*block), off)
	})
	g.SHRQ(operand.U8(2), off)
	g.Store(off, g.ReturnIndex(0))
	g.end()
}

func (g *gen) halfToFloat() {
	g.begin("halfToFloat", "(dst []float32, src []uint16)", "widens src; len(dst) is a multiple of 16.")
	dst, src, v := g.pointer("dst"), g.pointer("src"), g.vec()
	left := g.length("dst")
	g.while("Block", left, block, func() {
		for disp := 0; disp < 4*block; disp += g.bytes() {
			g.VCVTPH2PS(at(src, disp/2), v)
			g.VMOVUPS(v, at(dst, disp))
		}
		g.ADDQ(operand.U32(4*block), dst)
		g.ADDQ(operand.U32(2*block), src)
	})
	g.end()
}

func (g *gen) floatToHalf() {
	g.begin("floatToHalf", "(dst []uint16, src []float32)",
		"rounds src to nearest, ties to even; len(dst) is a multiple of 16.")
	dst, src, v := g.pointer("dst"), g.pointer("src"), g.vec()
	left := g.length("dst")
	g.while("Block", left, block, func() {
		for disp := 0; disp < 4*block; disp += g.bytes() {
			g.VMOVUPS(at(src, disp), v)
			g.VCVTPS2PH(operand.U8(0), v, at(dst, disp/2))
		}
		g.ADDQ(operand.U32(2*block), dst)
		g.ADDQ(operand.U32(4*block), src)
	})
	g.end()
}

// prefetch is a hint: the lines of x will be read soon, from the second-level
// cache.
func (g *gen) prefetch() {
	g.begin("prefetch", "(x []float32)", "brings x into the second-level cache.")
	x, left := g.pointer("x"), g.length("x")
	g.while("Line", left, 16, func() {
		g.PREFETCHT1(at(x, 0))
		g.ADDQ(operand.U32(64), x)
	})
	g.RET()
}

// stream copies past the caches, which then need not read what is replaced.
func (g *gen) stream() {
	g.begin("stream", "(dst, x []float32)",
		"sets dst, which begins at a multiple of 64 bytes, to x past the caches;",
		"len(dst) is a multiple of 16. Others see it after streamFence.")
	dst, x, left, v := g.pointer("dst"), g.pointer("x"), g.length("dst"), g.vec()
	g.while("Block", left, block, func() {
		for disp := 0; disp < 4*block; disp += g.bytes() {
			g.VMOVUPS(at(x, disp), v)
			g.VMOVNTPS(v, at(dst, disp))
		}
		g.ADDQ(operand.U32(4*block), dst)
		g.ADDQ(operand.U32(4*block), x)
	})
	g.end()
}

func (g *gen) streamFence() {
	g.begin("streamFence", "()", "makes what was stored past the caches visible to all.")
	g.SFENCE()
	g.RET()
}
