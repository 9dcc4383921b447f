package kernel

import (
	"fmt"
	"unsafe"
)

// A Selector chooses active latents. It owns its buffers and keeps them, so
// that a second call of the same size allocates nothing. One call at a time.
//
// Every score that decides is Dot's. Rows and latents are scored in blocks
// that stay in cache; a row's K-th best key so far rejects most of a block
// by vector compares.
type Selector struct {
	Screen Screen // set it between calls
	Fixed  bool   // weights and biases at one place hold the same numbers in every call: what screening makes of them is kept

	pool *Pool
	set  *set

	x, w, bias []float32 // of the call under way
	b, d, f    int
	n          int // latents looked at: F, or those of the subset
	rule       Rule

	pass    pass
	most    int     // rows of an item, and what workers have room for
	perRow  []picks // [B] what each row keeps
	scratch []*scratch
	all     ranking // keys of a batch

	screen    screen
	screened  bool // the pass under way is
	ready     bool // the screen is, for rows of this call
	quantized bool // the weights of this call are
	prepared  prepared
	always    bool // of tests: screen at any size
}

// A pass looks at rows first, first+stride, ... and keeps of each the keys
// above a floor, and of these the largest so many.
type pass struct {
	first, rows, stride int
	tile, items         int // rows that are dealt out together, and into how many items
	floor               float32
	largest             int // 0 for all
	groups              int // latents a group, whose largest alone is kept; 0 for no groups
}

// deal divides the rows into items for some threads, as evenly as whole tiles
// allow, and returns how many rows the largest has, at most so many.
func (p *pass) deal(tile, threads, most int) int {
	tiles := ceilDiv(p.rows, tile)
	p.tile, p.items = tile, min(threads*ceilDiv(p.rows, threads*most), tiles)
	return min(ceilDiv(tiles, p.items)*tile, p.rows)
}

// begins is the first row of an item.
func (p *pass) begins(item int) int {
	return min(item*ceilDiv(p.rows, p.tile)/p.items*p.tile, p.rows)
}

// NewSelector makes a Selector that runs on pool.
func NewSelector(pool *Pool) *Selector {
	return &Selector{pool: pool, set: chosen}
}

// Select fills dst with the latents that r keeps for x [B,D] scored against
// w [F,D] and bias [F] (nil for none), growing its slices when they are too
// small. The error names a size that does not fit the slices.
func (s *Selector) Select(dst *Support, x, w, bias []float32, B, D, F int, r Rule) error {
	if err := checkSelect(x, w, bias, B, D, F, r); err != nil {
		return err
	}
	s.begin(x, w, bias, B, D, F, r)
	switch {
	case B == 0 || s.n == 0 || r.Kind != Threshold && r.K == 0:
		for i := range B {
			s.perRow[i].reset()
		}
	case r.Kind == BatchTopK:
		s.selectBatch()
	case r.Kind == GroupMax:
		s.run(pass{rows: B, stride: 1, groups: F / r.K})
	case r.Kind == TopK:
		s.run(pass{rows: B, stride: 1, largest: r.K})
	default:
		s.run(pass{rows: B, stride: 1, floor: r.floor()})
	}
	s.gather(dst, B)
	s.x, s.w, s.bias, s.rule = nil, nil, nil, Rule{}
	return nil
}

func checkSelect(x, w, bias []float32, B, D, F int, r Rule) error {
	switch {
	case B < 0 || D < 1 || F < 0:
		return fmt.Errorf("select: sizes B %d, D %d, F %d are out of range", B, D, F)
	case len(x) < B*D:
		return fmt.Errorf("select: x holds %d numbers, [%d,%d] needs %d", len(x), B, D, B*D)
	case len(w) < F*D:
		return fmt.Errorf("select: w holds %d numbers, [%d,%d] needs %d", len(w), F, D, F*D)
	case bias != nil && len(bias) < F:
		return fmt.Errorf("select: bias holds %d numbers, [%d] needs %d", len(bias), F, F)
	case r.Kind == GroupMax && r.K > F:
		return fmt.Errorf("select: %d groups of %d latents", r.K, F)
	}
	return r.check(B, D, F)
}

