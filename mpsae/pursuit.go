package mpsae

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// A rule is how rows are pursued.
type rule struct {
	steps     int     // most of a row
	tolerance float64 // norm of what is left below which a row is done; 0 for none
	relative  bool    // tolerance is a share of the row's norm
	signed    bool    // go on whatever the sign of the largest score
	ban, stop bool    // a latent that comes up again is passed over; ends the row

	orthogonal, projected bool // values of all latents are solved for after each step
	iterations            int  // of the projected solution
}

// pursuit encodes batches. It owns what a batch takes, a tile of scores being
// the largest part.
type pursuit struct {
	rule
	scoring
	pool  *kernel.Pool
	gemm  *kernel.GEMM
	gram  gram
	known known
	words words

	untied, drops    bool      // the decoder is not the encoder; some steps do without some latents
	mask             []float32 // [F] 0 for latents that this step does without
	maskedW, maskedB []float32 // the encoder without those latents

	x, enc, dec, bias []float32 // of the batch under way
	d, f              int
	longest           lengths // of the rows of enc, dec and of bias
	every             []int32 // [F] 0, 1, ...

	tile    []float32 // [rows,F] estimated scores, where these are float32 products
	compact []float32 // [rows,D] what is left of rows that go on
	rows    []row     // under way, those of a tile
	under   int       // how many of them
	active  []*row    // those that go on
	workers []*worker // one a thread

	path   path
	met    []bool        // [rows] left below the tolerance
	single kept[float32] // what backpropagation needs beside the path
	double kept[float64]
}

// A path is the steps of a batch: what backpropagation holds fixed.
type path struct {
	ptr   []int32 // [rows+1] where each row's steps begin
	atom  []int32 // [steps] latent
	entry []int32 // [steps] its place among the codes of the batch
}

// kept is the coefficient of each step, and what the steps leave of the rows
// in use [N,D].
type kept[T float] struct{ coefficient, residual []T }

func newPursuit(pool *kernel.Pool, r rule, s scoring) *pursuit {
	p := &pursuit{rule: r, scoring: s, pool: pool, gemm: kernel.NewGEMM(pool)}
	p.words.estimator, p.gram.words = kernel.NewEstimator(pool), kernel.NewWordGram(pool)
	for range pool.Threads() {
		p.workers = append(p.workers, &worker{p: p})
	}
	return p
}

// A tile holds at most this many scores, and no more rows than this: enough
// to share the packing of the dictionary among them. Without a tile more rows
// are under way, so that threads wait for each other less often.
const (
	tileScores = 1 << 22
	tileRows   = 512
	manyRows   = 4096
)

// beside are the arrays that the pursuit reads beside the encoder: the decoder
// where it is another, and a mask [F] of the latents kept, nil for all.
func (p *pursuit) beside(c constants, mask *gorgonia.Node) (more []*gorgonia.Node) {
	if p.untied = c.decoder != c.encoder; p.untied {
		more = append(more, c.decoder)
	}
	if p.drops = mask != nil; p.drops {
		more = append(more, mask)
	}
	return more
}

// pick is a sparseop.WidePicker. The scores of the support are values of
// latents.
func (p *pursuit) pick(dst *kernel.Support, x, w, bias []float32, more [][]float32, rows, d, f int) error {
	p.begin(x, w, bias, more, rows, d, f)
	dst.RowPtr, dst.Index, dst.Score = append(dst.RowPtr[:0], 0), dst.Index[:0], dst.Score[:0]
	p.chooseGram(rows)
	for lo := 0; lo < rows; lo += len(p.rows) {
		n := min(len(p.rows), rows-lo)
		p.start(lo, n)
		switch {
		case p.words.on:
			p.runWords(n)
		case p.usedGram:
			p.runGram(lo, n)
		default:
			p.runDirect(n)
		}
		p.gather(dst, n)
	}
	p.finish(rows)
	return nil
}

func (p *pursuit) begin(x, w, bias []float32, more [][]float32, rows, d, f int) {
	p.x, p.enc, p.dec, p.bias, p.d, p.f = x, w, w, bias, d, f
	if p.drops {
		p.mask = more[len(more)-1]
		p.drop()
	}
	if p.untied {
		p.dec = more[0]
	}
	for len(p.every) < f {
		p.every = append(p.every, int32(len(p.every)))
	}
	if !p.frozen || !p.known.same(p) {
		p.words.prepare(p)
		p.longest.measure(p)
		p.gram.made = false
	}
	p.makeRoom(rows)
	p.single.residual = reuse.Slice(p.single.residual, rows*d)
	p.single.coefficient = p.single.coefficient[:0]
	p.path.ptr, p.path.atom, p.path.entry = append(p.path.ptr[:0], 0), p.path.atom[:0], p.path.entry[:0]
	p.met = p.met[:0]
}

