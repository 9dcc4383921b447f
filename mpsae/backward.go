package mpsae

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
	"github.com/saectl/saectl/internal/sparseop"
)

// Selection carries no gradient; each coefficient does, through what the steps
// before it left. With g the loss's derivative by what is left after step t, h
// that by the value of its latent, c its coefficient and r what it found,
// backpropagation is, from the last step to the first,
//
//	s = h - <w, g>
//	dL/dw += -c·g      dL/de += s·r      dL/db_e += s
//	g     += s·e       r     += c·w
//
// O(K·D) a row: what a step found is rebuilt from what it left, so that only
// latents and coefficients are kept. At the end g is the derivative by the row.
// It is linear in (g, h), so what is left and the codes are two nodes, each
// with a gradient of its own.

// inputs are what the pursuit's nodes depend on: rows, encoder, decoder where
// it is another, bias where there is one, and the support.
func (p *pursuit) inputs(n *model, s *sparseop.Support) (in []*gorgonia.Node, wrt []bool) {
	in = []*gorgonia.Node{n.centered, n.encoder}
	if n.decoder != n.encoder {
		in = append(in, n.decoder)
	}
	if n.bias != nil {
		in = append(in, n.bias)
	}
	for range in {
		wrt = append(wrt, true)
	}
	return append(in, s.Node), append(wrt, false)
}

// left adds what the steps leave of the rows, [B,D].
func (p *pursuit) left(n *model, s *sparseop.Support) *gorgonia.Node {
	in, wrt := p.inputs(n, s)
	return n.b.G.CustomWRT("left", n.centered.Shape(), sparseop.Func{
		F32: func(dst []float32, _ [][]float32) { clear(dst[copy(dst, p.single.residual):]) },
		F64: func(dst []float64, in [][]float64) {
			p.replay(in, n)
			clear(dst[copy(dst, p.double.residual):])
		},
	}, wrt, func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		return p.back(n, in, grad, nil)
	}, in...)
}

// codes adds the values of the latents, [C]: the sums of their coefficients.
func (p *pursuit) codes(n *model, s *sparseop.Support) *gorgonia.Node {
	in, wrt := p.inputs(n, s)
	return n.b.G.CustomWRT("codes", []int{s.Cap}, sparseop.Func{
		F32: func(dst []float32, in [][]float32) { copy(dst, in[len(in)-1]) },
		F64: func(dst []float64, in [][]float64) {
			p.replay(in, n)
			clear(dst)
			for t, e := range p.path.entry {
				dst[e] += p.double.coefficient[t]
			}
		},
	}, wrt, func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		return p.back(n, in, nil, grad)
	}, in...)
}

// replay makes the steps of the path once more in float64, which checks
// gradients, with the latents held.
func (p *pursuit) replay(in [][]float64, n *model) {
	v, d := viewOf(n, in), n.b.D
	rows := len(p.path.ptr) - 1
	k := &p.double
	k.residual, k.coefficient = reuse.Slice(k.residual, rows*d), reuse.Slice(k.coefficient, len(p.path.atom))
	copy(k.residual, in[0][:rows*d])
	for i := range rows {
		r := k.residual[i*d : (i+1)*d]
		for t := p.path.ptr[i]; t < p.path.ptr[i+1]; t++ {
			f := int(p.path.atom[t])
			c := dot(r, v.enc[f*d:(f+1)*d])
			if v.bias != nil {
				c += v.bias[f]
			}
			k.coefficient[t] = c
			axpy(r, -c, v.dec[f*d:(f+1)*d])
		}
	}
}

// weights are the inputs of the pursuit's nodes by name.
type weights[T float] struct{ enc, dec, bias []T }

func viewOf[T float](n *model, in [][]T) (v weights[T]) {
	v.enc, v.dec = in[1], in[1]
	if n.decoder != n.encoder {
		v.dec, in = in[2], in[1:]
	}
	if n.bias != nil {
		v.bias = in[2]
	}
	return v
}

// back adds the gradient of each input for the gradient by what is left [B,D]
// or, where that is nil, by the codes [C].
func (p *pursuit) back(n *model, in gorgonia.Nodes, byLeft, byCodes *gorgonia.Node) gorgonia.Nodes {
	g, d, f := n.b.G, n.b.D, n.b.F
	single, double := reverseOf(p, n, &p.single, byLeft != nil), reverseOf(p, n, &p.double, byLeft != nil)
	grad := byLeft
	if grad == nil {
		grad = byCodes
	}
	rows := g.Custom("back", []int{n.b.B, d}, sparseop.Func{F32: single.rows, F64: double.rows}, nil, append(gorgonia.Nodes{grad}, in...)...)
	sums := append(gorgonia.Nodes{rows}, in...) // over rows, after them
	ofDecoder, ofEncoder := side{decoder: true}, side{encoder: true}
	dictionary := func(of side) *gorgonia.Node {
		return g.Custom("backDictionary", []int{f, d}, sparseop.Func{
			F32: func(dst []float32, in [][]float32) { single.dictionary(dst, in, of) },
			F64: func(dst []float64, in [][]float64) { double.dictionary(dst, in, of) },
		}, nil, slices.Concat(sums, gorgonia.Nodes{grad})...)
	}
	if n.decoder == n.encoder {
		return gorgonia.Nodes{rows, dictionary(side{true, true}), nil}
	}
	grads := gorgonia.Nodes{rows, dictionary(ofEncoder), dictionary(ofDecoder)}
	if n.bias != nil {
		grads = append(grads, g.Custom("backBias", []int{f}, sparseop.Func{F32: single.bias, F64: double.bias}, nil, sums...))
	}
	return append(grads, nil)
}

