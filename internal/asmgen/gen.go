package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An isa is an instruction set that kernels are written for.
type isa struct {
	suffix string // of function names
	lanes  int    // float32 in a vector
}

var (
	avx512 = isa{"AVX512", 16}
	avx2   = isa{"AVX2", 8}
)

// check refuses registers that the set does not have: avo hands out all 32.
func (s isa) check(f *ir.File) error {
	if s == avx512 {
		return nil
	}
	for _, fn := range f.Functions() {
		for _, i := range fn.Instructions() {
			for _, r := range i.Registers() {
				if p := reg.ToPhysical(r); p != nil && p.Kind() == reg.KindVector && p.PhysicalIndex() > 15 {
					return fmt.Errorf("%s needs more than 16 vector registers", fn.Name)
				}
			}
		}
	}
	return nil
}

// A gen emits one unit. Its methods name instructions for either set where
// these differ only in the width of registers.
type gen struct {
	*build.Context
	isa
	masks bool // the table of tail masks is in the file
}

// begin starts a function; params holds its parameters and result.
func (g *gen) begin(name, params string, doc ...string) {
	g.Function(name + g.suffix)
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func" + params)
	g.Pragma("noescape")
	doc[0] = name + g.suffix + " " + doc[0]
	g.Doc(doc...)
}

// end returns, leaving no vector state that slows down the compiler's code.
func (g *gen) end() {
	g.VZEROUPPER()
	g.RET()
}

func (g *gen) bytes() int { return 4 * g.lanes }

// vec is a vector register of the set's width.
func (g *gen) vec() reg.VecVirtual {
	if g.isa == avx512 {
		return g.ZMM()
	}
	return g.YMM()
}

func (g *gen) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = g.vec()
	}
	return v
}

// zeros gives n registers set to zero.
func (g *gen) zeros(n int) []reg.VecVirtual {
	v := g.vecs(n)
	for _, r := range v {
		g.VXORPS(r, r, r)
	}
	return v
}

// half is the lower half of v.
func (g *gen) half(v reg.VecVirtual) reg.Register {
	if g.isa == avx512 {
		return v.AsY()
	}
	return v.AsX()
}

func (g *gen) pointer(param string) reg.Register { return g.Load(g.Param(param).Base(), g.GP64()) }
func (g *gen) length(param string) reg.Register  { return g.Load(g.Param(param).Len(), g.GP64()) }
func (g *gen) integer(param string) reg.Register { return g.Load(g.Param(param), g.GP64()) }

// broadcast fills a vector with a float32 parameter.
func (g *gen) broadcast(param string) reg.VecVirtual {
	b, err := g.Param(param).Resolve()
	if err != nil {
		panic(err) // a parameter that the signature does not have
	}
	v := g.vec()
	g.VBROADCASTSS(b.Addr, v)
	return v
}

// spreadBits is a constant word in all lanes.
func (g *gen) spreadBits(word uint32) reg.VecVirtual {
	r := g.GP32()
	g.MOVL(operand.U32(word), r)
	return g.spreadWord(r)
}

func (g *gen) spreadWord(r reg.Register) reg.VecVirtual {
	v := g.vec()
	if g.isa == avx512 {
		g.VPBROADCASTD(r, v)
		return v
	}
	g.VMOVD(r, v.AsX())
	g.VPBROADCASTD(v.AsX(), v)
	return v
}

// and sets v to the bits of m and mask.
func (g *gen) and(m operand.Op, mask, v reg.Register) {
	if g.isa == avx512 {
		g.VPANDD(m, mask, v)
		return
	}
	g.VPAND(m, mask, v)
}

func at(base reg.Register, disp int) operand.Mem { return operand.Mem{Base: base, Disp: disp} }

func indexed(base, offset reg.Register, disp int) operand.Mem {
	return operand.Mem{Base: base, Index: offset, Scale: 1, Disp: disp}
}

// copyOf is a register with r's value.
func (g *gen) copyOf(r reg.Register) reg.GPVirtual {
	c := g.GP64()
	g.MOVQ(r, c)
	return c
}

// while emits body as long as left >= step, taking step off left each time.
func (g *gen) while(label string, left reg.Register, step int, body func()) {
	g.CMPQ(left, operand.U32(uint32(step)))
	g.JL(operand.LabelRef(label + "Done"))
	g.Label(label)
	body()
	g.SUBQ(operand.U32(uint32(step)), left)
	g.CMPQ(left, operand.U32(uint32(step)))
	g.JGE(operand.LabelRef(label))
	g.Label(label + "Done")
}

// whenLeft emits body if left is not 0.
func (g *gen) whenLeft(label string, left reg.Register, body func()) {
	g.TESTQ(left, left)
	g.JZ(operand.LabelRef(label))
	body()
	g.Label(label)
}

// A tail says which lanes of a last, partial vector count.
type tail struct{ mask reg.Register }

// tail makes the mask of the first left lanes, 0 < left < lanes.
func (g *gen) tail(left reg.Register) tail { return g.tailOf(left, g.lanes) }

func (g *gen) tailOf(left reg.Register, lanes int) tail {
	if g.isa == avx512 {
		bits, k := g.GP64(), g.K()
		g.MOVQ(operand.I32(-1), bits)
		g.BZHIQ(left, bits, bits)
		g.KMOVW(bits.As32(), k)
		return tail{k}
	}
	table, end := g.maskTable(), g.GP64()
	g.LEAQ(table.Offset(4*8), end)
	back := g.GP64()
	g.MOVQ(left, back)
	g.NEGQ(back)
	m := g.YMM()
	g.VMOVDQU(operand.Mem{Base: end, Index: back, Scale: 4}, m)
	if lanes == 4 {
		return tail{m.AsX()}
	}
	return tail{m}
}

// maskTable is eight words of ones and eight of zeros, once a file.
func (g *gen) maskTable() operand.Mem {
	const name = "tailMasks"
	if !g.masks {
		g.masks = true
		g.StaticGlobal(name)
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			word := operand.U32(0)
			if i < 8 {
				word = 0xffffffff
			}
			g.AppendDatum(word)
		}
	}
	return operand.NewDataAddr(operand.NewStaticSymbol(name), 0)
}

// loadTail loads the lanes of t and zeroes the others.
func (g *gen) loadTail(t tail, m operand.Mem, v reg.Register) {
	if g.isa == avx512 {
		g.VMOVUPS_Z(m, t.mask, v)
		return
	}
	g.VMASKMOVPS(m, t.mask, v)
}

func (g *gen) storeTail(t tail, v reg.Register, m operand.Mem) {
	if g.isa == avx512 {
		g.VMOVUPS(v, t.mask, m)
		return
	}
	g.VMASKMOVPS(v, t.mask, m)
}
