package eval

import (
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// moments are mean and standard deviation of each latent over the rows kept.
func (b byLatent) moments(n int) (mean, sd []float64) {
	f := len(b.start) - 1
	mean, sd = make([]float64, f), make([]float64, f)
	for i := range f {
		values := b.value[b.start[i]:b.start[i+1]]
		for _, v := range values {
			mean[i] += float64(v) / float64(n)
		}
		squares := float64(n-len(values)) * mean[i] * mean[i]
		for _, v := range values {
			squares += (float64(v) - mean[i]) * (float64(v) - mean[i])
		}
		sd[i] = math.Sqrt(squares / float64(max(n-1, 1)))
	}
	return mean, sd
}

// maxCorrelated is the most latents whose correlations are gone through, which
// takes time with the square of F.
const maxCorrelated = 1 << 15

// reportPairs sets what all pairs of latents have in common on the rows kept.
// The row of the F×F matrix that a latent has is made and used up at once.
func (m *coactivation) reportPairs(r *Report) {
	f, n := m.s.F, m.codes.rows()
	by := m.codes.byLatent(f)
	means, sd := by.moments(n)
	met, largest := make([]int64, f), make([]float64, f)
	scratch := make([]*pairScratch, m.pool.Threads())
	m.pool.Run(f, kernel.TaskFunc(func(worker, i int) {
		if scratch[worker] == nil {
			scratch[worker] = &pairScratch{products: make([]float64, f), seen: make([]bool, f)}
		}
		p := scratch[worker]
		p.multiply(&m.codes, by, i)
		met[i] = int64(len(p.met))
		if n > 1 && f <= maxCorrelated {
			largest[i] = p.correlation(i, float64(n), means, sd)
		}
		p.reset()
	}))
	pairs := int64(0)
	for _, c := range met {
		pairs += c
	}
	r.Set("connectivity_1_minus_nnz_share", 1-float64(pairs)/(float64(f)*float64(f)), int64(n))
	if f > 1 && f <= maxCorrelated {
		r.Set("codes_correlation_max_abs", slices.Max(largest), int64(n))
	}
}

// pairScratch is the row of fᵀf that one latent has.
type pairScratch struct {
	products []float64 // [F]
	seen     []bool    // [F]
	met      []int32   // latents seen
}

// multiply sets the row of latent i.
func (p *pairScratch) multiply(codes *codeRows, by byLatent, i int) {
	for e := by.start[i]; e < by.start[i+1]; e++ {
		index, values := codes.row(int(by.row[e]))
		for o, other := range index {
			if !p.seen[other] {
				p.seen[other] = true
				p.met = append(p.met, other)
			}
			p.products[other] += float64(by.value[e]) * float64(values[o])
		}
	}
}

// correlation is the largest |correlation| of latent i with another.
func (p *pairScratch) correlation(i int, n float64, means, sd []float64) (largest float64) {
	for j, product := range p.products {
		if j != i {
			c := (product - n*means[i]*means[j]) / (n - 1)
			largest = max(largest, abs(c)/(sd[i]*sd[j]+1e-6))
		}
	}
	return largest
}

func (p *pairScratch) reset() {
	for _, j := range p.met {
		p.products[j], p.seen[j] = 0, false
	}
	p.met = p.met[:0]
}

// maxSupportPairs bounds the cosines that reportSupports computes.
const maxSupportPairs = 1 << 23

// supportStats are what the support of a row adds.
type supportStats struct {
	babel     []float64 // by order, from 1
	mean, top float64
}

// reportSupports sets the cosines of decoder rows that are active together:
// of rows in random order, as long as the pairs to go through are not too many.
func (m *coactivation) reportSupports(r *Report, w []float32, drawn []int) {
	budget, rows := maxSupportPairs, []int(nil)
	for _, row := range drawn {
		index, _ := m.codes.row(row)
		if budget -= len(index) * len(index); budget < 0 && len(rows) > 0 {
			break
		}
		rows = append(rows, row)
	}
	d := m.s.width()
	stats := make([]supportStats, len(rows))
	m.pool.Run(len(rows), kernel.TaskFunc(func(_, i int) {
		index, _ := m.codes.row(rows[i])
		stats[i] = supportCosines(w, d, index)
	}))
	var babel [8]float64
	var counts [8]int64
	var pairMean, pairTop float64
	used := int64(0)
	for _, s := range stats {
		for o, v := range s.babel {
			babel[o] += v
			counts[o]++
		}
		if len(s.babel) > 0 {
			used++
			pairMean += s.mean
			pairTop += s.top
		}
	}
	for o, n := range counts {
		r.Set(fmt.Sprintf("babel_coactivated_%d", o+1), mean(babel[o], n), n)
	}
	r.Set("coactive_pair_abs_cosine_row_mean_then_mean", mean(pairMean, used), used)
	r.Set("coactive_pair_abs_cosine_row_max_then_mean", mean(pairTop, used), used)
}

// supportCosines goes through the pairs of decoder rows of a support: the
// Babel function inside it up to order 8, and mean and largest |cos|.
func supportCosines(w []float32, d int, index []int32) (s supportStats) {
	k := len(index)
	if k < 2 {
		return s
	}
	cosines, inverse := make([]float32, k*k), make([]float64, k)
	for a, f := range index {
		inverse[a] = 1 / max(norm(w[int(f)*d:int(f+1)*d]), 1e-300)
	}
	sum := 0.0
	for a, f := range index {
		kernel.Dots(cosines[a*k:a*k+a], w[int(f)*d:int(f+1)*d], w, index[:a], nil)
		for b := range a {
			c := abs(float64(cosines[a*k+b])) * inverse[a] * inverse[b]
			cosines[a*k+b], cosines[b*k+a] = float32(c), float32(c)
			sum += c
			s.top = max(s.top, c)
		}
	}
	s.mean = sum / float64(k*(k-1)/2)
	s.babel = make([]float64, min(8, k-1))
	for a := range k {
		row := cosines[a*k : (a+1)*k]
		slices.Sort(row)
		total := 0.0
		for o := range s.babel {
			total += float64(row[k-1-o])
			s.babel[o] = max(s.babel[o], total)
		}
	}
	return s
}

// maxInterference is the most latents that reportInterference takes, since it
// holds an F×F matrix.
const maxInterference = 1024

// reportInterference sets the spectral norm of the negative part of
// (fᵀf)∘(W_dec W_decᵀ), by power iteration.
func (m *coactivation) reportInterference(r *Report, w []float32) {
	f, d := m.s.F, m.s.width()
	if f > maxInterference {
		return
	}
	by := m.codes.byLatent(f)
	matrix := make([]float64, f*f)
	m.pool.Run(f, kernel.TaskFunc(func(_, i int) {
		row := matrix[i*f : (i+1)*f]
		p := pairScratch{products: row, seen: make([]bool, f)}
		p.multiply(&m.codes, by, i)
		for j, p := range row {
			if p != 0 {
				row[j] = max(0, -p*kernel.DotF64(w[i*d:(i+1)*d], w[j*d:(j+1)*d]))
			}
		}
	}))
	r.Set("negative_interference_spectral_norm", spectralNorm(m.pool, matrix, f), int64(m.codes.rows()))
}

// spectralNorm is the largest eigenvalue, in absolute value, of a symmetric
// [n,n] matrix: power iteration on its square, until it stands still.
func spectralNorm(pool *kernel.Pool, a []float64, n int) float64 {
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = 1 + float64(i%7)/16 // not at right angles to any simple vector
	}
	last := 0.0
	for range 500 {
		pool.Run((n+rowChunk-1)/rowChunk, kernel.TaskFunc(func(_, item int) {
			for i := item * rowChunk; i < min(n, (item+1)*rowChunk); i++ {
				sum := 0.0
				for j, v := range a[i*n : (i+1)*n] {
					sum += v * x[j]
				}
				y[i] = sum
			}
		}))
		before, after := length(x), length(y)
		if after == 0 {
			return 0
		}
		for i := range y {
			x[i] = y[i] / after
		}
		value := after / before
		if abs(value-last) <= 1e-10*value {
			return value
		}
		last = value
	}
	return last
}

// length is ‖x‖.
func length(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}
