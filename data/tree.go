package data

import (
	"fmt"
	"math"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// Tree are the settings of rows with a hierarchy of features, as in Costa et
// al. 2025, "From Flat to Hierarchical" (arXiv 2506.03093, appendix B.1) and
// the code of its authors (mpsae/MP-SAE). There are 20 features of width 20,
// numbered depth first: parents are 0, 4, 8 and 12 to 19, of which one is
// active in each row, and 1 to 3, 5 to 7 and 9 to 11 are children of the first
// three, one or none of which is active with its parent. A row is
//
//	x = Σ over the active features i of amplitude_i · feature_i
//
// with no noise. The zero value is not valid; start from DefaultTree.
type Tree struct {
	Rows        int64   `yaml:"rows" range:"[1,)" doc:"rows to write"`
	Seed        uint64  `yaml:"seed" doc:"seed of the dictionary and of the rows"`
	Correlation float64 `yaml:"correlation" range:"[0,1)" doc:"cosine between parents, and between children of one parent; a child is orthogonal to all others"`
	ParentMean  float64 `yaml:"parent_mean" doc:"mean amplitude of an active parent"`
	ParentStd   float64 `yaml:"parent_std" range:"[0,)" doc:"standard deviation of that amplitude, which is normal"`
	ChildMean   float64 `yaml:"child_mean" doc:"mean amplitude of an active child"`
	ChildStd    float64 `yaml:"child_std" range:"[0,)" doc:"standard deviation of that amplitude, which is normal"`
	Half        bool    `yaml:"half" doc:"store the rows in float16"`
}

// DefaultTree is the tree of the paper, with orthogonal features.
func DefaultTree() Tree {
	return Tree{Rows: 1_000_000, ParentMean: 1.5, ParentStd: 0.25, ChildMean: 1.5, ChildStd: 0.25}
}

// The shape of the tree.
const (
	TreeFeatures  = 20 // and the width of a row
	treeFamilies  = 3  // parents with children
	treeChildren  = 3  // of each
	treeAlone     = 8  // parents without
	familyChance  = 0.2
	aloneChance   = 0.05
	childChance   = 0.2
	treeStream    = 0x74726565 // "tree" in ASCII, a random stream of its own
	treeMostMixed = 0.999
)

// Validate names the first setting that cannot be met.
func (t Tree) Validate() error {
	for _, v := range []float64{t.ParentMean, t.ParentStd, t.ChildMean, t.ChildStd} {
		if math.IsNaN(v) || math.Abs(v) > 1e6 {
			return fmt.Errorf("synth tree: amplitudes of mean or deviation %v; give numbers below a million", v)
		}
	}
	switch {
	case t.Rows < 1:
		return fmt.Errorf("synth tree: rows is %d, want 1 or more", t.Rows)
	case !within(t.Correlation, 0, treeMostMixed):
		return fmt.Errorf("synth tree: correlation is %v; it lies from 0 to %v", t.Correlation, treeMostMixed)
	case t.ParentStd < 0 || t.ChildStd < 0:
		return fmt.Errorf("synth tree: parent_std and child_std must be 0 or more")
	}
	return nil
}

// treeParent is the parent of feature i, -1 for none.
func treeParent(i int) int {
	const family = 1 + treeChildren
	if i >= treeFamilies*family || i%family == 0 {
		return -1
	}
	return i - i%family
}

// treeParents lists the features without a parent.
func treeParents() (all []int) {
	for i := range TreeFeatures {
		if treeParent(i) < 0 {
			all = append(all, i)
		}
	}
	return all
}

// A TreeGenerator makes the rows of a Tree by number: row i is a function of
// the settings and i alone. It is read like a dump, and is safe for concurrent
// use.
type TreeGenerator struct {
	t          Tree
	dictionary []float32 // [TreeFeatures,TreeFeatures]
	parents    []int
	key        uint64
}

// NewTreeGenerator draws the dictionary: orthonormal rows; then each group, the
// parents and the children of each parent, is mixed until its members have the
// cosine asked for.
func NewTreeGenerator(t Tree) (*TreeGenerator, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	const d = TreeFeatures
	w := make([]float32, d*d)
	NormalFill(w, t.Seed, treeStream)
	for i := range d {
		orthogonalise(w[i*d:(i+1)*d], w[:i*d], d)
	}
	g := &TreeGenerator{t: t, parents: treeParents(), key: Bits(t.Seed, treeStream, 1<<32)}
	g.dictionary = append(g.dictionary, w...)
	g.mix(w, g.parents)
	for _, p := range g.parents[:treeFamilies] {
		g.mix(w, []int{p + 1, p + 2, p + 3})
	}
	return g, nil
}

// mix makes the members of a group sums of the orthonormal rows w:
// q_i becomes (1-e)·q_i + e/(n-1)·Σ q_j over the others, brought to norm 1.
func (g *TreeGenerator) mix(w []float32, group []int) {
	const d = TreeFeatures
	e, others := treeShare(g.t.Correlation, len(group)), float64(len(group)-1)
	for _, i := range group {
		row := g.dictionary[i*d : (i+1)*d]
		clear(row)
		for _, j := range group {
			c := e / others
			if j == i {
				c = 1 - e
			}
			kernel.Axpy(row, float32(c), w[j*d:(j+1)*d])
		}
		normalise(row)
	}
}

// treeShare is the share e of the others at which members of a group of n have
// the given cosine, (2ab + (n-2)b²)/(a² + (n-1)b²) with a = 1-e, b = e/(n-1).
func treeShare(cosine float64, n int) float64 {
	others := float64(n - 1)
	lo, hi := 0.0, others/float64(n) // where all are the same
	for range 100 {
		e := (lo + hi) / 2
		a, b := 1-e, e/others
		if (2*a*b+(others-1)*b*b)/(a*a+others*b*b) < cosine {
			lo = e
		} else {
			hi = e
		}
	}
	return lo
}

// Dictionary is the true features [20,20], rows of norm 1. It is the
// generator's own.
func (g *TreeGenerator) Dictionary() []float32 { return g.dictionary }

// Name says what the rows are, for messages.
func (g *TreeGenerator) Name() string {
	return fmt.Sprintf("rows of a tree (correlation %g, seed %d)", g.t.Correlation, g.t.Seed)
}

// Rows is the number of rows.
func (g *TreeGenerator) Rows() int64 { return g.t.Rows }

// D is the width of a row.
func (g *TreeGenerator) D() int { return TreeFeatures }

// Read makes the named rows, in that order. The label of a row is its active
// parent, counted among parents.
func (g *TreeGenerator) Read(b *activations.Batch, rows []int64, cols activations.Columns) error {
	if err := checkRows(g, rows); err != nil {
		return err
	}
	n, d, keep := len(rows), TreeFeatures, *b
	*b = activations.Batch{N: n, D: d, X: reuse.Slice(keep.X, n*d), Row: append(keep.Row[:0], rows...)}
	if cols&activations.Label != 0 {
		b.Label = reuse.Slice(keep.Label, n)
	}
	for i, row := range rows {
		c := g.Code(row)
		x := b.X[i*d : (i+1)*d]
		clear(x)
		for e, f := range c.Feature {
			kernel.Axpy(x, c.Value[e], g.dictionary[int(f)*d:(int(f)+1)*d])
		}
		if b.Label != nil {
			b.Label[i] = c.Topic
		}
	}
	return nil
}

// Code is what a row is made of: its parent, whose number among parents is the
// topic, and perhaps a child.
func (g *TreeGenerator) Code(row int64) Code {
	d := draws{key: g.key, row: uint64(row)}
	u, c := d.uniform(), Code{}
	if u < treeFamilies*familyChance {
		c.Topic = min(int32(u/familyChance), treeFamilies-1)
	} else {
		alone := int32((u - treeFamilies*familyChance) / aloneChance)
		c.Topic = treeFamilies + min(alone, treeAlone-1)
	}
	parent := int32(g.parents[c.Topic])
	c.Feature, c.Value = []int32{parent}, []float32{float32(g.t.ParentMean + g.t.ParentStd*d.normal())}
	if c.Topic >= treeFamilies {
		return c
	}
	if child := int32(d.uniform() / childChance); child < treeChildren {
		c.Feature = append(c.Feature, parent+1+child)
		c.Value = append(c.Value, float32(g.t.ChildMean+g.t.ChildStd*d.normal()))
	}
	return c
}
