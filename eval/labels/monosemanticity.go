package labels

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// Monosemanticity says for each latent how alike the rows are on which it
// fires: the mean cosine of embeddings [n,E] of pairs of rows, made by another
// model, weighted by the product of the latent's activations scaled to [0,1]
// over the rows. codes gives the latents of a row. Latents that do not vary
// have -1. Pach et al. 2025, in time linear in n.
func Monosemanticity(embedding []float32, n int, codes func(i int) (index []int32, value []float32), f int) []float64 {
	width := len(embedding) / max(n, 1)
	least, most := make([]float64, f), make([]float64, f)
	count := make([]int, f)
	for i := range n {
		index, value := codes(i)
		for e, latent := range index {
			v := float64(value[e])
			if count[latent] == 0 {
				least[latent], most[latent] = v, v
			}
			least[latent], most[latent] = min(least[latent], v), max(most[latent], v)
			count[latent]++
		}
	}
	for latent, c := range count { // rows that leave a latent out have 0
		if c < n {
			least[latent], most[latent] = min(least[latent], 0), max(most[latent], 0)
		}
	}
	m := monosemantic{mean: make([]float64, f*width), sum: make([]float64, f), squares: make([]float64, f)}
	m.addRows(embedding, n, width, codes, least, most)
	return m.scores(f, width)
}

// monosemantic are sums over rows, a the scaled activation and E the row of
// the embedding with norm 1.
type monosemantic struct {
	mean    []float64 // [F,width] Σ aE
	sum     []float64 // [F] Σ a
	squares []float64 // [F] Σ a²
}

func (m *monosemantic) addRows(embedding []float32, n, width int, codes func(i int) ([]int32, []float32), least, most []float64) {
	dense := make([]float64, len(least))
	for i := range n {
		row := embedding[i*width : (i+1)*width]
		inverse := 1 / max(math.Sqrt(kernel.SumSquares(row)), 1e-300)
		clear(dense)
		index, value := codes(i)
		for e, latent := range index {
			dense[latent] = float64(value[e])
		}
		for latent, v := range dense {
			spread := most[latent] - least[latent]
			if spread == 0 || v == least[latent] {
				continue
			}
			a := (v - least[latent]) / spread
			m.sum[latent] += a
			m.squares[latent] += a * a
			for j, x := range row {
				m.mean[latent*width+j] += a * float64(x) * inverse
			}
		}
	}
}

// scores are (‖ΣaE‖² - Σa²) / ((Σa)² - Σa²).
func (m *monosemantic) scores(f, width int) []float64 {
	out := make([]float64, f)
	for latent := range out {
		top := -m.squares[latent]
		for _, v := range m.mean[latent*width : (latent+1)*width] {
			top += v * v
		}
		bottom := m.sum[latent]*m.sum[latent] - m.squares[latent]
		out[latent] = -1
		if bottom > 1e-12*m.squares[latent] {
			out[latent] = top / bottom
		}
	}
	return out
}
