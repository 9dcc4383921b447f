package data

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/reuse"
)

// Circuit are the settings of head outputs with a planted circuit, after test 7
// of the checks that O'Neill and Bui's method (2024, arXiv 2405.12522) should
// pass: each head writes one of its own directions on each example, and the
// heads of the circuit one of a few extra directions on positive examples only.
// The zero value is not valid; start from DefaultCircuit.
type Circuit struct {
	Examples int     `yaml:"examples" range:"[1,)" doc:"examples of each class; a positive one and its negative twin differ in the circuit only"`
	Layers   int     `yaml:"layers" range:"[1,)" doc:"layers"`
	Heads    int     `yaml:"heads" range:"[1,)" doc:"heads of a layer"`
	D        int     `yaml:"d" range:"[1,65536]" doc:"values that a head writes"`
	Planted  int     `yaml:"planted" range:"[1,)" doc:"heads of the circuit"`
	Base     int     `yaml:"base" range:"[1,)" doc:"directions that a head writes on any example"`
	Extra    int     `yaml:"extra" range:"[1,)" doc:"directions more that a head of the circuit writes on positive examples only"`
	Share    float64 `yaml:"share" range:"(0,1]" doc:"share of the positive examples on which a head of the circuit writes one of the extra directions"`
	Noise    float64 `yaml:"noise" range:"[0,)" doc:"size of the normal noise on what a head writes, as a share of its norm √d"`
	Seed     uint64  `yaml:"seed" doc:"seed of directions and examples"`
	Half     bool    `yaml:"half" doc:"store the rows in float16"`
}

// DefaultCircuit is 5 of 64 heads with 3 extra directions.
func DefaultCircuit() Circuit {
	return Circuit{Examples: 250, Layers: 8, Heads: 8, D: 64, Planted: 5, Base: 3, Extra: 3, Share: 1, Noise: 0.1}
}

// KeyHeadsPerLayer is the metadata key of a dump that says how many heads a layer
// has.
const KeyHeadsPerLayer = "circuit.heads_per_layer"

// CircuitFile is the file beside the dump that names the planted heads, a line
// "layer head" each.
const CircuitFile = "heads.txt"

const circuitStream = 0x63697263 // "circ" in ASCII, and a few streams after it

// Validate names the first setting that cannot be met.
func (c Circuit) Validate() error {
	switch {
	case c.Examples < 1 || c.Layers < 1 || c.Heads < 1 || c.D < 1 || c.Base < 1 || c.Extra < 1:
		return fmt.Errorf("synth circuit: examples, layers, heads, d, base and extra must be 1 or more")
	case c.Layers > 1<<16 || c.Heads > 1<<16 || c.Base > 1<<16 || c.Extra > 1<<16 || c.Examples > 1<<40:
		return fmt.Errorf("synth circuit: layers, heads, base and extra go up to 65536")
	case c.Planted < 1 || c.Planted >= c.Layers*c.Heads:
		return fmt.Errorf("synth circuit: planted is %d; give 1 to %d, fewer than there are heads", c.Planted, c.Layers*c.Heads-1)
	case !(c.Share > 0 && c.Share <= 1) || !within(c.Noise, 0, 1e6):
		return fmt.Errorf("synth circuit: share is %v and noise %v; give a share above 0 and up to 1, and 0 or more", c.Share, c.Noise)
	}
	if size := float64(c.Layers) * float64(c.Heads) * float64(c.Base+c.Extra) * float64(c.D); size > 1<<28 {
		return fmt.Errorf("synth circuit: the directions take %.0f numbers; lower d, base, extra or the heads", size)
	}
	return nil
}

// A CircuitGenerator makes the rows: those of an example are its heads in
// order, positive examples come first.
type CircuitGenerator struct {
	c          Circuit
	planted    []bool    // [H]
	directions []float32 // [H,Base+Extra,D] of norm √D, so that a number is of size 1
}

// NewCircuitGenerator draws the directions and the heads of the circuit.
func NewCircuitGenerator(c Circuit) (*CircuitGenerator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	g := &CircuitGenerator{c: c, planted: make([]bool, c.Layers*c.Heads)}
	order := newPermutation(int64(len(g.planted)), c.Seed, circuitStream)
	for i := range c.Planted {
		g.planted[order.at(int64(i))] = true
	}
	g.directions = make([]float32, len(g.planted)*(c.Base+c.Extra)*c.D)
	NormalFill(g.directions, c.Seed, circuitStream)
	for row := range slices.Chunk(g.directions, c.D) {
		sum := 0.0
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
		for i := range row {
			row[i] = float32(float64(row[i]) * math.Sqrt(float64(c.D)/sum))
		}
	}
	return g, nil
}

