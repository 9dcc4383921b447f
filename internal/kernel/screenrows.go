package kernel

import (
	"math"
	"slices"

	"github.com/saectl/saectl/internal/reuse"
)

// screenRows is what one worker screens the rows of an item with.
type screenRows struct {
	z *screen
	*bank
	staged []byte     // rows to be packed, [rows,depth,4]
	panels []byte     // [panels,depth,tileRows,4]
	acc    []int32    // [tileRows,tileCols]
	parts  []float32  // [rowParts,tileRows] of the panel under way
	lists  []*float32 // [tileRows,3] where its rows' picks begin
	count  []int      // [tileRows] and how many they are
	keep   uint32     // the bits of an estimate that rank it

	guessed float32  // part of a margin that raise takes off
	plain   bool     // keys are scores
	usual   usual    // bounds of rows
	finish  finisher // of the rows of the item before
	exact   *scratch // for rows that are not screened
	open    []int    // rows of all items that screening does not decide

	decided, scored int // rows, and what was scored for them, of the last begin on
}

// A bank is the rows of an item.
type bank struct {
	number []int       // of the rows
	rows   []screenRow // their states
	picks  []picks     // [rows] latents that are not excluded: key is the estimate, score its reach
}

// A screenRow is the state of one row.
type screenRow struct {
	size  float32 // its norm
	scale float32 // of its bytes
	whole float32 // times bounds.lost
	lost  float32 // times bounds.size
	above float32 // keys at or below are not kept
	least float32 // the K-th largest estimate is no smaller
	full  int     // picks to thin at
	wild  bool    // it has no estimates
}

// margin is how far an estimate may be from the key.
func (r *screenRow) margin(b bounds) float32 { return r.whole*b.lost + r.lost*b.size + b.rest }

// openRows are so many rows that screening leaves undecided that they are scored.
const openRows = 48

func (c *screenRows) reserve(z *screen, exact *scratch) {
	c.z, c.exact, c.decided, c.scored = z, exact, 0, 0
	s := z.sel
	c.staged = reuse.Slice(c.staged, max(screenItem, s.set.tileCols)*z.depth*4)
	c.panels = reuse.Slice(c.panels, roundUp(screenItem, s.set.tileRows)*z.depth*4)
	c.acc = reuse.Slice(c.acc, s.set.tileRows*s.set.tileCols)
	c.parts, c.lists, c.count = reuse.Slice(c.parts, rowParts*s.set.tileRows), reuse.Slice(c.lists, 3*s.set.tileRows), reuse.Slice(c.count, s.set.tileRows)
	c.keep, c.plain = s.rule.bits(), s.rule.plain()
	c.guessed = float32(min(1, guessSigmas/math.Sqrt(float64(s.d))/z.trust))
	if c.bank == nil {
		c.bank, c.finish = &bank{}, finisher{c: c, bank: &bank{}}
	}
	for _, b := range []*bank{c.bank, c.finish.bank} {
		b.reserve(max(8*groupCols, 2*spare(s.pass.largest)))
	}
	c.finish.begin(c.finish.bank)
	if s.pass.largest > 0 {
		c.usual.reset(s.pass.largest, s.n, s.d)
	}
	c.open = c.open[:0]
}

// reserve makes room for an item's rows and so many latents of each.
func (b *bank) reserve(latents int) {
	b.number = b.number[:0]
	for len(b.rows) < screenItem {
		b.rows, b.picks = append(b.rows, screenRow{}), append(b.picks, picks{})
	}
	for i := range b.picks {
		b.picks[i].reset()
		b.picks[i].reserve(latents)
	}
}

// run screens rows of the given numbers. What they keep is left when the next
// are screened, or by end.
func (c *screenRows) run(number []int) {
	c.number = append(c.number[:0], number...)
	if c.z.gaveUp.Load() || !c.screen() {
		c.z.gaveUp.Store(true)
		c.open = append(c.open, number...)
		c.score(c.z.sel.most)
		return
	}
	c.finish.all()
	filled := c.bank
	c.bank = c.finish.bank
	c.finish.begin(filled)
}

// end leaves what the rows keep that are not done. Those of all items that
// screening does not decide read all weights, so they do it together.
func (c *screenRows) end() {
	c.finish.all()
	c.finish.number = c.finish.number[:0]
	c.finish.begin(c.finish.bank)
	c.finish.turns, c.finish.none = [2][besideRows]*float32{}, [besideRows]*float32{}
	c.score(1)
}

// score scores the rows that screening does not decide, while there are so many:
// each time all weights are read.
func (c *screenRows) score(least int) {
	for len(c.open) >= least {
		n := len(c.open) - min(len(c.open), c.z.sel.most)
		c.exact.score(c.z.sel, c.open[n:])
		c.open = c.open[:n]
	}
}

// crowded is when screening has no point: a row has so many of n latents left.
func crowded(n int) int { return n / 8 }

// sampleStride is how many groups a sample stands for: every so manyth is
// screened first, and what it finds sets the bound for the others.
const sampleStride = 8

// screen goes through all latents and gives up where too few are excluded.
func (c *screenRows) screen() bool {
	n := c.z.sel.n
	c.quantize()
	sampling := c.z.sel.pass.largest > 0
	if sampling {
		c.sample()
	}
	for first := 0; first < n; first += groupCols {
		if sampling && first/groupCols%sampleStride == 0 {
			continue
		}
		c.group(first)
		if c.left() > crowded(n)*len(c.number) {
			return false
		}
	}
	return true
}

