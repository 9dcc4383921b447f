package eval

import "slices"

// codeRows are codes in rows, with a random order of the rows. When they hold
// more than maxCodes entries, a random half of the rows goes, and so on.
type codeRows struct {
	order []uint32
	start []int32 // [rows+1]
	index []int32
	value []float32 // of each, nil of bare ones
	mask  uint32    // a row is kept when order&mask == 0

	bare bool // keep no values
}

const maxCodes = 1 << 22

func (c *codeRows) add(order uint32, index []int32, value []float32) {
	if len(c.start) == 0 {
		c.start = append(c.start, 0)
	}
	if order&c.mask != 0 {
		return
	}
	for e, f := range index {
		if value[e] == 0 {
			continue
		}
		c.index = append(c.index, f)
		if !c.bare {
			c.value = append(c.value, value[e])
		}
	}
	c.order, c.start = append(c.order, order), append(c.start, int32(len(c.index)))
	for len(c.index) > maxCodes && len(c.order) > 1 {
		c.halve()
	}
}

// halve drops the rows that the next bit of their order names.
func (c *codeRows) halve() {
	c.mask = c.mask<<1 | 1
	rows, at := 0, int32(0)
	for i, order := range c.order {
		lo, hi := c.start[i], c.start[i+1]
		if order&c.mask != 0 {
			continue
		}
		c.order[rows], c.start[rows] = order, at
		if !c.bare {
			copy(c.value[at:], c.value[lo:hi])
		}
		at += int32(copy(c.index[at:], c.index[lo:hi]))
		rows++
	}
	c.start[rows] = at
	c.order, c.start, c.index = c.order[:rows], c.start[:rows+1], c.index[:at]
	if !c.bare {
		c.value = c.value[:at]
	}
}

// rows is how many rows were kept.
func (c *codeRows) rows() int { return len(c.order) }

func (c *codeRows) latents(i int) []int32 { return c.index[c.start[i]:c.start[i+1]] }

// row is row i, of codes that are not bare.
func (c *codeRows) row(i int) ([]int32, []float32) {
	return c.latents(i), c.value[c.start[i]:c.start[i+1]]
}

// drawn are the rows in random order.
func (c *codeRows) drawn() []int { return ascending(c.order) }

// byLatent lists for each latent the rows on which it is active.
type byLatent struct {
	start []int32 // [F+1]
	row   []int32
	value []float32 // nil of bare codes
}

func (c *codeRows) byLatent(f int) byLatent {
	b := byLatent{start: make([]int32, f+1), row: make([]int32, len(c.index)), value: make([]float32, len(c.value))}
	for _, latent := range c.index {
		b.start[latent+1]++
	}
	for i := range f {
		b.start[i+1] += b.start[i]
	}
	next := slices.Clone(b.start)
	for row := range c.rows() {
		for e := c.start[row]; e < c.start[row+1]; e++ {
			at := &next[c.index[e]]
			b.row[*at] = int32(row)
			if !c.bare {
				b.value[*at] = c.value[e]
			}
			*at++
		}
	}
	return b
}
