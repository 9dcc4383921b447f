package data

import (
	"fmt"
	"math"
	"sync"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// A Generator makes the rows of a Planted by number: row i is a function of
// the settings and i alone. It is read like a dump, and is safe for concurrent
// use.
type Generator struct {
	p          Planted
	dictionary []float32 // [F,D]
	noise      float64   // standard deviation of each number
	all        urn
	groups     []urn
	codesKey   uint64
	noiseKey   uint64
	codes      sync.Pool // of *Code
}

// A Code is what a row is made of.
type Code struct {
	Topic   int32     // the row's topic, -1 without groups
	Feature []int32   // [k] active features, in the order drawn
	Value   []float32 // [k] their coefficients
	active  []bool    // [F]
}

// NewGenerator draws the dictionary.
func NewGenerator(p Planted) (*Generator, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	w, err := dictionary(p)
	if err != nil {
		return nil, err
	}
	g := &Generator{p: p, dictionary: w, groups: make([]urn, p.Groups)}
	g.codesKey, g.noiseKey = Bits(p.Seed, streamCodes, 0), Bits(p.Seed, streamNoise, 0)
	g.codes.New = func() any { return new(Code) }
	for i := range p.Latents {
		weight := math.Pow(float64(i+1), -p.Exponent)
		g.all.add(i, weight)
		if p.Groups > 0 {
			g.groups[p.group(i)].add(i, weight)
		}
	}
	g.all.seal()
	for i := range g.groups {
		g.groups[i].seal()
	}
	g.noise = p.Noise * g.cleanRMS()
	return g, nil
}

// noiseRows is how many rows the noise is measured against.
const noiseRows = 2048

// cleanRMS is the root mean square of the numbers of the first rows without
// noise.
func (g *Generator) cleanRMS() float64 {
	if g.p.Noise == 0 {
		return 0
	}
	n := min(g.p.Rows, noiseRows)
	x, c, sum := make([]float32, g.p.D), new(Code), 0.0
	for i := range n {
		g.Codes(i, c)
		g.mix(x, c)
		sum += kernel.SumSquares(x)
	}
	return math.Sqrt(sum / float64(n) / float64(g.p.D))
}

// Dictionary is the true features [F,D], rows of norm 1. It is the
// generator's own.
func (g *Generator) Dictionary() []float32 { return g.dictionary }

// Name says what the rows are, for messages.
func (g *Generator) Name() string {
	return fmt.Sprintf("synthetic rows (d %d, %d features, seed %d)", g.p.D, g.p.Latents, g.p.Seed)
}

// Rows is the number of rows.
func (g *Generator) Rows() int64 { return g.p.Rows }

// D is the width of a row.
func (g *Generator) D() int { return g.p.D }

// Read makes the named rows, in that order, on all processors. Documents and
// positions are filled in when asked for, and labels where there are groups.
func (g *Generator) Read(b *activations.Batch, rows []int64, cols activations.Columns) error {
	if err := checkRows(g, rows); err != nil {
		return err
	}
	n, d := len(rows), g.p.D
	keep := *b
	*b = activations.Batch{N: n, D: d, X: reuse.Slice(keep.X, n*d), Row: append(keep.Row[:0], rows...)}
	if cols&activations.DocPos != 0 {
		b.Doc, b.Pos = reuse.Slice(keep.Doc, n), reuse.Slice(keep.Pos, n)
	}
	if cols&activations.Label != 0 && g.p.Groups > 0 {
		b.Label = reuse.Slice(keep.Label, n)
	}
	parallel(n, func(i int) { g.fill(b, i) })
	return nil
}

// checkRows names the first of the rows that d does not have.
func checkRows(d rowReader, rows []int64) error {
	for _, row := range rows {
		if row < 0 || row >= d.Rows() {
			return fmt.Errorf("%s: row %d does not exist, there are %d", d.Name(), row, d.Rows())
		}
	}
	return nil
}

// fill makes row i of a batch.
func (g *Generator) fill(b *activations.Batch, i int) {
	c := g.codes.Get().(*Code)
	row := b.Row[i]
	g.Codes(row, c)
	x := b.X[i*b.D : (i+1)*b.D]
	g.mix(x, c)
	g.addNoise(x, row)
	if b.Doc != nil {
		b.Doc[i], b.Pos[i] = row/int64(g.p.DocRows), int32(row%int64(g.p.DocRows))
	}
	if b.Label != nil {
		b.Label[i] = c.Topic
	}
	g.codes.Put(c)
}

// mix adds the active features up.
func (g *Generator) mix(x []float32, c *Code) {
	clear(x)
	d := len(x)
	for e, f := range c.Feature {
		kernel.Axpy(x, c.Value[e], g.dictionary[int(f)*d:(int(f)+1)*d])
	}
}

func (g *Generator) addNoise(x []float32, row int64) {
	if g.noise == 0 {
		return
	}
	var z [64]float32
	for at := 0; at < len(x); at += len(z) {
		part := z[:min(len(z), len(x)-at)]
		NormalFillFrom(part, g.noiseKey, uint64(row), uint64(at))
		kernel.Axpy(x[at:at+len(part)], float32(g.noise), part)
	}
}

// Codes sets c to the true code of a row; c is reused.
func (g *Generator) Codes(row int64, c *Code) {
	d := draws{key: g.codesKey, row: uint64(row)}
	c.Topic = -1
	if g.p.Groups > 0 {
		doc := uint64(row / int64(g.p.DocRows))
		c.Topic = int32(Uniform(g.p.Seed, streamTopic, doc) * float64(g.p.Groups))
	}
	c.Feature, c.Value = c.Feature[:0], c.Value[:0]
	if len(c.active) != g.p.Latents {
		c.active = make([]bool, g.p.Latents)
	}
	n := g.p.Active
	if g.p.Counts == "uniform" {
		n = 1 + int(d.uniform()*float64(g.p.maxActive()))
	}
	for len(c.Feature) < n {
		g.activate(c, g.draw(&d, c), n)
	}
	for _, f := range c.Feature {
		c.Value = append(c.Value, g.coefficient(&d))
		c.active[f] = false
	}
}

// draw takes one more feature, from the row's topic or from all.
func (g *Generator) draw(d *draws, c *Code) int32 {
	if c.Topic >= 0 && d.uniform() < g.p.GroupShare {
		if f := g.groups[c.Topic].draw(d, c.active); f >= 0 {
			return f
		}
	}
	return g.all.draw(d, c.active)
}

// activate adds a feature, its parent before it. Where only one place of n is
// left the parent takes it.
func (g *Generator) activate(c *Code, f int32, n int) {
	if up := int32(g.p.parent(int(f))); up >= 0 && !c.active[up] {
		c.Feature, c.active[up] = append(c.Feature, up), true
		if len(c.Feature) == n {
			return
		}
	}
	c.Feature, c.active[f] = append(c.Feature, f), true
}

// coefficient has mean 1.
func (g *Generator) coefficient(d *draws) float32 {
	switch g.p.Coefficients {
	case "uniform":
		return float32(0.5 + d.uniform())
	case "exponential":
		return float32(-math.Log(1 - d.uniform()))
	case "half-normal":
		return float32(math.Abs(d.normal()) * math.Sqrt(math.Pi/2))
	}
	return 1
}
