// Command asmgen writes the amd64 assembly of internal/kernel and its Go
// stubs. The output is committed, so only whoever changes a kernel runs it,
// from the root of the repository:
//
//	go -C internal/asmgen run . -out ../kernel
//
// Running it again must change nothing; scripts/check.sh compares. It lives in
// a module of its own, so that avo never reaches those who build saectl.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// A unit is one assembly file and its stubs.
type unit struct {
	name string
	isa  isa
	emit func(*gen)
}

func units() []unit {
	return []unit{
		{"vector_avx512_amd64", avx512, emitVectors},
		{"vector_avx2_amd64", avx2, emitVectors},
		{"gemm_avx512_amd64", avx512, emitGEMM},
		{"gemm_avx2_amd64", avx2, emitGEMM},
		{"screen_avx512_amd64", avx512, emitScreen},
		{"words_avx512_amd64", avx512, emitWords},
		{"noise_avx512_amd64", avx512, emitNoise},
		{"moments_avx512_amd64", avx512, (*gen).moments},
		{"moments_avx2_amd64", avx2, (*gen).moments},
	}
}

func emitVectors(g *gen) {
	g.dot()
	g.dots()
	g.dotTile()
	g.axpy()
	g.sumRows()
	g.doubleSum("dotF64", (*gen).product)
	g.sumSquares()
	g.doubleSum("squaredError", (*gen).squaredDifference)
	g.absSums()
	g.add()
	g.sub()
	g.scale()
	g.scaledDifference()
	g.adam()
	g.allFinite()
	g.collect()
	g.kthLargest()
	g.rank()
	g.prefetch()
	g.stream()
	g.streamFence()
	g.halfToFloat()
	g.floatToHalf()
	g.tops()
	g.axpyTops()
	g.unwind()
}

func emitGEMM(g *gen) {
	g.tile()
	g.transpose()
}

func emitScreen(g *gen) {
	g.maxAbs()
	g.quantize()
	g.byteTile()
	g.byteTileDots()
	g.screen()
	g.thin()
	g.choose()
	g.kthFrom()
	g.order()
}

func emitWords(g *gen) {
	g.quantizeWords()
	g.wordTile()
	g.axpyWordsTops()
	g.streamWords()
}

func emitNoise(g *gen) {
	constants := map[uint32]operand.Mem{}
	g.noise(constants)
	g.noiseAt(constants)
}

func main() {
	flags := flag.NewFlagSet("asmgen", flag.ExitOnError) // avo fills the global set
	out := flags.String("out", "../kernel", "folder of package kernel")
	flags.Parse(os.Args[1:])
	for _, u := range units() {
		if err := u.write(*out); err != nil {
			fmt.Fprintf(os.Stderr, "asmgen: %s: %v\n", u.name, err)
			os.Exit(1)
		}
	}
}

func (u unit) write(dir string) error {
	g := &gen{Context: build.NewContext(), isa: u.isa}
	g.ConstraintExpr("amd64")
	g.ConstraintExpr("!purego")
	u.emit(g)
	file, err := g.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	if err := u.isa.check(file); err != nil {
		return err
	}
	cfg := printer.Config{Name: "internal/asmgen", Pkg: "kernel"}
	for ext, p := range map[string]printer.Printer{".s": printer.NewGoAsm(cfg), ".go": printer.NewStubs(cfg)} {
		text, err := p.Print(file)
		if err != nil {
			return err
		}
		text = append(bytes.TrimRight(text, "\n"), '\n')
		if err := os.WriteFile(filepath.Join(dir, u.name+ext), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
