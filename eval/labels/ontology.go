package labels

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/data"
)

// ontologyRows are how many rows of largest activation of a latent are looked
// at; latents that fire on fewer are left out.
const ontologyRows = 16

// tolerant is the share of those rows that a node must cover when a few strays
// are forgiven.
const tolerant = 0.8

// An Ontology is how latents follow a hierarchy.
type Ontology struct {
	Latents int             `json:"latents"` // that fire on 16 rows or more
	Found   OntologyFigures `json:"found"`
	Chance  OntologyFigures `json:"chance"` // of as many random sets of 16 rows
	Heights []OntologyCount `json:"heights"`
	Of      []OntologyNode  `json:"of"` // latents, by number
}

// OntologyFigures are means over latents, or over random sets.
type OntologyFigures struct {
	Height         float64 `json:"lch_height_mean"`
	MedianHeight   float64 `json:"lch_height_median"`
	TolerantHeight float64 `json:"tolerant_height_mean"`
	Coverage       float64 `json:"coverage"`
	Depth          float64 `json:"ancestor_depth_mean"`
}

// An OntologyCount is how many latents and random sets have their lowest
// common hypernym at a height.
type OntologyCount struct {
	Height int `json:"height"`
	Found  int `json:"latents"`
	Chance int `json:"chance"`
}

// An OntologyNode is where a latent stands.
type OntologyNode struct {
	Latent   int    `json:"latent"`
	LCH      string `json:"lch"`
	Height   int    `json:"height"`
	Tolerant string `json:"tolerant"`
	Depth    int    `json:"ancestor_depth"` // rounded mean over pairs of rows
}

// NewOntology looks at the rows of largest activation of each latent. Rows
// without a class are left out.
func NewOntology(h *Hierarchy, s *Set) (*Ontology, error) {
	top := topRows(s)
	o := &Ontology{Of: []OntologyNode{}, Heights: []OntologyCount{}}
	var places []place
	for latent, list := range top {
		if len(list) < ontologyRows {
			continue
		}
		classes := make([]int, len(list))
		for i, row := range list {
			if classes[i] = s.Class[row]; classes[i] >= len(h.node) {
				return nil, fmt.Errorf("a row is of class %d, and the classes of the hierarchy are 0 to %d", classes[i], len(h.node)-1)
			}
		}
		p := h.place(classes)
		places = append(places, p)
		o.Of = append(o.Of, OntologyNode{latent, h.label(p.lch), h.Height(p.lch), h.label(p.loose), int(p.depth)})
	}
	if len(places) == 0 {
		return nil, fmt.Errorf("no latent fires on %d labelled rows, so that none can be placed in the hierarchy", ontologyRows)
	}
	var random []place
	for _, classes := range randomSets(s.Class, len(places)) {
		random = append(random, h.place(classes))
	}
	o.Latents = len(places)
	var found, chance []int
	o.Found, found = h.figures(places)
	o.Chance, chance = h.figures(random)
	for height := range h.height[h.root] + 1 {
		o.Heights = append(o.Heights, OntologyCount{height, count(found, height), count(chance, height)})
	}
	return o, nil
}

func (h *Hierarchy) label(node int) string {
	if h.Names[node] == "" {
		return "(root)"
	}
	return h.Names[node]
}

func count(list []int, v int) int {
	n := 0
	for _, x := range list {
		if x == v {
			n++
		}
	}
	return n
}

// A place is where a set of classes stands: its lowest node, that of the
// tolerant share of it, and its rounded mean depth over pairs.
type place struct {
	lch, loose int
	depth      float64
}

func (h *Hierarchy) place(classes []int) place {
	return place{h.Lowest(classes, 1), h.Lowest(classes, tolerant), math.Round(h.PairDepth(classes))}
}

// figures are means over sets of classes, and the height of each set.
func (h *Hierarchy) figures(sets []place) (f OntologyFigures, heights []int) {
	n := float64(len(sets))
	var nodes []int
	for _, at := range sets {
		nodes, heights = append(nodes, at.lch), append(heights, h.Height(at.lch))
		f.Height += float64(h.Height(at.lch)) / n
		f.TolerantHeight += float64(h.Height(at.loose)) / n
		f.Depth += at.depth / n
	}
	sorted := slices.Sorted(slices.Values(heights))
	f.MedianHeight = float64(sorted[(len(sorted)-1)/2]+sorted[len(sorted)/2]) / 2
	f.Coverage = h.Coverage(nodes)
	return f, heights
}

// topRows are, for each latent, its rows of largest positive activation, ties
// to the earlier row.
func topRows(s *Set) [][]int {
	type mark struct {
		row   int
		value float32
	}
	marks := make([][]mark, s.Codes.P)
	for i := range s.Len() {
		if s.Class[i] < 0 {
			continue
		}
		index, value := s.Codes.Row(i)
		for e, f := range index {
			if value[e] > 0 {
				marks[f] = append(marks[f], mark{i, value[e]})
			}
		}
	}
	top := make([][]int, len(marks))
	for f, list := range marks {
		slices.SortStableFunc(list, func(a, b mark) int { return cmp.Compare(b.value, a.value) })
		for _, m := range list[:min(ontologyRows, len(list))] {
			top[f] = append(top[f], m.row)
		}
	}
	return top
}

// randomSets are classes of rows drawn without replacement.
func randomSets(class []int, n int) [][]int {
	var labelled []int
	for _, c := range class {
		if c >= 0 {
			labelled = append(labelled, c)
		}
	}
	sets := make([][]int, n)
	for i := range sets {
		left := slices.Clone(labelled)
		for k := range ontologyRows {
			at := k + int(data.Uniform(uint64(i), ontologyStream, uint64(k))*float64(len(left)-k))
			left[k], left[at] = left[at], left[k]
		}
		sets[i] = left[:ontologyRows:ontologyRows]
	}
	return sets
}

const ontologyStream = 0x6f6e746f // "onto" in ASCII
