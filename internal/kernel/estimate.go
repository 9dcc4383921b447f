package kernel

import (
	"math"
	"sync/atomic"

	"github.com/saectl/saectl/internal/reuse"
)

// wordKernels multiply in words of 16 bits; a set has them where that is faster
// than multiplying numbers. Panels are those of the set's tile with two words
// in the place of a number.
type wordKernels struct {
	// quantize sets dst to x·inverse rounded, two bytes each, and returns the
	// sum of squares of x - dst·scale.
	quantize func(dst []byte, x []float32, scale, inverse float32) (lost float32)
	// tile sets the block of dst to scale[i]·factor[j]·Σ a·b + add[j].
	tile func(k int, a, b []byte, scale, factor, add, dst []float32, ld int)
	// axpyTops is the set's for x in words.
	axpyTops func(tops, dst []float32, a float32, x []int16)
	// stream is quantize past the caches, for whole lines of them; others see it
	// after the set's fence.
	stream func(dst []int16, x []float32, inverse float32)
}

// An Estimator estimates the scores of rows, Dot(x,w) + bias, in words of 16
// bits, at twice the speed of DotBlock, and bounds what it is off by. A row x is
// close to a·q, q whole numbers; by Cauchy and Schwarz the estimate is off by
// at most
//
//	|<x,w> - <a·q, a'·q'>| <= |a·q|·|w - a'·q'| + |x - a·q|·|w|
//
// and what rounding adds, which Error counts too, that of Dot as well. It is
// about 4e-4 of the product of the norms.
type Estimator struct {
	pool *Pool
	set  *set

	w, bias []float32 // of the call under way
	subset  []int32   // latents estimated; nil for all
	n, d    int
	depth   int         // words of a row in pairs
	panels  []byte      // [panels,depth,tileCols,2]
	factor  []float32   // [cols] of one unit of the product
	add     []float32   // [cols] bias
	worst   []wordError // [groups] the largest of each
	staged  [][]byte    // one a worker
	wild    atomic.Bool // some latent has no estimate
}

// wordError is the parts of an error that depend on the latent.
type wordError struct{ lost, size, rest float64 }

// EstimateLatents is how many latents Estimate takes at a time.
const EstimateLatents = 64

// CanEstimate reports whether the set of kernels in use can estimate scores,
// and is faster so for n latents of width d.
func CanEstimate(n, d int) bool { return chosen.words != nil && n >= 4*EstimateLatents && d >= 64 }

// NewEstimator makes an Estimator whose Weights runs on pool.
func NewEstimator(pool *Pool) *Estimator { return &Estimator{pool: pool, set: chosen} }

// Weights prepares for weights w [F,D] and bias [F], or those of a subset of
// the latents, which are borrowed until the last Estimate. It is false where
// some weights are too large or too small, or not numbers.
func (e *Estimator) Weights(w, bias []float32, subset []int32, f, d int) bool {
	e.w, e.bias, e.subset, e.n, e.d, e.depth = w, bias, subset, f, d, ceilDiv(d, 2)
	if subset != nil {
		e.n = len(subset)
	}
	groups := ceilDiv(e.n, EstimateLatents)
	cols := groups * EstimateLatents
	e.panels = reuse.Slice(e.panels, cols*e.depth*4)
	e.factor, e.add, e.worst = reuse.Slice(e.factor, cols), reuse.Slice(e.add, cols), reuse.Slice(e.worst, groups)
	for len(e.staged) < e.pool.Threads() {
		e.staged = append(e.staged, nil)
	}
	for i, s := range e.staged {
		e.staged[i] = reuse.Slice(s, e.set.tileCols*e.depth*4)
	}
	e.wild.Store(false)
	e.pool.Run(groups, e)
	e.w, e.bias = nil, nil
	return !e.wild.Load()
}

// Do quantises one group of latents.
func (e *Estimator) Do(worker, group int) {
	var worst wordError
	cols := e.set.tileCols
	for first := group * EstimateLatents; first < (group+1)*EstimateLatents; first += cols {
		n := max(0, min(cols, e.n-first))
		for i := range n {
			f := first + i
			if e.subset != nil {
				f = int(e.subset[f])
			}
			w := e.w[f*e.d : (f+1)*e.d]
			q, ok := e.quantize(e.staged[worker][i*e.depth*4:(i+1)*e.depth*4], w)
			size := math.Abs(float64(e.bias[f]))
			if !ok || !(size < largestSize) {
				e.wild.Store(true)
			}
			e.factor[first+i], e.add[first+i] = q.scale, e.bias[f]
			worst.lost, worst.size = max(worst.lost, q.lost), max(worst.size, q.size)
			worst.rest = max(worst.rest, 8*unit*size+tiniest)
		}
		for i := n; i < cols; i++ {
			e.factor[first+i], e.add[first+i] = 0, 0
		}
		e.set.packBytes(e.panels[first*e.depth*4:(first+cols)*e.depth*4], e.staged[worker], n, e.depth, cols)
	}
	e.worst[group] = worst
}

