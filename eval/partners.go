package eval

import (
	"cmp"
	"slices"
)

// activeRows keeps which latents are active on a row, for counting which fire
// together. When the rows hold more than maxActive latents in all, it goes on
// with a random half of them, and so on.
type activeRows struct {
	order []uint32
	start []int32 // [rows+1]
	index []int32
	value []float32 // of each, nil unless they are asked for
	mask  uint32    // a row is kept when order&mask == 0

	valued bool // keep values
}

const maxActive = 1 << 22

func (a *activeRows) add(order uint32, index []int32, values []float32) {
	if len(a.start) == 0 {
		a.start = append(a.start, 0)
	}
	if order&a.mask != 0 {
		return
	}
	for e, f := range index {
		if values[e] != 0 {
			a.index = append(a.index, f)
			if a.valued {
				a.value = append(a.value, values[e])
			}
		}
	}
	a.order, a.start = append(a.order, order), append(a.start, int32(len(a.index)))
	for len(a.index) > maxActive && len(a.order) > 1 {
		a.halve()
	}
}

// halve drops the rows that the next bit of their order names.
func (a *activeRows) halve() {
	a.mask = a.mask<<1 | 1
	rows, at := 0, int32(0)
	for i, order := range a.order {
		lo, hi := a.start[i], a.start[i+1]
		if order&a.mask != 0 {
			continue
		}
		a.order[rows] = order
		a.start[rows] = at
		if a.valued {
			copy(a.value[at:], a.value[lo:hi])
		}
		at += int32(copy(a.index[at:], a.index[lo:hi]))
		rows++
	}
	a.start[rows] = at
	a.order, a.start, a.index = a.order[:rows], a.start[:rows+1], a.index[:at]
	if a.valued {
		a.value = a.value[:at]
	}
}

// rows is how many rows were kept.
func (a *activeRows) rows() int { return len(a.order) }

// A Partner is a latent that fires along with another.
type Partner struct {
	Latent  int     `json:"latent"`
	Share   float64 `json:"share"`   // of the other's rows on which this one fires too
	Jaccard float64 `json:"jaccard"` // rows with both / rows with either
}

// byLatent lists for each latent the kept rows on which it fires.
type byLatent struct {
	start []int32 // [F+1]
	row   []int32
}

func (a *activeRows) byLatent(f int) byLatent {
	b := byLatent{start: make([]int32, f+1), row: make([]int32, len(a.index))}
	for _, latent := range a.index {
		b.start[latent+1]++
	}
	for i := range f {
		b.start[i+1] += b.start[i]
	}
	next := slices.Clone(b.start)
	for row := range a.rows() {
		for _, latent := range a.index[a.start[row]:a.start[row+1]] {
			b.row[next[latent]] = int32(row)
			next[latent]++
		}
	}
	return b
}

// partners are the n latents that fire along with latent f most, by Jaccard
// index. together [F] is scratch of zeros and is left so.
func (a *activeRows) partners(b byLatent, f, n int, together []int32) []Partner {
	own := b.row[b.start[f]:b.start[f+1]]
	var met []int
	for _, row := range own {
		for _, other := range a.index[a.start[row]:a.start[row+1]] {
			if together[other] == 0 {
				met = append(met, int(other))
			}
			together[other]++
		}
	}
	list := make([]Partner, 0, len(met))
	for _, other := range met {
		both := float64(together[other])
		together[other] = 0
		if other == f {
			continue
		}
		either := float64(len(own)) + float64(b.start[other+1]-b.start[other]) - both
		list = append(list, Partner{Latent: other, Share: both / float64(len(own)), Jaccard: both / either})
	}
	slices.SortFunc(list, func(x, y Partner) int {
		return cmp.Or(cmp.Compare(y.Jaccard, x.Jaccard), cmp.Compare(x.Latent, y.Latent))
	})
	return slices.Clone(list[:min(n, len(list))])
}
