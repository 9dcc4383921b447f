package attention

import (
	"fmt"

	"github.com/saectl/saectl/internal/kernel"
)

// A Layout says how a row is made of heads.
type Layout struct {
	Heads   int // H
	HeadDim int // E
	KVHeads int // G, which divides H
}

// NewLayout lays out rows of d values as heads heads; kv is the number of
// key-value heads, 0 for one a head.
func NewLayout(d, heads, kv int) (Layout, error) {
	if heads < 1 || d%heads != 0 {
		return Layout{}, fmt.Errorf("attention: %d heads do not divide rows of %d values; a row must be the outputs of all heads, one after another", heads, d)
	}
	if kv == 0 {
		kv = heads
	}
	if kv < 1 || heads%kv != 0 {
		return Layout{}, fmt.Errorf("attention: %d key-value heads do not serve %d heads in equal groups", kv, heads)
	}
	return Layout{Heads: heads, HeadDim: d / heads, KVHeads: kv}, nil
}

// D is the width of a row.
func (l Layout) D() int { return l.Heads * l.HeadDim }

// kv is the key-value head that head h reads.
func (l Layout) kv(h int) int { return h / (l.Heads / l.KVHeads) }

// head is the part of a row [D] that head h wrote, [E].
func (l Layout) head(row []float32, h int) []float32 { return row[h*l.HeadDim : (h+1)*l.HeadDim] }

// A Sequence is what the heads did in one text: from where they read and what
// stood there.
type Sequence struct {
	S       int
	Pattern []float32 // [H,S,S] share of source s in what head h writes at t
	V       []float32 // [S,G,E] values, with their bias where the model has one
}

// attention are the shares of the sources [S] in what head h writes at t.
func (q Sequence) attention(h, t int) []float32 {
	at := (h*q.S + t) * q.S
	return q.Pattern[at : at+q.S]
}

// value is what head h reads at s, [E].
func (l Layout) value(q Sequence, s, h int) []float32 {
	at := (s*l.KVHeads + l.kv(h)) * l.HeadDim
	return q.V[at : at+l.HeadDim]
}

// Z is the row that the heads write at t: z_h = Σ_s A_h(t,s)·v(s), [D].
func (l Layout) Z(q Sequence, t int) []float64 {
	z := make([]float64, l.D())
	for h := range l.Heads {
		part := z[h*l.HeadDim : (h+1)*l.HeadDim]
		for s, a := range q.attention(h, t) {
			if a == 0 {
				continue
			}
			for i, v := range l.value(q, s, h) {
				part[i] += float64(a) * float64(v)
			}
		}
	}
	return z
}

// sources are u[s,h] = <v_h(s), w_h>, [S,H]: what the values at each source
// would add to a latent with encoder row w [D] if they were read in full.
// Attributions at every t are products of u with patterns, so that no tensor of
// all positions and coordinates is made.
func (l Layout) sources(q Sequence, w []float32) []float64 {
	u := make([]float64, q.S*l.Heads)
	for s := range q.S {
		for h := range l.Heads {
			u[s*l.Heads+h] = kernel.DotF64(l.value(q, s, h), l.head(w, h))
		}
	}
	return u
}
