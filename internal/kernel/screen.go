package kernel

import (
	"math"
	"sync/atomic"

	"github.com/saectl/saectl/internal/reuse"
)

// Screening scores in bytes first. A row x is close to a·q, q whole numbers
// of at most 127 in size, and so is a row of weights; the product of whole
// numbers is exact and four times as fast as one of float32. By Cauchy and
// Schwarz the estimate is off by at most
//
//	|<x,w> - <a·q, a'·q'>| <= |a·q|·|w - a'·q'| + |x - a·q|·|w|
//
// whose norms are computed, not assumed, plus what rounding adds to either.
// Latents that this bound cannot exclude are scored by Dot, which alone
// decides. Where the bound excludes too few the rows are scored without
// screening, so a bad case costs time and changes no result.

// A Screen says when a Selector screens.
type Screen int

const (
	ScreenAuto        Screen = iota // by the certified bound, where it is faster
	ScreenOff                       // never
	ScreenStatistical               // as auto, by a bound that holds with high probability only; a pick it misses may differ between runs
)

// statisticalSigmas is the statistical bound in standard deviations of an
// error whose parts are independent.
const statisticalSigmas = 8

// groupCols is how many latents a row is screened against at a time.
const groupCols = 256

// screenItem bounds the rows of an item.
const screenItem = 96

// screenItemOf is that many for n latents of width d: one tile, for the rows of a
// worker's last item are finished with nothing to screen beside them; more where
// every item has to bring in panels that no cache holds.
func (s *set) screenItemOf(n, d int) int {
	if n*d <= 10<<20 {
		return s.tileRows
	}
	return screenItem
}

// A screen holds the quantised weights of one pass and what bounds the
// estimates. Keys are bounded, so weights of the rule are multiplied in.
type screen struct {
	sel    *Selector
	kernel *byteKernels
	depth  int     // bytes of a row in fours
	trust  float64 // 1, or the part of the bound that is relied upon

	panels  []byte    // [panels,depth,tileCols,4]
	start   []int32   // [cols] what takes the offset of x's bytes out of a product
	latents []float32 // [panels,latentParts,tileCols] what estimates need
	widest  []bounds  // [groups] the largest of each
	rows    []*screenRows
	gaveUp  atomic.Bool // the bound excludes too few: rows to come are not screened
}

// bounds are the parts of an estimate's error that depend on the latent.
type bounds struct {
	lost float32 // |w - a'·q'|, times the size of the row
	size float32 // |w|, times what the row lost
	rest float32 // rounding of the bias, and the smallest numbers
}

// A keyScale turns products into keys: factor is the key of one unit of the
// product and of x's scale, add that of the bias.
type keyScale struct{ factor, add float32 }

func (b bounds) max(c bounds) bounds {
	return bounds{max(b.lost, c.lost), max(b.size, c.size), max(b.rest, c.rest)}
}

// A row or latent within these limits has an estimate: no sum of products can
// overflow, and no square is lost to underflow.
const (
	smallestMax = 1e-15
	largestSize = 1e18
	slack       = 1 + 1e-4 // for the rounding of the bounds themselves
	tiniest     = 1e-36    // above what underflow can take from a sum
	unit        = 0x1p-24
)

// rounding is how far Dot may be from the exact product of rows of d numbers,
// in parts of the product of their norms, and the estimate as well; |a'·q'| is
// at most twice |w|.
func rounding(d int) float64 { return float64(d/16+16)*unit + 16*unit }

// begin makes workers ready for rows of the call under way.
func (z *screen) begin(s *Selector) {
	z.sel, z.kernel, z.depth = s, s.set.bytes, ceilDiv(s.d, 4)
	z.trust = 1
	if s.Screen == ScreenStatistical {
		z.trust = min(1, statisticalSigmas/math.Sqrt(float64(s.d)))
	}
	for len(z.rows) < s.pool.Threads() {
		z.rows = append(z.rows, &screenRows{})
	}
	for i, r := range z.rows {
		r.reserve(z, s.scratch[i])
	}
}

