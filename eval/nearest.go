package eval

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// A Neighbour is a latent whose decoder row points the same way as another's.
type Neighbour struct {
	Latent int     `json:"latent"`
	Cosine float64 `json:"cosine"`
}

// nearest gives for each chosen row of w [F,D] the n other rows of largest
// signed cosine, largest first, ties to the lower row.
func nearest(pool *kernel.Pool, w []float32, f, d int, chosen []int, n int) [][]Neighbour {
	inverse := make([]float64, f)
	for i := range f {
		inverse[i] = 1 / max(norm(w[i*d:(i+1)*d]), 1e-300)
	}
	out := make([][]Neighbour, len(chosen))
	gemm := kernel.NewGEMM(pool)
	query, tile := make([]float32, tileRows*d), make([]float32, tileRows*tileColumns)
	for q0 := 0; q0 < len(chosen); q0 += tileRows {
		part := chosen[q0:min(len(chosen), q0+tileRows)]
		for i, latent := range part {
			copy(query[i*d:(i+1)*d], w[latent*d:(latent+1)*d])
		}
		for j0 := 0; j0 < f; j0 += tileColumns {
			columns := min(tileColumns, f-j0)
			gemm.NT(tile[:len(part)*columns], query[:len(part)*d], w[j0*d:(j0+columns)*d], len(part), columns, d, false)
			pool.Run(len(part), kernel.TaskFunc(func(_, i int) {
				list := out[q0+i]
				for j, product := range tile[i*columns : (i+1)*columns] {
					if j0+j != part[i] {
						c := float64(product) * inverse[part[i]] * inverse[j0+j]
						list = insert(list, Neighbour{j0 + j, c}, n)
					}
				}
				out[q0+i] = list
			}))
		}
	}
	return out
}

// insert puts x into a list of at most n, by falling cosine.
func insert(list []Neighbour, x Neighbour, n int) []Neighbour {
	if len(list) == n && (n == 0 || x.Cosine <= list[n-1].Cosine) {
		return list
	}
	if len(list) < n {
		list = append(list, x)
	}
	i := len(list) - 1
	for ; i > 0 && list[i-1].Cosine < x.Cosine; i-- {
		list[i] = list[i-1]
	}
	list[i] = x
	return list
}

// norm is ‖x‖.
func norm(x []float32) float64 { return math.Sqrt(kernel.SumSquares(x)) }