// makeRoom makes the rows under way, and their tile.
func (p *pursuit) makeRoom(rows int) {
	n := min(max(rows, 1), manyRows)
	if !p.words.on {
		n = max(1, min(tileRows, tileScores/p.f))
		p.tile = reuse.Slice(p.tile, n*p.f)
	}
	if len(p.rows) != n {
		p.rows = make([]row, n)
	}
}

// drop makes the encoder, and a decoder that is the same, be without the
// latents that the mask leaves out: they score 0.
func (p *pursuit) drop() {
	p.maskedW, p.maskedB = append(p.maskedW[:0], p.enc...), append(p.maskedB[:0], p.bias...)
	for f, keep := range p.mask {
		if keep == 0 {
			clear(p.maskedW[f*p.d : (f+1)*p.d])
			if p.bias != nil {
				p.maskedB[f] = 0
			}
		}
	}
	p.enc, p.dec = p.maskedW, p.maskedW
	if p.bias != nil {
		p.bias = p.maskedB
	}
}

// start sets up rows [lo,lo+n) of the batch.
func (p *pursuit) start(lo, n int) {
	d := p.d
	for i := range p.rows[:n] {
		x, r := p.x[(lo+i)*d:(lo+i+1)*d], p.single.residual[(lo+i)*d:(lo+i+1)*d]
		copy(r, x)
		p.rows[i].reset(p, x, r)
	}
}

// runGram scores the tile's rows once; then each goes its way alone.
func (p *pursuit) runGram(lo, n int) {
	p.gemm.NT(p.tile, p.x[lo*p.d:(lo+n)*p.d], p.enc, n, p.f, p.d, false)
	p.pool.Run(n, (*gramTask)(p))
}

type gramTask pursuit

// Do pursues one row of the tile.
func (t *gramTask) Do(worker, i int) {
	p := (*pursuit)(t)
	w, r, scores := p.workers[worker], &p.rows[i], p.tile[i*p.f:(i+1)*p.f]
	r.drift = rounding(w.p.d) * r.norm
	if p.bias != nil {
		kernel.Add(scores, p.bias)
	}
	w.look(r, scores)
	w.follow(r, scores)
}

// runDirect scores what is left of the rows that go on, step by step.
func (p *pursuit) runDirect(n int) {
	p.active = p.active[:0]
	for i := range p.rows[:n] {
		p.active = append(p.active, &p.rows[i])
	}
	for len(p.active) > 0 {
		p.compact = p.compact[:0]
		for _, r := range p.active {
			p.compact = append(p.compact, r.left...)
		}
		p.gemm.NT(p.tile, p.compact, p.enc, len(p.active), p.f, p.d, false)
		p.pool.Run(len(p.active), (*directTask)(p))
		going := p.active[:0]
		for _, r := range p.active {
			if !r.done {
				going = append(going, r)
			}
		}
		p.active = going
	}
}

type directTask pursuit

// Do makes one step of one row that goes on.
func (t *directTask) Do(worker, i int) {
	p := (*pursuit)(t)
	w, r, scores := p.workers[worker], p.active[i], p.tile[i*p.f:(i+1)*p.f]
	r.drift = rounding(w.p.d) * r.norm
	if p.bias != nil {
		kernel.Add(scores, p.bias)
	}
	w.look(r, scores)
	w.step(r, scores)
}

// gather appends the tile's rows to the batch.
func (p *pursuit) gather(dst *kernel.Support, n int) {
	for i := range p.rows[:n] {
		r, first := &p.rows[i], int32(len(dst.Index))
		r.sort()
		dst.Index, dst.Score = append(dst.Index, r.index...), append(dst.Score, r.value...)
		dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
		p.path.atom = append(p.path.atom, r.atoms...)
		p.single.coefficient = append(p.single.coefficient, r.coefficients...)
		for _, e := range r.entry {
			p.path.entry = append(p.path.entry, first+e)
		}
		p.path.ptr = append(p.path.ptr, int32(len(p.path.atom)))
		p.met = append(p.met, r.norm < r.enough)
	}
}

// finish notes what the next batch's choice goes by.
func (p *pursuit) finish(rows int) {
	if rows > 0 {
		p.expected = float64(len(p.path.atom))/float64(rows) + 1 // and the look that ends a row
	}
	p.x, p.enc, p.dec, p.bias = nil, nil, nil, nil
}
