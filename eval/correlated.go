package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// A Correlated is a latent whose activation rises and falls with another's.
type Correlated struct {
	Latent  int     `json:"latent"`
	Pearson float64 `json:"pearson"`
	Cosine  float64 `json:"cosine"` // of the decoder rows
}

// moments are Σf and Σf² of each latent over the kept rows.
func (c *codeRows) moments(f int) (sum, squares []float64) {
	sum, squares = make([]float64, f), make([]float64, f)
	for e, latent := range c.index {
		v := float64(c.value[e])
		sum[latent] += v
		squares[latent] += v * v
	}
	return sum, squares
}

// correlated are the n latents of largest Pearson correlation with latent f
// over the kept rows, zeros counted, of those that fire along with it.
// products [F] is scratch of zeros and is left so.
func (c *codeRows) correlated(b byLatent, f, n int, sum, squares, products []float64) []Correlated {
	var met []int32
	for _, row := range b.row[b.start[f]:b.start[f+1]] {
		lo, hi := c.start[row], c.start[row+1]
		own := 0.0
		for e := lo; e < hi; e++ {
			if int(c.index[e]) == f {
				own = float64(c.value[e])
			}
		}
		for e := lo; e < hi; e++ {
			g := c.index[e]
			if products[g] == 0 && int(g) != f {
				met = append(met, g)
			}
			products[g] += own * float64(c.value[e])
		}
	}
	slices.Sort(met)
	met = slices.Compact(met)
	rows := float64(c.rows())
	variance := func(g int) float64 { return squares[g]/rows - sum[g]/rows*sum[g]/rows }
	var list []Correlated
	for _, g := range met {
		covariance := products[g]/rows - sum[f]/rows*sum[g]/rows
		r := covariance / math.Sqrt(variance(f)*variance(int(g)))
		products[g] = 0
		if !math.IsNaN(r) && !math.IsInf(r, 0) {
			list = append(list, Correlated{Latent: int(g), Pearson: r})
		}
	}
	products[f] = 0
	slices.SortFunc(list, func(x, y Correlated) int {
		return cmp.Or(cmp.Compare(y.Pearson, x.Pearson), cmp.Compare(x.Latent, y.Latent))
	})
	return slices.Clone(list[:min(n, len(list))])
}

// correlate fills in the correlated latents of the chosen ones.
func (in *inspector) correlate(codes *codeRows, b byLatent, chosen []int) {
	sum, squares := codes.moments(in.s.F)
	products := make([][]float64, in.pool.Threads())
	in.pool.Run(len(chosen), kernel.TaskFunc(func(worker, i int) {
		if products[worker] == nil {
			products[worker] = make([]float64, in.s.F)
		}
		in.out.Features[i].Correlated = codes.correlated(b, chosen[i], in.o.Correlated, sum, squares, products[worker])
	}))
	w, d := in.s.Weight("decoder.weight"), in.s.width()
	if len(w) != in.s.F*d {
		return
	}
	row := func(f int) []float32 { return w[f*d : (f+1)*d] }
	for i, f := range chosen {
		for k := range in.out.Features[i].Correlated {
			c := &in.out.Features[i].Correlated[k]
			c.Cosine = cosineOf(row(f), row(c.Latent))
		}
	}
}
