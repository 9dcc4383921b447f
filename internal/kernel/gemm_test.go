package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// product is the plain twin of all three: element (i,j) is Σ a(i,l)·b(j,l) in
// float64, and the sum of the terms' sizes.
func product(a, b operand, m, n, k int) (want, size []float64) {
	want, size = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			for l := range k {
				t := float64(a.x[i*a.row+l*a.col]) * float64(b.x[j*b.row+l*b.col])
				want[i*n+j] += t
				size[i*n+j] += math.Abs(t)
			}
		}
	}
	return want, size
}

type multiplyFunc func(g *GEMM, dst, a, b []float32, m, n, k int, add bool)

var products = []struct {
	name   string
	run    multiplyFunc
	aT, bT bool // element (i,l) of a at [l,i]; (j,l) of b at [l,j]
}{
	{"NT", (*GEMM).NT, false, false},
	{"NN", (*GEMM).NN, false, true},
	{"TN", (*GEMM).TN, true, true},
}

func operandOf(x []float32, rows, k int, transposed bool) operand {
	if transposed {
		return operand{x, 1, rows}
	}
	return operand{x, k, 1}
}

func TestGEMMTwin(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	shapes := [][3]int{{1, 1, 1}, {12, 32, 8}, {13, 33, 9}, {4, 24, 16}, {5, 25, 17}, {0, 3, 2}, {3, 0, 2}, {3, 2, 0},
		{11, 31, 7}, {24, 96, 64}, {37, 101, 130}, {2, 200, 64}, {200, 2, 65}, {50, 60, 800}, {1600, 40, 24}, {12, 7, 1600}}
	for _, s := range available() {
		g := NewGEMM(pool)
		g.set = s
		for _, p := range products {
			for _, shape := range shapes {
				for _, add := range []bool{false, true} {
					m, n, k := shape[0], shape[1], shape[2]
					r := rand.New(rand.NewPCG(uint64(m), uint64(n)))
					a, b := randomFloats(r, m*k), randomFloats(r, n*k)
					want, size := product(operandOf(a, m, k, p.aT), operandOf(b, n, k, p.bT), m, n, k)
					got := guardedFloats(r, m*n, 3)
					exact := got.clone()
					for i := range exact.x {
						if !add {
							exact.x[i] = 0
						}
						size[i] = 1e-6 * (size[i] + math.Abs(float64(exact.x[i])))
						exact.x[i] += float32(want[i])
					}
					p.run(g, got.x, a, b, m, n, k, add)
					compare(t, fmt.Sprintf("%s %s %dx%dx%d add %v", s.name, p.name, m, n, k, add), got, exact, size)
				}
			}
		}
	}
}

// An element has the same bits wherever it stands and whoever computes it.
func TestGEMMBitsDoNotDependOnPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const m, n, k = 100, 150, 1000
	a, b := randomFloats(r, m*k), randomFloats(r, n*k)
	for _, s := range available() {
		var whole []float32
		for _, threads := range []int{1, 2, 3} {
			pool := NewPool(threads)
			g := NewGEMM(pool)
			g.set = s
			dst := make([]float32, m*n)
			g.NT(dst, a, b, m, n, k, false)
			if whole == nil {
				whole = dst
			}
			var one [1]float32
			for range 50 {
				i, j := r.IntN(m), r.IntN(n)
				g.NT(one[:], a[i*k:], b[j*k:], 1, 1, k, false)
				if dst[i*n+j] != whole[i*n+j] || one[0] != dst[i*n+j] {
					t.Fatalf("%s: element %d,%d is %g with 1 thread, %g with %d, %g alone", s.name, i, j, whole[i*n+j], dst[i*n+j], threads, one[0])
				}
			}
			pool.Close()
		}
	}
}

func TestGEMMAllocatesOnce(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	g := NewGEMM(pool)
	a, b, dst := make([]float32, 50*40), make([]float32, 60*40), make([]float32, 50*60)
	if n := testing.AllocsPerRun(5, func() { g.NT(dst, a, b, 50, 60, 40, false) }); n != 0 {
		t.Errorf("a second product of one size allocates %g times", n)
	}
}
