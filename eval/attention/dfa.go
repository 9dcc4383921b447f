package attention

import (
	"github.com/saectl/saectl/internal/kernel"
)

// An Attribution is where a latent's pre-activation at one position comes
// from: DFA_{h,s} = A_h(t,s)·<v_h(s), w_h>, w_h the part of its encoder row that
// reads head h. The entries and the latent's constant add up to the
// pre-activation.
type Attribution struct {
	Heads int
	T     int       // position
	Table []float64 // [H,S], exactly 0 where s > t in a causal pattern
}

// Attribute is the attribution of the latent with encoder row w [D] at
// position t.
func (l Layout) Attribute(q Sequence, w []float32, t int) Attribution {
	return l.attribute(q, l.sources(q, w), t)
}

// attribute does so for the sources u [S,H] of the latent.
func (l Layout) attribute(q Sequence, u []float64, t int) Attribution {
	a := Attribution{Heads: l.Heads, T: t, Table: make([]float64, l.Heads*q.S)}
	for h := range l.Heads {
		for s, share := range q.attention(h, t) {
			if share != 0 {
				a.Table[h*q.S+s] = float64(share) * u[s*l.Heads+h]
			}
		}
	}
	return a
}

// scale multiplies the attribution by c.
func (a Attribution) scale(c float64) {
	for i := range a.Table {
		a.Table[i] *= c
	}
}

// ByHead are the sums over sources, [H].
func (a Attribution) ByHead() []float64 {
	out, n := make([]float64, a.Heads), len(a.Table)/a.Heads
	for i, v := range a.Table {
		out[i/n] += v
	}
	return out
}

// BySource are the sums over heads, [S].
func (a Attribution) BySource() []float64 {
	n := len(a.Table) / a.Heads
	out := make([]float64, n)
	for i, v := range a.Table {
		out[i%n] += v
	}
	return out
}

// Sum is the sum of all entries: the pre-activation less the constant.
func (a Attribution) Sum() float64 {
	sum := 0.0
	for _, v := range a.Table {
		sum += v
	}
	return sum
}

// Constants are the parts of the pre-activations that no head writes,
// b_enc - <b_dec, w>, [F], of encoder rows [F,D]. Either bias may be nil.
func Constants(encoder, encoderBias, decoderBias []float32, f int) []float64 {
	d, out := len(encoder)/f, make([]float64, f)
	for j := range out {
		if encoderBias != nil {
			out[j] = float64(encoderBias[j])
		}
		if decoderBias != nil {
			out[j] -= kernel.DotF64(encoder[j*d:(j+1)*d], decoderBias)
		}
	}
	return out
}

// ValueBias is the part of each latent's attributions that the bias of the
// values, bias [G,E], brings: Σ_h <b_V,h, w_h>, [F]. The patterns of a head add
// up to 1, so it is the same at every position.
func (l Layout) ValueBias(encoder, bias []float32, f int) []float64 {
	out := make([]float64, f)
	for j := range out {
		w := encoder[j*l.D() : (j+1)*l.D()]
		for h := range l.Heads {
			at := l.kv(h) * l.HeadDim
			out[j] += kernel.DotF64(bias[at:at+l.HeadDim], l.head(w, h))
		}
	}
	return out
}

// largest is the place of the largest number, the first of equal ones.
func largest(x []float64) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}