// Name is for messages.
func (g *CircuitGenerator) Name() string { return "planted circuit" }

// Rows is the number of rows: examples of both classes times heads.
func (g *CircuitGenerator) Rows() int64 { return 2 * int64(g.c.Examples) * int64(len(g.planted)) }

// D is the width of a row.
func (g *CircuitGenerator) D() int { return g.c.D }

// Planted says which heads, layer by layer, are in the circuit.
func (g *CircuitGenerator) Planted() []bool { return slices.Clone(g.planted) }

// Read makes the given rows with doc, pos and label.
func (g *CircuitGenerator) Read(b *activations.Batch, rows []int64, _ activations.Columns) error {
	if err := checkRows(g, rows); err != nil {
		return err
	}
	*b = activations.Batch{N: len(rows), D: g.c.D, X: reuse.Slice(b.X, len(rows)*g.c.D), Row: b.Row[:0], Doc: b.Doc[:0], Pos: b.Pos[:0], Label: b.Label[:0]}
	heads := int64(len(g.planted))
	for i, row := range rows {
		example, head := row/heads, row%heads
		positive := example < int64(g.c.Examples)
		label := int32(0)
		if positive {
			label = 1
		}
		b.Row, b.Doc, b.Pos, b.Label = append(b.Row, row), append(b.Doc, example), append(b.Pos, int32(head)), append(b.Label, label)
		x := b.X[i*g.c.D : (i+1)*g.c.D]
		NormalFillFrom(x, g.c.Seed, circuitStream+1, uint64(row)*uint64(g.c.D))
		at := (int(head)*(g.c.Base+g.c.Extra) + g.choice(example%int64(g.c.Examples), head, positive)) * g.c.D
		for j, v := range g.directions[at : at+g.c.D] {
			x[j] = float32(g.c.Noise*float64(x[j])) + v
		}
	}
	return nil
}

// choice is the direction that a head writes on an example: the same on its
// positive and its negative form, unless the head is in the circuit.
func (g *CircuitGenerator) choice(example, head int64, positive bool) int {
	place := uint64(example)*uint64(len(g.planted)) + uint64(head)
	draw := func(stream uint64, n int) int {
		return int(Uniform(g.c.Seed, circuitStream+stream, place) * float64(n))
	}
	if positive && g.planted[head] && Uniform(g.c.Seed, circuitStream+2, place) < g.c.Share {
		return g.c.Base + draw(3, g.c.Extra)
	}
	return draw(4, g.c.Base)
}

// WriteCircuit writes the rows of c as a dump in the folder dir, which must not
// hold one yet: an example is a document, with a row for each head (pos), label
// 1 on positive examples. The planted heads stand in CircuitFile. progress, if
// not nil, is told how many rows are written. When ctx ends, or on an error, no
// dump is left.
func WriteCircuit(ctx context.Context, dir string, c Circuit, progress func(rows int64)) error {
	g, err := NewCircuitGenerator(c)
	if err != nil {
		return err
	}
	settings, err := synthJSON("circuit", c)
	if err != nil {
		return err
	}
	schema := activations.Schema{D: c.D, Half: c.Half, Columns: activations.DocPos | activations.Label, Metadata: activations.Metadata{
		activations.KeyDataset: "planted circuit", keySynth: settings, KeyHeadsPerLayer: strconv.Itoa(c.Heads),
		activations.KeyLabelNames: `["negative","positive"]`,
	}}
	return writeRows(ctx, dir, g, schema, rowWriter{progress: progress, finish: func() error {
		return atomicfile.Write(filepath.Join(dir, CircuitFile), g.writeHeads)
	}})
}

func (g *CircuitGenerator) writeHeads(w io.Writer) error {
	if _, err := fmt.Fprintln(w, "# layer head"); err != nil {
		return err
	}
	for h, is := range g.planted {
		if !is {
			continue
		}
		if _, err := fmt.Fprintln(w, h/g.c.Heads, h%g.c.Heads); err != nil {
			return err
		}
	}
	return nil
}
