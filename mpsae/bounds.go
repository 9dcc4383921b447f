package mpsae

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// What follows bounds what rounding can do to an estimated score, so that a
// latent is passed over only when its score cannot be the largest.

const unit = 0x1p-24 // of rounding in float32

// rounding is g such that a sum of D products, in any order, is off by at
// most g times the norms of its factors (Higham 2002, "Accuracy and Stability
// of Numerical Algorithms", section 3.1); 4 more covers the arithmetic of the
// bound.
func rounding(d int) float64 {
	n := float64(d+4) * unit
	if n >= 0.5 {
		return math.Inf(1)
	}
	return n / (1 - n)
}

// widen widens the drift of estimates that were moved along with the last
// step: by the error of the products of the dictionary with itself, by that of
// adding them, and by that of what is left of the row.
func (w *worker) widen(r *row) {
	moved := 0.0
	for _, c := range w.by {
		moved += math.Abs(float64(c)) * w.p.longest.decoder
	}
	n := float64(len(w.moved))
	r.drift += moved*(w.p.gram.off+4*unit) + 4*unit*n*(w.before+moved) + 4*unit*(n+2)*r.touched
}

// slack is how far below the largest estimate the estimate of the largest
// score may lie. It is not finite where sums may overflow or lose digits to
// underflow.
func (w *worker) slack(r *row) float64 {
	l := &w.p.longest
	size := r.norm*l.encoder + l.bias
	if !(size < 1e30) || r.norm > 0 && size < 1e-25 {
		return math.Inf(1)
	}
	off := (r.drift+rounding(w.p.d)*r.norm)*l.encoder + 4*unit*(r.widest*l.encoder+l.bias)
	return 2*off*(1+1e-6) + 4*unit*size
}

// lengths bound what rounding can do to a score.
type lengths struct {
	encoder, decoder, bias float64 // the largest norm of a row, and the largest |bias|

	x    []float32
	d    int
	part []float64
}

const lengthBlock = 64 // rows

func (l *lengths) measure(p *pursuit) {
	l.encoder, l.bias = l.largest(p.pool, p.enc, p.d), 0
	l.decoder = l.encoder
	if p.untied {
		l.decoder = l.largest(p.pool, p.dec, p.d)
	}
	for _, b := range p.bias {
		l.bias = max(l.bias, math.Abs(float64(b)))
	}
}

// largest is the largest norm of a row of x [.,D].
func (l *lengths) largest(pool *kernel.Pool, x []float32, d int) float64 {
	l.x, l.d = x, d
	l.part = reuse.Slice(l.part, (len(x)/d+lengthBlock-1)/lengthBlock)
	pool.Run(len(l.part), l)
	l.x = nil
	squares := 0.0
	for _, s := range l.part {
		squares = max(squares, s)
	}
	return math.Sqrt(squares)
}

// Do measures one block of rows.
func (l *lengths) Do(_, block int) {
	l.part[block] = 0
	for i := block * lengthBlock * l.d; i < min((block+1)*lengthBlock*l.d, len(l.x)); i += l.d {
		l.part[block] = max(l.part[block], kernel.SumSquares(l.x[i:i+l.d]))
	}
}
