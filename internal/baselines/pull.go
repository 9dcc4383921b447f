package baselines

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// pullDead adds the mean over rows of Σ max(0, θ_f - h_f)·|w_f| over the dead
// latents f: below its threshold a latent gets no other gradient (Anthropic,
// January 2025; SAELens's pre_act_loss). It needs h of all dead latents, so it
// is dense.
func pullDead(m *model, threshold *sae.Param, dead *sae.Dead) *gorgonia.Node {
	norm := m.b.G.RowNorms(m.Decoder.Use())
	in := []*gorgonia.Node{m.Input, m.Encoder.Use(), m.EncoderBias.Use(), threshold.Use(), norm, dead.Node}
	p32 := &pull[float32]{dead: dead, gemm: kernel.NewGEMM(m.b.G.Pool)}
	p64 := &pull[float64]{dead: dead}
	wrt := []bool{m.Input != m.b.X(), true, true, true, true, false}
	scaled := func(i int) sparseop.Func { return sparseop.Func{F32: p32.scaled(i), F64: p64.scaled(i)} }
	return m.b.G.CustomScalar("pullDead", sparseop.Func{F32: p32.run, F64: p64.run}, wrt, scaled, in...)
}

// pull is the value and the gradients of a run.
type pull[T float] struct {
	dead *sae.Dead
	gemm *kernel.GEMM // nil in float64, which only checks gradients

	b, d    int
	latents []int32
	w       []T     // [n,D] encoder rows of a tile of dead latents
	h       []T     // [B,n] scores, then derivatives by them
	grads   []([]T) // by x [B,D], w [dead,D], and bias, threshold and norm [dead]
}

// pullTile bounds the numbers of a tile [B,n].
const pullTile = 1 << 20

// run sums over tiles of dead latents; in is x, w, bias, threshold and norm.
func (p *pull[T]) run(dst []T, in [][]T) {
	p.latents = append(p.latents[:0], p.dead.Latents()...)
	p.d = len(in[1]) / len(in[2])
	p.b = len(in[0]) / p.d
	n := len(p.latents)
	p.grads = p.grads[:0]
	for _, size := range []int{p.b * p.d, n * p.d, n, n, n} {
		p.grads = append(p.grads, make([]T, size))
	}
	sum, width := 0.0, max(1, pullTile/p.b)
	for first := 0; first < n; first += width {
		sum += p.tile(in, first, min(width, n-first))
	}
	dst[0] = T(sum / float64(p.b))
}

// tile is the sum over dead latents [first,first+n), and their gradients.
func (p *pull[T]) tile(in [][]T, first, n int) (sum float64) {
	p.w, p.h = reuse.Slice(p.w, n*p.d), reuse.Slice(p.h, p.b*n)
	for i, f := range p.latents[first : first+n] {
		copy(p.w[i*p.d:(i+1)*p.d], in[1][int(f)*p.d:])
	}
	p.product(productNT, p.h, in[0], p.w, p.b, n, p.d)
	for i, f := range p.latents[first : first+n] {
		t, norm := in[3][f], in[4][f]
		below, lacking := 0, 0.0
		for b := range p.b {
			h := &p.h[b*n+i]
			lack := t - (*h + in[2][f])
			*h = 0
			if lack > 0 {
				*h = -norm
				below++
				lacking += float64(lack)
			}
		}
		sum += lacking * float64(norm)
		slope := T(below) * norm
		p.grads[2][first+i], p.grads[3][first+i], p.grads[4][first+i] = -slope, slope, T(lacking)
	}
	p.product(productTN, p.grads[1][first*p.d:(first+n)*p.d], p.h, in[0], n, p.d, p.b)
	p.product(productNN, p.grads[0], p.h, p.w, p.b, p.d, n)
	return sum
}

type productKind int

const (
	productNT productKind = iota // dst [m,n] = a [m,k] · b [n,k]ᵀ
	productNN                    // dst [m,n] += a [m,k] · b [k,n]
	productTN                    // dst [m,n] = a [k,m]ᵀ · b [k,n]
)

func (p *pull[T]) product(kind productKind, dst, a, b []T, m, n, k int) {
	if p.gemm == nil {
		plainProduct(kind, dst, a, b, m, n, k)
		return
	}
	d32, a32, b32 := any(dst).([]float32), any(a).([]float32), any(b).([]float32)
	switch kind {
	case productNT:
		p.gemm.NT(d32, a32, b32, m, n, k, false)
	case productNN:
		p.gemm.NN(d32, a32, b32, m, n, k, true)
	default:
		p.gemm.TN(d32, a32, b32, m, n, k, false)
	}
}

func plainProduct[T float](kind productKind, dst, a, b []T, m, n, k int) {
	for i := range m {
		for j := range n {
			var sum T
			for l := range k {
				switch kind {
				case productNT:
					sum += a[i*k+l] * b[j*k+l]
				case productNN:
					sum += a[i*k+l] * b[l*n+j]
				default:
					sum += a[l*m+i] * b[l*n+j]
				}
			}
			if kind == productNN {
				sum += dst[i*n+j]
			}
			dst[i*n+j] = sum
		}
	}
}

// scaled gives input i's gradient times that of the value, in[1].
func (p *pull[T]) scaled(i int) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		k := in[1][0] / T(p.b)
		src := p.grads[i]
		if i == 0 {
			for j, v := range src {
				dst[j] = k * v
			}
			return
		}
		clear(dst)
		cols := 1
		if i == 1 {
			cols = p.d
		}
		for n, f := range p.latents {
			for j, v := range src[n*cols : (n+1)*cols] {
				dst[int(f)*cols+j] = k * v
			}
		}
	}
}