// reverse is the way back along a path.
type reverse[T float] struct {
	p      *pursuit
	n      *model
	kept   *kept[T]
	byLeft bool

	grad  []T // by what is left [B,D], or by the codes [C]
	v     weights[T]
	dst   []T
	of    side
	slope []T // [steps] s
}

// side says which rows of the dictionary a gradient is of.
type side struct{ encoder, decoder bool }

func reverseOf[T float](p *pursuit, n *model, k *kept[T], byLeft bool) *reverse[T] {
	return &reverse[T]{p: p, n: n, kept: k, byLeft: byLeft}
}

const rowBlock = 8 // rows of an item

// rows sets dst [B,D] to the gradient by the rows. in is the gradient that
// comes in, then the pursuit's inputs.
func (r *reverse[T]) rows(dst []T, in [][]T) {
	r.grad, r.v, r.dst = in[0], viewOf(r.n, in[1:]), dst
	r.slope = reuse.Slice(r.slope, len(r.p.path.atom))
	clear(dst)
	n := len(r.p.path.ptr) - 1
	r.p.pool.Run((n+rowBlock-1)/rowBlock, (*alongRows[T])(r))
}

type alongRows[T float] reverse[T]

// Do goes back along a block of rows.
func (r *alongRows[T]) Do(_, block int) {
	p, d := r.p, r.n.b.D
	for i := block * rowBlock; i < min((block+1)*rowBlock, len(p.path.ptr)-1); i++ {
		g := r.dst[i*d : (i+1)*d]
		if r.byLeft {
			copy(g, r.grad[i*d:])
		}
		for t := p.path.ptr[i+1] - 1; t >= p.path.ptr[i]; t-- {
			f := int(p.path.atom[t])
			if t > p.path.ptr[i] {
				expect(r.v.dec, int(p.path.atom[t-1]), d)
			}
			s := -dot(g, r.v.dec[f*d:(f+1)*d])
			if !r.byLeft {
				s += r.grad[p.path.entry[t]]
			}
			r.slope[t] = s
			axpy(g, s, r.v.enc[f*d:(f+1)*d])
		}
	}
}

// The gradient of the dictionary is summed over rows in their order, so that
// threads do not change it; they divide its columns among them.
const columnBlock = 64

// dictionary sets dst [F,D] to the gradient of the encoder's rows, the
// decoder's or, of one that is both, their sum. The last of in is the gradient
// that came in.
func (r *reverse[T]) dictionary(dst []T, in [][]T, of side) {
	r.grad, r.v, r.dst, r.of = in[len(in)-1], viewOf(r.n, in[1:]), dst, of
	r.p.pool.Run((r.n.b.D+columnBlock-1)/columnBlock, (*alongColumns[T])(r))
}

type alongColumns[T float] reverse[T]

// Do goes back along a block of columns of all rows.
func (r *alongColumns[T]) Do(_, block int) {
	p, d, f := r.p, r.n.b.D, r.n.b.F
	lo, hi := block*columnBlock, min((block+1)*columnBlock, d)
	for j := range f {
		clear(r.dst[j*d+lo : j*d+hi])
	}
	var none [columnBlock]T
	for i := range len(p.path.ptr) - 1 {
		g, found := none[:hi-lo], r.kept.residual[i*d+lo:i*d+hi]
		if r.byLeft {
			g = r.grad[i*d+lo : i*d+hi]
		}
		r.unwind(p.path.ptr[i], p.path.ptr[i+1], lo, g, found)
	}
}

// unwind goes back along steps [first,end) of a row for columns from lo on. g
// is the derivative by what the steps leave there, found what they leave.
func (r *alongColumns[T]) unwind(first, end int32, lo int, g, found []T) {
	p, d := r.p, r.n.b.D
	if k, ok := any(r).(*alongColumns[float32]); ok && r.of.decoder && r.of.encoder {
		kernel.Unwind(k.dst[lo:], k.v.dec[lo:], d, r.n.b.F, p.path.atom[first:end], k.kept.coefficient[first:end], k.slope[first:end],
			any(g).([]float32), any(found).([]float32))
		return
	}
	var left, by [columnBlock]T
	g, found = by[:copy(by[:], g)], left[:copy(left[:], found)]
	for t := end - 1; t >= first; t-- {
		at := int(p.path.atom[t])*d + lo
		c, s := r.kept.coefficient[t], r.slope[t]
		dst, w := r.dst[at:at+len(g)], r.v.dec[at:at+len(g)]
		if r.of.decoder {
			axpy(dst, -c, g)
		}
		if r.of.encoder {
			axpy(found, c, w)
			axpy(dst, s, found)
		}
		axpy(g, s, r.v.enc[at:at+len(g)])
	}
}

// bias sets dst [F] to the gradient of the encoder's bias.
func (r *reverse[T]) bias(dst []T, _ [][]T) {
	clear(dst)
	for t, f := range r.p.path.atom {
		dst[f] += r.slope[t]
	}
}

// axpy adds a·x to dst.
func axpy[T float](dst []T, a T, x []T) {
	if d, ok := any(dst).([]float32); ok {
		kernel.Axpy(d, float32(a), any(x).([]float32))
		return
	}
	for i := range dst {
		dst[i] += a * x[i]
	}
}

// expect begins to bring row f of w [.,D] into the cache.
func expect[T float](w []T, f, d int) {
	if w, ok := any(w).([]float32); ok {
		kernel.Expect(w[f*d : (f+1)*d])
	}
}

func dot[T float](x, y []T) T {
	if a, ok := any(x).([]float32); ok {
		return T(kernel.Dot(a, any(y).([]float32)))
	}
	var sum T
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}
