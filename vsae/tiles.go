package vsae

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// tiles computes the penalty in tiles of latents: a product scores a tile
// [B,n], which then holds derivatives, and a second product turns these into
// the gradient of the tile's weights. With a variance head there are two of
// each.
type tiles struct {
	penalty
	relu, wantX bool
	pool        *kernel.Pool
	gemm        *kernel.GEMM

	x       []float32 // [B,D] of the run under way
	b, d, f int
	heads   []*head   // of μ and, where it is learned, of log σ²
	dx      []float32 // [B,D]
	n       int       // latents of the tile
	sums    []float64 // [items] of the tile
}

// head is a linear map of rows to a number for each latent, and its gradient.
type head struct {
	w, bias   []float32 // [F,D], [F]
	dw, dbias []float32
	tile      []float32 // [B,n] numbers, then derivatives by them
	first     int       // latent of the tile
}

// A tile holds at most so many numbers, which the last-level cache has room
// for; a worker takes tileCols of its columns at a time.
const (
	tileSize = 1 << 20
	tileCols = 64
)

// run is the value, and keeps the gradient. in is x, w and bias, and w and
// bias of the variance head where there is one.
func (t *tiles) run(dst []float32, in [][]float32) {
	t.begin(in)
	width := max(tileCols, tileSize/t.b)
	sum := 0.0
	for first := 0; first < t.f; first += width {
		t.n = min(width, t.f-first)
		sum += t.tile(first)
	}
	dst[0] = float32((sum + t.fixed*float64(t.b)*float64(t.f)) / float64(t.b))
	t.x = nil
}

func (t *tiles) begin(in [][]float32) {
	t.x, t.f = in[0], len(in[2])
	t.d = len(in[1]) / t.f
	t.b = len(in[0]) / t.d
	for i := 1; i < len(in); i += 2 {
		if len(t.heads) < (i+1)/2 {
			t.heads = append(t.heads, &head{dw: make([]float32, t.f*t.d), dbias: make([]float32, t.f)})
		}
		h := t.heads[i/2]
		h.w, h.bias = in[i], in[i+1]
		h.tile = reuse.Slice(h.tile, t.b*min(t.f, max(tileCols, tileSize/t.b)))
	}
	if t.wantX {
		t.dx = reuse.Slice(t.dx, t.b*t.d)
	}
	t.sums = reuse.Slice(t.sums, (t.f+tileCols-1)/tileCols)
}

// tile is the sum over one tile of latents.
func (t *tiles) tile(first int) (sum float64) {
	n, d := t.n, t.d
	for _, h := range t.heads {
		h.first = first
		t.gemm.NT(h.tile[:t.b*n], t.x, h.w[first*d:(first+n)*d], t.b, n, d, false)
	}
	items := (n + tileCols - 1) / tileCols
	t.pool.Run(items, t)
	for _, s := range t.sums[:items] {
		sum += s
	}
	for i, h := range t.heads {
		t.gemm.TN(h.dw[first*d:(first+n)*d], h.tile[:t.b*n], t.x, n, d, t.b, false)
		if t.wantX {
			t.gemm.NN(t.dx, h.tile[:t.b*n], h.w[first*d:(first+n)*d], t.b, d, n, first > 0 || i > 0)
		}
	}
	return sum
}

// Do turns some columns of the tile into derivatives.
func (t *tiles) Do(_, item int) {
	lo, hi := item*tileCols, min((item+1)*tileCols, t.n)
	t.sums[item] = t.heads[0].columns(t.b, t.n, lo, hi, t.means)
	if len(t.heads) > 1 {
		t.sums[item] += t.heads[1].columns(t.b, t.n, lo, hi, t.logVars)
	}
}

// rectified is ofMean of a score that a ReLU may have gone over.
func (p *penalty) rectified(score float64, relu bool) (value, slope float64) {
	if relu && score <= 0 {
		return 0, 0
	}
	return p.ofMean(score)
}

