package afa

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

// picker is the top-AFA selection. A row is decided from its largest keys
// where these reach far enough, and a selector finds those fast. Rows that
// remain are scored against every latent, a tile at a time. Either way a row
// keeps the same, with the same bits.
type picker struct {
	pool     *kernel.Pool
	selector *kernel.Selector
	norms    []float32 // [F] of decoder rows, of the run under way

	x, w     []float32
	d, f     int
	ask      int            // how many keys a row is decided from first; 0 for none
	largest  kernel.Support // those keys' latents
	rows     []picks        // [B]
	todo     []int32        // rows to be scored against every latent
	tiling   bool           // the second pass
	perItem  int            // rows an item
	choosers []*chooser     // one a worker
	counts   []int
}

// picks are the latents that a row keeps, ascending, and their scores.
type picks struct {
	index   []int32
	score   []float32
	decided bool
}

func newPicker(pool *kernel.Pool, s *kernel.Selector) *picker {
	p := &picker{pool: pool, selector: s}
	for range pool.Threads() {
		p.choosers = append(p.choosers, &chooser{p: p})
	}
	return p
}

// weightBy makes norms [F] the weights that latents are ranked with. The node
// it adds must have run before the selection does.
func (p *picker) weightBy(g *sparseop.Graph, norms *gorgonia.Node) *gorgonia.Node {
	return g.Custom("rankWeights", nil, sparseop.Func{
		F32: func(_ []float32, in [][]float32) { p.norms = append(p.norms[:0], in[0]...) },
		F64: func(_ []float64, in [][]float64) {
			p.norms = p.norms[:0]
			for _, v := range in[0] {
				p.norms = append(p.norms, float32(v))
			}
		},
	}, nil, norms)
}

// pick is a sparseop.Picker.
func (p *picker) pick(dst *kernel.Support, x, w, _ []float32, rows, d, f int) error {
	p.x, p.w, p.d, p.f = x, w, d, f
	for len(p.rows) < rows {
		p.rows = append(p.rows, picks{})
	}
	if err := p.decideLargest(rows); err != nil {
		return err
	}
	p.todo = p.todo[:0]
	for i := range rows {
		if !p.rows[i].decided {
			p.todo = append(p.todo, int32(i))
		}
	}
	p.run(len(p.todo), true)
	p.gather(dst, rows)
	p.learn(rows)
	p.x, p.w = nil, nil
	return nil
}

// decideLargest decides what rows it can from their ask largest keys.
func (p *picker) decideLargest(rows int) error {
	for i := range rows {
		p.rows[i].decided = false
	}
	if p.ask == 0 {
		return nil
	}
	rule := kernel.Rule{Kind: kernel.TopK, K: p.ask, Weight: p.norms}
	if err := p.selector.Select(&p.largest, p.x, p.w, nil, rows, p.d, p.f, rule); err != nil {
		return err
	}
	p.run(rows, false)
	return nil
}

// A tile of scores has at most tileScores numbers, unless it would have fewer
// than leastRows rows: the weights are read once a tile.
const (
	tileScores = 1 << 20
	leastRows  = 48
	mostRows   = 192
)

// run makes one of the two passes over n rows.
func (p *picker) run(n int, tiling bool) {
	most := min(max(tileScores/p.f, leastRows), mostRows)
	threads := p.pool.Threads()
	items := threads * ((n + threads*most - 1) / (threads * most))
	p.tiling, p.perItem = tiling, (n+max(items, 1)-1)/max(items, 1)
	if n > 0 {
		p.pool.Run((n+p.perItem-1)/p.perItem, p)
	}
	p.tiling = false
}

// Do decides one item's rows.
func (p *picker) Do(worker, item int) {
	c, lo := p.choosers[worker], item*p.perItem
	if p.tiling {
		c.tile(p.todo[lo:min(lo+p.perItem, len(p.todo))])
		return
	}
	for i := lo; i < min(lo+p.perItem, len(p.largest.RowPtr)-1); i++ {
		c.few(i)
	}
}

func (p *picker) gather(dst *kernel.Support, rows int) {
	dst.RowPtr, dst.Index, dst.Score = append(dst.RowPtr[:0], 0), dst.Index[:0], dst.Score[:0]
	for _, r := range p.rows[:rows] {
		dst.Index, dst.Score = append(dst.Index, r.index...), append(dst.Score, r.score...)
		dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
	}
}

// learn settles how many keys the next batch is decided from first: what all
// but a twentieth of the rows of this one kept, and some more. It is worth
// asking only where the selector screens: for few of many latents.
func (p *picker) learn(rows int) {
	p.counts, p.ask = p.counts[:0], 0
	for _, r := range p.rows[:rows] {
		p.counts = append(p.counts, len(r.index))
	}
	if rows == 0 || p.d < 64 {
		return
	}
	slices.Sort(p.counts)
	k := p.counts[(rows-1)*19/20]
	if ask := k + k/8 + 8; ask <= p.f/32 {
		p.ask = ask
	}
}
