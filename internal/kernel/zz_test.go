package kernel

import (
	"fmt"
	"math/rand"
	randv2 "math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

func BenchmarkZTile(b *testing.B) {
	s := chosen
	z := s.bytes
	depth := 192
	for _, c := range []struct {
		name   string
		np, nq int
	}{{"L1", 1, 1}, {"B2", 1, 4}, {"A2", 4, 1}, {"Bmany", 1, 192}} {
		a := wordBytesF(Floats(c.np * s.tileRows * depth))
		w := wordBytesF(Floats(c.nq * s.tileCols * depth))
		start := make([]int32, s.tileCols)
		acc := make([]int32, s.tileRows*s.tileCols)
		var ahead [besideRows]*float32
		row := Floats(768)
		for i := range ahead {
			ahead[i] = &row[0]
		}
		b.Run(c.name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				z.tile(depth, a[i%c.np*s.tileRows*depth*4:], w[i%c.nq*s.tileCols*depth*4:], start, acc, &ahead)
			}
		})
	}
}

func wordBytesF(x []float32) []byte { return wordBytes(wordsOf(x)) }

func BenchmarkZLoop(b *testing.B) {
	s := chosen
	z := s.bytes
	depth := 192
	pool := NewPool(2)
	defer pool.Close()
	for _, c := range []struct {
		name                           string
		groups, panels, threads, ahead int
	}{{"one-L2", 8, 4, 1, 0}, {"one", 48, 4, 1, 0}, {"two", 48, 4, 2, 0}, {"two-8panels", 48, 8, 2, 0}, {"one-ahead", 48, 4, 1, 1}, {"two-ahead", 48, 4, 2, 1}} {
		w := wordBytesF(Floats(c.groups * 128 * depth))
		rows := Floats(6144 * 768)
		var ws []*zworker
		for range c.threads {
			ws = append(ws, &zworker{z: z, s: s, a: wordBytesF(Floats(c.panels * s.tileRows * depth)), w: w, groups: c.groups, panels: c.panels,
				start: make([]int32, 128), acc: make([]int32, s.tileRows*s.tileCols), rows: rows, useAhead: c.ahead})
		}
		b.Run(c.name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				pool.Run(c.threads, zrun{ws})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.groups*4*c.panels), "ns/tile")
		})
	}
}

type zrun struct{ ws []*zworker }

func (z zrun) Do(_, i int) { z.ws[i].run() }

type zworker struct {
	z              *byteKernels
	s              *set
	a, w           []byte
	groups, panels int
	start, acc     []int32
	rows           []float32
	useAhead       int
	ahead          [besideRows]*float32
	r              uint32
}

func (z *zworker) run() {
	size := 768
	for g := 0; g < z.groups; g++ {
		for p := 0; p < z.panels; p++ {
			for t := 0; t < 4; t++ {
				for i := range z.ahead {
					z.r = z.r*1664525 + 1013904223
					row := 0
					if z.useAhead == 1 && t < 3 {
						row = int(z.r>>8) % 6144
					}
					z.ahead[i] = &z.rows[row*768]
				}
				z.z.tile(192, z.a[p*12*size:], z.w[(g*128+t*32)*size:], z.start, z.acc, &z.ahead)
			}
		}
	}
}

func BenchmarkZScreen(b *testing.B) {
	s := chosen
	z := s.bytes
	rows, cols := s.tileRows, s.tileCols
	x := Floats(768)
	for _, hits := range []float64{0, 0.01, 0.03, 0.06, 0.15} {
		const many = 64
		accs := make([][]int32, many)
		for i := range accs {
			accs[i] = make([]int32, rows*cols)
			for j := range accs[i] {
				accs[i][j] = 0
				if rand.Float64() < hits {
					accs[i][j] = 100
				}
			}
		}
		acc := make([]int32, rows*cols)
		latents := make([]float32, latentParts*cols)
		parts := make([]float32, rowParts*rows)
		for i := range cols {
			latents[i] = 1
		}
		for i := range rows {
			parts[i], parts[rows+i] = 1, 50
		}
		lists, count, got := make([]*float32, 3*rows), make([]int, rows), make([]picks, rows)
		for i := range rows {
			got[i].reserve(cols + block)
			lists[3*i], lists[3*i+1], lists[3*i+2] = got[i].begins()
		}
		_ = x
		for _, mode := range []string{"copy", "screen"} {
			b.Run(fmt.Sprint(hits, mode), func(b *testing.B) {
				for i := 0; i < b.N; i++ {
					copy(acc, accs[i%many])
					clear(count)
					if mode == "screen" {
						z.screen(acc, latents, 0, ^uint32(0), ^uint32(0), parts, lists, count)
					}
				}
			})
		}
	}
}

func BenchmarkZSelect(b *testing.B) {
	pool := NewPool(zthreads())
	defer pool.Close()
	w := Floats(benchF * benchD)
	copy(w, benchFloats(benchF*benchD))
	var xs [][]float32
	for i := range 8 {
		x := Floats(benchB * benchD)
		copy(x, randomFloats(randv2.New(randv2.NewPCG(uint64(i), 2)), benchB*benchD))
		xs = append(xs, x)
	}
	sel, dst := NewSelector(pool), &Support{}
	sel.Fixed = true
	var all []time.Duration
	for i := 0; i < b.N; i++ {
		t := time.Now()
		if err := sel.Select(dst, xs[i%8], w, nil, benchB, benchD, benchF, Rule{Kind: TopK, K: benchK}); err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(t))
	}
	slices.Sort(all)
	for _, q := range []int{0, 10, 50} {
		b.ReportMetric(float64(all[min(len(all)-1, len(all)*q/100)].Microseconds())/1000, fmt.Sprintf("ms-%02d", q))
	}
}

func zthreads() int {
	if os.Getenv("ZT") == "1" {
		return 1
	}
	return 2
}