// columns turns columns [lo,hi) of a tile [b,n] into derivatives, a row of them
// at a time, sums these for the bias, and returns the sum of the values.
func (h *head) columns(b, n, lo, hi int, derive func(row, bias []float32) float64) (total float64) {
	bias := h.bias[h.first+lo : h.first+hi]
	var slopes [tileCols]float64
	for i := range b {
		row := h.tile[i*n+lo : i*n+hi]
		total += derive(row, bias)
		for j, slope := range row {
			slopes[j] += float64(slope)
		}
	}
	for j := range bias {
		h.dbias[h.first+lo+j] = float32(slopes[j])
	}
	return total
}

// means is rectified for some scores and their biases: half of them are
// negative, so it goes without a branch on that.
func (t *tiles) means(row, bias []float32) (total float64) {
	bias = bias[:len(row)]
	most, gain := float32(min(t.most, math.MaxFloat32)), float32(2*t.half)
	var clear uint32
	if t.relu {
		clear = 1 << 31
	}
	for j, score := range row {
		score += bias[j]
		word := math.Float32bits(score)
		score = math.Float32frombits(word &^ uint32(int32(word&clear)>>31))
		if size := math.Float32frombits(word &^ (1 << 31)); size > most {
			total += t.beyond(score)
			row[j] = 0
			continue
		}
		total += float64(score) * float64(score)
		row[j] = gain * score
	}
	return t.half * total
}

// beyond is the clamped square of a score that is larger than the clamp; 0 is
// that of a negative one that the ReLU has cut.
func (t *tiles) beyond(score float32) float64 {
	if score == 0 {
		return 0
	}
	return t.most * t.most
}

// logVars is ofLogVar for some scores and their biases.
func (t *tiles) logVars(row, bias []float32) (total float64) {
	bias = bias[:len(row)]
	for j, score := range row {
		l := float64(score + bias[j])
		c := min(max(l, t.lo), t.hi)
		s := exp(c)
		total += s - 1 - c
		row[j] = 0
		if c == l {
			row[j] = float32(0.5 * (s - 1))
		}
	}
	return 0.5 * total
}

// exp is e^x to nine digits, at a third of the time of math.Exp: 2^k times the
// series of e^r, |r| ≤ ½ ln 2, up to r^7.
func exp(x float64) float64 {
	if !(x > -700 && x < 700) {
		return math.Exp(x)
	}
	const shift = 0x1.8p52 // adding it rounds to a whole number
	k := x*math.Log2E + shift - shift
	r := x - k*math.Ln2
	r2 := r * r
	low := 1 + r + r2*(1.0/2+r*(1.0/6))
	high := 1.0/24 + r*(1.0/120) + r2*(1.0/720+r*(1.0/5040))
	return (low + r2*r2*high) * math.Float64frombits(uint64(int64(k)+1023)<<52)
}

// scaled copies input i's gradient times that of the value, in[1].
func (t *tiles) scaled(i int) func(dst []float32, in [][]float32) {
	s := &scaling{}
	return func(dst []float32, in [][]float32) {
		s.dst, s.k = dst, in[1][0]/float32(t.b)
		switch {
		case i == 0:
			s.src = t.dx
		case i%2 == 1:
			s.src = t.heads[i/2].dw
		default:
			s.src = t.heads[i/2-1].dbias
		}
		t.pool.Run((len(dst)+scaleBlock-1)/scaleBlock, s)
	}
}

// scaling sets dst to k·src, in blocks.
type scaling struct {
	dst, src []float32
	k        float32
}

const scaleBlock = 1 << 14

// Do scales one block.
func (s *scaling) Do(_, item int) {
	lo, hi := item*scaleBlock, min((item+1)*scaleBlock, len(s.dst))
	copy(s.dst[lo:hi], s.src[lo:hi])
	kernel.Scale(s.dst[lo:hi], s.k)
}