// sample goes through the groups that come first and sets the bounds for the
// others.
func (c *screenRows) sample() {
	s, sampled := c.z.sel, 0
	for first := 0; first < s.n; first += sampleStride * groupCols {
		sampled += min(groupCols, s.n-first)
		c.group(first)
		if first == 0 {
			c.guess(sampled)
		}
	}
	c.guess(sampled)
	for i := range c.number {
		c.rows[i].full = max(spare(s.pass.largest), c.picks[i].len()*3/2)
	}
}

// left is how many latents are not excluded, of all rows together.
func (c *screenRows) left() (n int) {
	for i := range c.number {
		n += c.picks[i].len()
	}
	return n
}

// group estimates a group of latents for all rows of the item, and keeps those
// that may reach their bounds.
func (c *screenRows) group(first int) {
	z, set, rows := c.z, c.z.sel.set, len(c.number)
	size := z.depth * 4
	for row := 0; row < rows; row += set.tileRows {
		c.panel(first, row, rows)
		for col := first; col < min(first+groupCols, z.sel.n); col += set.tileCols {
			c.finish.tile(c.panels[row*size:], z.panels[col*size:], z.start[col:], c.acc)
			columns := ^uint32(0) >> max(0, col+set.tileCols-z.sel.n)
			z.kernel.screen(c.acc, z.latents[col*latentParts:], int32(col), columns, c.keep, c.parts, c.lists, c.count)
		}
		c.settle(row, rows)
	}
}

// panel says what the estimates of a panel of rows must exceed, by the largest
// margin of the group's latents, and where those that do are kept.
func (c *screenRows) panel(first, row, rows int) {
	widest, n := c.z.widest[first/groupCols], len(c.count)
	scale, above, whole, less, must := c.parts[:n], c.parts[n:2*n], c.parts[2*n:3*n], c.parts[3*n:4*n], c.parts[4*n:5*n]
	for i := range n {
		scale[i], above[i] = 0, float32(math.Inf(1)) // nothing
		if row+i >= rows || c.rows[row+i].wild {
			continue
		}
		r, p := &c.rows[row+i], &c.picks[row+i]
		scale[i], whole[i], less[i], must[i] = r.scale, r.whole, r.lost, r.above
		above[i] = r.above - r.margin(widest) - 4*unit*r.above
		p.reserve(groupCols + block)
		c.count[i] = p.len()
		c.lists[3*i], c.lists[3*i+1], c.lists[3*i+2] = p.begins()
	}
}

// settle ends the work on a panel: rows that have many picks are thinned.
func (c *screenRows) settle(row, rows int) {
	k := c.z.sel.pass.largest
	for i := range min(len(c.count), rows-row) {
		r, p := &c.rows[row+i], &c.picks[row+i]
		if r.wild {
			continue
		}
		p.cut(c.count[i])
		if k > 0 && p.len() >= r.full {
			r.least = c.raise(r, p, k)
			r.full = max(r.full, p.len()+p.len()/2)
		}
	}
}

// guess sets the rows' bounds from a sample of their latents: there are about
// K·sampled/n of a row's picks among them, hardly ever as many as the rank
// taken.
func (c *screenRows) guess(sampled int) {
	s := c.z.sel
	share := float64(s.pass.largest) * float64(sampled) / float64(s.n)
	rank := int(share + rankSigmas*math.Sqrt(share) + 2)
	for i := range c.number {
		if p := &c.picks[i]; rank < s.pass.largest && raiseFrom*rank < p.len() {
			c.raise(&c.rows[i], p, rank)
		}
	}
}

// raiseFrom is how many times its rank a guess's list must be long to be worth
// its time.
const raiseFrom = 3

// rankSigmas is how far from its mean the number of picks in a sample may be,
// in standard deviations.
const rankSigmas = 4.5

// quantize packs the rows of the item.
func (c *screenRows) quantize() {
	z, s := c.z, c.z.sel
	size := z.depth * 4
	for i, row := range c.number {
		q := z.quantize(c.staged[i*size:(i+1)*size], s.x[row*s.d:(row+1)*s.d], 128)
		above := s.pass.floor
		if s.pass.largest > 0 {
			above = max(above, c.usual.low()*float32(q.size))
		}
		c.rows[i] = screenRow{
			size: float32(q.size), scale: float32(q.scale), wild: q.wild || q.size == 0,
			whole: float32(q.whole * slack * z.trust),
			lost:  float32((q.lost*z.trust + rounding(s.d)*q.size) * slack),
			above: above, least: float32(math.Inf(-1)), full: math.MaxInt,
		}
		c.picks[i].reset()
	}
	for row := 0; row < len(c.number); row += s.set.tileRows {
		n := min(s.set.tileRows, len(c.number)-row)
		s.set.packBytes(c.panels[row*size:(row+s.set.tileRows)*size], c.staged[row*size:], n, z.depth, s.set.tileRows)
	}
}

// raise takes about the K-th largest estimate, which it returns, less a part of
// its margin, as a guess at the bound that the row's picks must exceed. finish
// checks it.
func (c *screenRows) raise(row *screenRow, p *picks, k int) float32 {
	kth := c.z.kernel.kthFrom(p.key, k, row.least, roughly)
	at := slices.IndexFunc(p.key, func(key float32) bool { return key >= kth })
	row.above = max(row.above, kth-(p.score[at]-p.key[at])*c.guessed)
	p.cut(c.z.kernel.thin(p.key, p.score, p.index, row.above))
	return kth
}

// guessSigmas is how sure the guess of raise is, in standard deviations of an
// estimate's error.
const guessSigmas = 4