func (s *Selector) begin(x, w, bias []float32, B, D, F int, r Rule) {
	s.x, s.w, s.bias, s.b, s.d, s.f, s.n, s.rule = x, w, bias, B, D, F, F, r
	if r.Subset != nil {
		s.n = len(r.Subset)
	}
	if len(s.perRow) < B {
		s.perRow = append(s.perRow, make([]picks, B-len(s.perRow))...)
	}
	for len(s.scratch) < s.pool.Threads() {
		s.scratch = append(s.scratch, &scratch{})
	}
	s.ready, s.quantized, s.all.set = false, s.Fixed && s.prepared != (prepared{}) && s.prepared == s.preparation(), s.set
}

// prepared says what the weights in the screen were made of.
type prepared struct {
	w, bias, weight *float32
	d, f            int
	screen          Screen
}

// preparation is of the call under way; none where a subset is looked at, which
// changes.
func (s *Selector) preparation() prepared {
	if s.rule.Subset != nil || s.f == 0 {
		return prepared{}
	}
	return prepared{&s.w[0], unsafe.SliceData(s.bias), unsafe.SliceData(s.rule.Weight), s.d, s.f, s.Screen}
}

// itemRows bounds the rows that share a block of latents.
const itemRows = 192

// run makes one pass. Its rows are dealt out evenly, in whole tiles.
func (s *Selector) run(p pass) {
	tile, item := s.set.dotTileRows, itemRows
	if s.screened = s.screens(p); s.screened {
		tile, item = s.set.tileRows, s.set.screenItemOf(s.n, s.d)
	}
	s.most = p.deal(tile, s.pool.Threads(), item)
	if s.screened { // more rows share a block where they are left undecided
		s.most = min(ceilDiv(p.rows, s.pool.Threads()), openRows)
	}
	s.pass = p
	for _, c := range s.scratch {
		c.reserve(s, s.most)
	}
	if s.screened {
		s.readyScreen()
	}
	s.pool.Run(p.items, s)
	if s.screened {
		s.pool.Run(len(s.screen.rows), screenEnd{&s.screen})
	}
}

// screenEnd ends what workers have screened.
type screenEnd struct{ *screen }

// Do ends the work of one.
func (e screenEnd) Do(_, i int) { e.rows[i].end() }

// readyScreen makes the screen ready for a pass of the call under way.
func (s *Selector) readyScreen() {
	if !s.ready {
		s.screen.begin(s)
		s.ready = true
	}
	if !s.quantized {
		s.screen.prepare(s)
		s.quantized, s.prepared = true, s.preparation()
	}
	s.screen.gaveUp.Store(false)
}

// screens reports whether a pass is screened. Quantising the weights must be
// worth its time, and few of many latents must be kept.
func (s *Selector) screens(p pass) bool {
	switch {
	case s.Screen == ScreenOff, s.set.bytes == nil, s.rule.Boost != nil, p.groups > 0:
		return false
	case s.always:
		return true
	}
	return s.d >= 64 && s.n >= 1024 && s.d*s.n >= 1<<17 && s.b >= 32 && p.largest <= s.n/32
}

// Do scores the rows of one item and keeps what the pass keeps.
func (s *Selector) Do(worker, item int) {
	p := &s.pass
	lo, hi := p.begins(item), p.begins(item+1)
	c := s.scratch[worker]
	c.item = c.item[:0]
	for i := lo; i < hi; i++ {
		c.item = append(c.item, p.first+i*p.stride)
	}
	if s.screened {
		s.screen.rows[worker].run(c.item)
		return
	}
	c.score(s, c.item)
}

// latent is the number of the latent at a place of those looked at.
func (s *Selector) latent(place int32) int32 {
	if s.rule.Subset != nil {
		return s.rule.Subset[place]
	}
	return place
}

// gather lists the picks of all rows.
func (s *Selector) gather(dst *Support, B int) {
	dst.RowPtr = append(dst.RowPtr[:0], 0)
	dst.Index, dst.Score = dst.Index[:0], dst.Score[:0]
	for i := range B {
		p := &s.perRow[i]
		dst.Score = append(dst.Score, p.score...)
		dst.Index = append(dst.Index, p.index...)
		dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
	}
	if s.rule.Subset != nil {
		for i, place := range dst.Index {
			dst.Index[i] = s.rule.Subset[place]
		}
	}
}
