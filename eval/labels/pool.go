package labels

import (
	"fmt"
	"slices"
)

// The ways to make one row of the rows of a document, such as the patches of an
// image.
const (
	PoolMean  = "mean"
	PoolMax   = "max"   // of each latent and of each value
	PoolFirst = "first" // the class token, where it comes first
)

// A Pool gathers the rows of a document and adds their pooled row to a set.
type Pool struct {
	kind string
	to   *Set

	open   bool
	doc    int64
	rows   int
	class  int
	codes  map[int32]float64
	raw    []float64
	missed float64
	size   float64
	lefts  map[int32]int // rows in which each latent stands
}

// NewPool pools into a set by PoolMean, PoolMax or PoolFirst.
func NewPool(to *Set, kind string) (*Pool, error) {
	if kind != PoolMean && kind != PoolMax && kind != PoolFirst {
		return nil, fmt.Errorf("rows of an image are pooled by %q; give %s, %s or %s", kind, PoolMean, PoolMax, PoolFirst)
	}
	return &Pool{kind: kind, to: to}, nil
}

// Add takes in a row of a document; all its rows come together and are of one
// class.
func (p *Pool) Add(doc int64, index []int32, value, x []float32, class int, missed, size float64) error {
	if p.open && p.doc != doc {
		p.Close()
	}
	if !p.open {
		p.open, p.doc, p.rows, p.class = true, doc, 0, class
		p.codes, p.lefts, p.raw = map[int32]float64{}, map[int32]int{}, make([]float64, len(x))
		p.missed, p.size = 0, 0
	}
	if class != p.class {
		return fmt.Errorf("document %d has rows of class %d and of class %d; rows that are pooled need one label", doc, p.class, class)
	}
	if p.rows > 0 && p.kind == PoolFirst {
		return nil
	}
	for e, f := range index {
		v := float64(value[e])
		if p.kind == PoolMax {
			if p.lefts[f] > 0 {
				v = max(v, p.codes[f])
			}
			p.codes[f] = v
		} else {
			p.codes[f] += v
		}
		p.lefts[f]++
	}
	for j, v := range x {
		if p.kind == PoolMax && p.rows > 0 {
			p.raw[j] = max(p.raw[j], float64(v))
		} else {
			p.raw[j] += float64(v)
		}
	}
	p.missed, p.size = p.missed+missed, p.size+size
	p.rows++
	return nil
}

// Close adds the document that has ended.
func (p *Pool) Close() {
	if !p.open {
		return
	}
	p.open = false
	by := float64(p.rows)
	divisor := by
	if p.kind == PoolMax {
		divisor = 1
	}
	var index []int32
	for f, v := range p.codes {
		if p.kind == PoolMax && p.lefts[f] < p.rows {
			v = max(v, 0) // a row without the latent has 0
		}
		p.codes[f] = v
		if v != 0 {
			index = append(index, f)
		}
	}
	slices.Sort(index)
	value, x := make([]float32, len(index)), make([]float32, len(p.raw))
	for e, f := range index {
		value[e] = float32(p.codes[f] / divisor)
	}
	for j, v := range p.raw {
		x[j] = float32(v / divisor)
	}
	p.to.Add(index, value, x, p.class, p.missed/by, p.size/by)
}
