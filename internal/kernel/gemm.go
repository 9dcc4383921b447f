package kernel

// A GEMM multiplies row-major float32 matrices on a pool. It owns its buffers
// and keeps them, so a second call of the same size allocates nothing. One
// call at a time.
//
// Each element of a product is summed over k in one order, whatever the
// number of threads and the place of the element.
type GEMM struct {
	pool *Pool
	task gemmTask
}

// NewGEMM makes a GEMM that runs on pool.
func NewGEMM(pool *Pool) *GEMM { return &GEMM{pool: pool} }

// NT sets dst [m,n] to a [m,k] · b [n,k]ᵀ, or adds it when add is true.
func (g *GEMM) NT(dst, a, b []float32, m, n, k int, add bool) {
	g.multiply(dst, operand{a, k, 1}, operand{b, 1, k}, m, n, k, add)
}

// NN sets dst [m,n] to a [m,k] · b [k,n], or adds it when add is true.
func (g *GEMM) NN(dst, a, b []float32, m, n, k int, add bool) {
	g.multiply(dst, operand{a, k, 1}, operand{b, n, 1}, m, n, k, add)
}

// TN sets dst [m,n] to a [k,m]ᵀ · b [k,n], or adds it when add is true.
func (g *GEMM) TN(dst, a, b []float32, m, n, k int, add bool) {
	g.multiply(dst, operand{a, 1, m}, operand{b, n, 1}, m, n, k, add)
}

// operand is a matrix with element (i,j) at x[i*row+j*col].
type operand struct {
	x        []float32
	row, col int
}

type gemmTask struct {
	dst     []float32
	a, b    operand
	n, k    int
	addOnto bool
}

func (g *GEMM) multiply(dst []float32, a, b operand, m, n, k int, add bool) {
	g.task = gemmTask{dst[:m*n], a, b, n, k, add}
	g.pool.Run(m, &g.task)
	g.task = gemmTask{}
}

func (t *gemmTask) Do(_, i int) {
	row := t.dst[i*t.n : (i+1)*t.n]
	if !t.addOnto {
		clear(row)
	}
	for j := range row {
		var sum float32
		for l := 0; l < t.k; l++ {
			sum += float32(t.a.x[i*t.a.row+l*t.a.col] * t.b.x[l*t.b.row+j*t.b.col])
		}
		row[j] += sum
	}
}