// quantizedWords is what is known of a row beside its words.
type quantizedWords struct {
	scale      float32
	lost, size float64 // norms of x - scale·q and of x, from above
}

// wordNorm bounds the norm of a row of whole numbers, so that no sum of
// products of two leaves 32 bits; it leaves room for rounding.
const wordNorm = 46000

// quantize is false for a row that has no estimate.
func (e *Estimator) quantize(dst []byte, x []float32) (q quantizedWords, ok bool) {
	clear(dst[len(x)/2*4:]) // the second word of a last pair
	squares := SumSquares(x)
	if squares == 0 {
		clear(dst)
		return q, true
	}
	if !(squares > smallestMax*smallestMax && squares < largestSize*largestSize) {
		clear(dst)
		return q, false
	}
	most := float64(e.set.bytes.maxAbs(x))
	scale := float32(max(math.Sqrt(squares)/wordNorm, most/32766))
	lost := e.set.words.quantize(dst, x, scale, 1/scale)
	return quantizedWords{scale: scale, lost: math.Sqrt(float64(lost)) * slack, size: math.Sqrt(squares) * slack}, true
}

// EstimateRows are rows that an Estimator estimates the scores of.
type EstimateRows struct {
	panels []byte    // [panels,depth,tileRows,2]
	scale  []float32 // [rows in whole panels]
	errors []quantizedWords
	staged []byte
}

// Rows prepares r for rows x [rows,D]. It is false where some row has no
// estimate.
func (e *Estimator) Rows(r *EstimateRows, x []float32, rows int) bool {
	tile := e.set.tileRows
	padded := roundUp(rows, tile)
	r.panels, r.scale = reuse.Slice(r.panels, padded*e.depth*4), reuse.Slice(r.scale, padded)
	r.errors, r.staged = reuse.Slice(r.errors, rows), reuse.Slice(r.staged, tile*e.depth*4)
	clear(r.scale)
	for first := 0; first < padded; first += tile {
		n := min(tile, rows-first)
		for i := range n {
			q, ok := e.quantize(r.staged[i*e.depth*4:(i+1)*e.depth*4], x[(first+i)*e.d:(first+i+1)*e.d])
			if !ok {
				return false
			}
			r.scale[first+i], r.errors[first+i] = q.scale, q
		}
		e.set.packBytes(r.panels[first*e.depth*4:(first+tile)*e.depth*4], r.staged, n, e.depth, tile)
	}
	return true
}

// Estimate sets row i of dst, ld apart, to estimates of the scores of a group
// of latents for row i of r. Rows come in whole tiles: dst has room for
// EstimatePadding more. What stands beyond the last latent is not told.
func (e *Estimator) Estimate(dst []float32, ld int, r *EstimateRows, group int) {
	rows, cols := e.set.tileRows, e.set.tileCols
	for j := group * EstimateLatents; j < (group+1)*EstimateLatents; j += cols {
		panel := e.panels[j*e.depth*4 : (j+cols)*e.depth*4]
		for i := 0; i < len(r.scale); i += rows {
			e.set.words.tile(e.depth, r.panels[i*e.depth*4:(i+rows)*e.depth*4], panel, r.scale[i:i+rows],
				e.factor[j:j+cols], e.add[j:j+cols], dst[i*ld+j%EstimateLatents:], ld)
		}
	}
}

// EstimatePadding is how many rows more than it was given Estimate may write.
const EstimatePadding = 15

// Error bounds how far the estimates of a group are from the scores of row i.
func (e *Estimator) Error(r *EstimateRows, group, i int) float32 {
	q, w := &r.errors[i], &e.worst[group]
	rounded := (rounding(e.d) + 16*unit) * q.size * w.size
	return float32(((q.size+q.lost)*w.lost + q.lost*w.size + rounded + w.rest) * slack)
}
