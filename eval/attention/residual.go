package attention

import "github.com/saectl/saectl/internal/kernel"

// A Residual is an autoencoder of the residual stream that the attention layer
// reads, for a step of recursion: a latent of the layer is explained by a
// source, and the values there by the latents of the residual stream.
type Residual struct {
	Latents int       // R
	Decoder []float32 // [R,M]
}

// Through are the inner products <d_r·W_V,h, w_h> of every residual latent r
// with the encoder row w [D] of a latent, by head, [R,H]: what r, read in full
// by head h, adds to the latent's pre-activation. W_V is [G,M,E].
func (l Layout) Through(r Residual, wv, w []float32) []float64 {
	m := len(r.Decoder) / max(r.Latents, 1)
	out := make([]float64, r.Latents*l.Heads)
	back := make([]float64, m) // W_V,h·w_h
	for h := range l.Heads {
		part := l.head(w, h)
		for k := range m {
			at := (l.kv(h)*m + k) * l.HeadDim
			back[k] = kernel.DotF64(wv[at:at+l.HeadDim], part)
		}
		for j := range r.Latents {
			sum := 0.0
			for k, v := range r.Decoder[j*m : (j+1)*m] {
				sum += float64(v) * back[k]
			}
			out[j*l.Heads+h] = sum
		}
	}
	return out
}

// Unweighted sums Through over heads, [R]: the ranking of the paper's code,
// which leaves the patterns out and so is no split of an attribution.
func Unweighted(through []float64, heads int) []float64 {
	out := make([]float64, len(through)/heads)
	for i, v := range through {
		out[i/heads] += v
	}
	return out
}

// FromResidual splits what source s brings to a latent at t by residual
// latents: Σ_h A_h(t,s)·g_r·<d_r·W_V,h, w_h> / σ, with the pattern and the scale
// σ of the layer norm at s frozen. active are the residual latents at s and g
// their activations; the result has one number for each.
func (l Layout) FromResidual(q Sequence, through []float64, t, s int, active []int32, g []float32, sigma float64) []float64 {
	out := make([]float64, len(active))
	for e, r := range active {
		sum := 0.0
		for h := range l.Heads {
			sum += float64(q.attention(h, t)[s]) * through[int(r)*l.Heads+h]
		}
		out[e] = sum * float64(g[e]) / sigma
	}
	return out
}
