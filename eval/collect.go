package eval

import (
	"cmp"
	"slices"

	"github.com/saectl/saectl/data"
)

// A mark is one activation of a latent.
type mark struct {
	row   int64 // of the dump
	value float32
	order uint32 // random, of the row, for samples
}

// better ranks marks by size, then by the earlier row.
func better(a, b mark) int {
	if c := cmp.Compare(abs(float64(b.value)), abs(float64(a.value))); c != 0 {
		return c
	}
	return cmp.Compare(a.row, b.row)
}

// inOrder ranks marks at random.
func inOrder(a, b mark) int { return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.row, b.row)) }

// collector gathers, for the latents chosen, their largest activations and a
// random sample of all.
type collector struct {
	chosen []int
	slot   []int32 // [F] place in chosen, -1 for others
	top    []best[mark]
	sample []best[mark]
	active *codeRows

	pending []mark // [chosen] the best row of the document under way, with PerDocument; value 0 for none
	doc     int64
}

// Bounds on what Inspect keeps: marks in all samples together, and the most
// and fewest that one latent has.
const (
	sampleTotal = 1 << 21
	sampleMost  = 4096
	sampleLeast = 64
)

func newCollector(f int, chosen []int, o InspectOptions) *collector {
	c := &collector{chosen: chosen, slot: make([]int32, f), active: &codeRows{bare: o.Correlated <= 0}}
	for i := range c.slot {
		c.slot[i] = -1
	}
	keep := min(sampleMost, max(sampleLeast, sampleTotal/max(len(chosen), 1)))
	for i, latent := range chosen {
		c.slot[latent] = int32(i)
		c.top = append(c.top, best[mark]{n: o.Top, compare: better})
		c.sample = append(c.sample, best[mark]{n: keep, compare: inOrder})
	}
	if o.PerDocument {
		c.pending = make([]mark, len(chosen))
	}
	return c
}

// ordered are the same latents in another order.
func (c *collector) ordered(latents []int) *collector {
	c.flush()
	out := &collector{chosen: latents, slot: c.slot, active: c.active}
	for _, latent := range latents {
		out.top = append(out.top, c.top[c.slot[latent]])
		out.sample = append(out.sample, c.sample[c.slot[latent]])
	}
	return out
}

func (c *collector) add(s *Sample) {
	for i := range s.N {
		index, values := s.Codes.Row(i)
		row := s.rowNumber(i)
		m := mark{row: row, order: uint32(data.Bits(0, 0, uint64(row)))}
		if c.pending != nil && s.Doc != nil && s.Doc[i] != c.doc {
			c.flush()
			c.doc = s.Doc[i]
		}
		for e, f := range index {
			if values[e] == 0 || c.slot[f] < 0 {
				continue
			}
			m.value = values[e]
			c.keepTop(int(c.slot[f]), m, s.Doc != nil)
			c.sample[c.slot[f]].add(m)
		}
		c.active.add(m.order, index, values)
	}
}

// keepTop takes m as a row of large activation, or as the best so far of the
// document under way.
func (c *collector) keepTop(slot int, m mark, documents bool) {
	switch {
	case c.pending == nil || !documents:
		c.top[slot].add(m)
	case c.pending[slot].value == 0 || better(m, c.pending[slot]) < 0:
		c.pending[slot] = m
	}
}

// flush takes in the best rows of the document that has ended.
func (c *collector) flush() {
	for slot, m := range c.pending {
		if m.value != 0 {
			c.top[slot].add(m)
			c.pending[slot] = mark{}
		}
	}
}

// best keeps the n entries that compare ranks first.
type best[T any] struct {
	n       int
	compare func(a, b T) int
	heap    []T // the last of the kept ones on top
}

func (b *best[T]) add(m T) {
	if len(b.heap) < b.n {
		b.heap = append(b.heap, m)
		b.up(len(b.heap) - 1)
		return
	}
	if b.n > 0 && b.compare(m, b.heap[0]) < 0 {
		b.heap[0] = m
		b.down(0)
	}
}

func (b *best[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if b.compare(b.heap[i], b.heap[parent]) <= 0 {
			return
		}
		b.heap[i], b.heap[parent] = b.heap[parent], b.heap[i]
		i = parent
	}
}

func (b *best[T]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(b.heap) {
			return
		}
		if child+1 < len(b.heap) && b.compare(b.heap[child+1], b.heap[child]) > 0 {
			child++
		}
		if b.compare(b.heap[child], b.heap[i]) <= 0 {
			return
		}
		b.heap[i], b.heap[child] = b.heap[child], b.heap[i]
		i = child
	}
}

// sorted gives what was kept, first ranked first.
func (b *best[T]) sorted() []T {
	return slices.SortedFunc(slices.Values(b.heap), b.compare)
}