// prepare quantises the weights.
func (z *screen) prepare(s *Selector) {
	groups := ceilDiv(s.n, groupCols)
	cols := groups * groupCols
	z.panels = reuse.Slice(z.panels, cols*z.depth*4)
	z.start, z.latents, z.widest = reuse.Slice(z.start, cols), reuse.Slice(z.latents, cols*latentParts), reuse.Slice(z.widest, groups)
	s.pool.Run(groups, z)
}

// Do quantises the weights of one group of latents.
func (z *screen) Do(worker, group int) {
	s, staged := z.sel, z.rows[worker].staged
	cols := s.set.tileCols
	var widest bounds
	for first := group * groupCols; first < (group+1)*groupCols; first += cols {
		n := max(0, min(cols, s.n-first))
		for i := range n {
			b := z.latent(first+i, staged[i*z.depth*4:(i+1)*z.depth*4])
			widest = widest.max(b)
		}
		for i := n; i < cols; i++ { // whatever the last group estimates there is left out
			z.set(first+i, 0, keyScale{}, bounds{})
		}
		s.set.packBytes(z.panels[first*z.depth*4:(first+cols)*z.depth*4], staged, n, z.depth, cols)
	}
	z.widest[group] = widest
}

// latent quantises the weights at place i and returns what bounds their
// estimates.
func (z *screen) latent(i int, dst []byte) bounds {
	s := z.sel
	f, weight, bias := i, float32(1), float32(0)
	if s.rule.Subset != nil {
		f = int(s.rule.Subset[i])
	}
	if s.rule.Weight != nil {
		weight = s.rule.Weight[f]
	}
	if s.bias != nil {
		bias = s.bias[f]
	}
	q := z.quantize(dst, s.w[f*s.d:(f+1)*s.d], 0)
	b := bounds{
		lost: float32(q.lost * slack * float64(weight)),
		size: float32(q.size * slack * float64(weight)),
		rest: float32(8*unit*math.Abs(float64(bias))*slack*float64(weight) + tiniest*max(1, float64(weight))),
	}
	start, key := -128*q.sum, keyScale{float32(q.scale) * weight, bias * weight}
	if size := b.size + b.rest + key.factor; q.wild || !(size < largestSize) || !(float32(math.Abs(float64(key.add))) < largestSize) {
		inf := float32(math.Inf(1))
		start, key, b = 0, keyScale{}, bounds{inf, inf, inf}
	}
	z.set(i, start, key, b)
	return b
}

// set says what estimates of the latent at place i need.
func (z *screen) set(i int, start int32, key keyScale, b bounds) {
	z.start[i] = start
	cols := z.sel.set.tileCols
	for part, v := range []float32{key.factor, key.add, b.lost, b.size, b.rest} {
		z.latents[(i/cols*latentParts+part)*cols+i%cols] = v
	}
}

// quantized is what is known of a row beside its bytes.
type quantized struct {
	scale      float64
	lost, size float64 // norms of x - scale·q and of x
	whole      float64 // norm of scale·q, from above
	sum        int32
	wild       bool
}

func (z *screen) quantize(dst []byte, x []float32, offset int32) (q quantized) {
	for i := len(x); i < len(dst); i++ {
		dst[i] = 0
	}
	most := z.kernel.maxAbs(x)
	if !(most >= smallestMax && most < largestSize) {
		clear(dst)
		q.wild = most != 0 || AllFinite(x) >= 0 // zeros have an exact estimate; NaN may hide from maxAbs
		return q
	}
	scale := most / 127
	lost, size, sum := z.kernel.quantize(dst[:len(x)], x, scale, 127/most, offset)
	q = quantized{scale: float64(scale), lost: math.Sqrt(float64(lost)), size: math.Sqrt(float64(size)), sum: sum}
	q.whole = q.size + q.lost
	q.wild = !(size < largestSize*largestSize)
	return q
}
