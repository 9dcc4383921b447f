package attention

import (
	"cmp"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// Shares are how far each head writes along each latent, by the norms of the
// parts of its decoder row: ‖d_h‖ / Σ_h' ‖d_h'‖, [F,H], of decoder rows [F,D]
// (section 2 of the paper). A part that W_O does not pass on counts in full;
// see OutputShares. The shares of a row of zeros are 0.
func (l Layout) Shares(decoder []float32, f int) []float64 {
	out := make([]float64, f*l.Heads)
	for j := range f {
		row := decoder[j*l.D() : (j+1)*l.D()]
		for h := range l.Heads {
			out[j*l.Heads+h] = math.Sqrt(kernel.SumSquares(l.head(row, h)))
		}
		normalise(out[j*l.Heads : (j+1)*l.Heads])
	}
	return out
}

// OutputShares are the same shares of ‖d_h·W_O[h]‖, what reaches the residual
// stream, with W_O [H,E,M].
func (l Layout) OutputShares(decoder, wo []float32, f int) []float64 {
	m := len(wo) / l.D()
	out, part := make([]float64, f*l.Heads), make([]float64, m)
	for j := range f {
		for h := range l.Heads {
			clear(part)
			l.write(part, decoder[j*l.D():(j+1)*l.D()], wo, h)
			sum := 0.0
			for _, v := range part {
				sum += v * v
			}
			out[j*l.Heads+h] = math.Sqrt(sum)
		}
		normalise(out[j*l.Heads : (j+1)*l.Heads])
	}
	return out
}

func normalise(x []float64) {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	for i := range x {
		if sum > 0 {
			x[i] /= sum
		}
	}
}

// write adds to dst [M] what part h of a row [D] becomes through W_O [H,E,M].
func (l Layout) write(dst []float64, row, wo []float32, h int) {
	m := len(dst)
	for i, v := range l.head(row, h) {
		if v == 0 {
			continue
		}
		at := (h*l.HeadDim + i) * m
		for k, w := range wo[at : at+m] {
			dst[k] += float64(v) * float64(w)
		}
	}
}

// Output is what a row [D] writes to the residual stream, Σ_h row_h·W_O[h],
// [M].
func (l Layout) Output(row, wo []float32) []float64 {
	out := make([]float64, len(wo)/l.D())
	for h := range l.Heads {
		l.write(out, row, wo, h)
	}
	return out
}

// LogitWeights are the logits that a latent with decoder row [D] writes,
// Σ_h d_h·W_O[h]·W_U, [V], with W_O [H,E,M] and W_U [M,V]: no layer norm and no
// bias.
func (l Layout) LogitWeights(row, wo, wu []float32) []float64 {
	out := l.Output(row, wo)
	logits := make([]float64, len(wu)/len(out))
	for k, v := range out {
		for i, u := range wu[k*len(logits) : (k+1)*len(logits)] {
			logits[i] += v * float64(u)
		}
	}
	return logits
}

// MainHead is the head with the largest share of a latent, the lowest of
// equals.
func MainHead(shares []float64) int { return largest(shares) }

// TopLatents are, for each head, the n latents of which it has the largest
// share, [H][n], ties to the lower latent. keep says which latents may be
// listed; nil for all.
func TopLatents(shares []float64, heads, n int, keep func(latent int) bool) [][]int {
	var candidates []int
	for j := range len(shares) / heads {
		if keep == nil || keep(j) {
			candidates = append(candidates, j)
		}
	}
	top := make([][]int, heads)
	for h := range top {
		order := slices.Clone(candidates)
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(shares[b*heads+h], shares[a*heads+h]) })
		top[h] = order[:min(n, len(order))]
	}
	return top
}
