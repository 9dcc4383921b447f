package circuit

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
)

// The ways to make one vector of the positions of an example.
const (
	PoolMean = "mean"
	PoolLast = "last"
)

// Examples are the examples of a dump: a document each, labelled 1 (positive)
// or 0, in one of two forms.
//
//   - The metadata gives sae.heads: a row is what all H heads wrote, one after
//     another, at one position of the example, and the rows of an example are
//     pooled.
//   - It does not: an example has a row for each head, in the order of pos from
//     0 up.
type Examples struct {
	Heads    int // H
	D        int // values a head writes
	PerLayer int // heads of a layer
	Positive []bool
	Doc      []int64 // [E] of each example
	Pool     string  // of rows with all heads

	dump *activations.Dump
	rows []activations.Run // [E] of each example
	wide bool              // a row has all heads
}

// ReadExamples finds the examples among rows of d. pool is PoolMean or
// PoolLast; perLayer is 0 to take what the metadata says.
func ReadExamples(d *activations.Dump, rows activations.Rows, pool string, perLayer int) (*Examples, error) {
	x := &Examples{dump: d, Pool: pool}
	if pool != PoolMean && pool != PoolLast {
		return nil, fmt.Errorf("positions are pooled by %q; give %s or %s", pool, PoolMean, PoolLast)
	}
	heads, dim, err := d.Metadata().Heads()
	if err != nil {
		return nil, err
	}
	if x.wide = heads > 0; x.wide {
		x.Heads, x.D = heads, dim
	} else {
		x.D = d.D()
	}
	needs := activations.Doc | activations.Label
	if !x.wide {
		needs |= activations.Pos
	}
	if !d.Has(needs) {
		return nil, fmt.Errorf("%s: a circuit is found from examples (column doc) that are positive or not (label 1 or 0), with a row for each head (pos), or all heads in a row (metadata %s); see saectl data info", d.Name(), activations.KeyHeads)
	}
	if err := x.scan(rows, needs); err != nil {
		return nil, err
	}
	return x, x.layers(perLayer)
}

// scan reads doc, label and pos of all rows, but no activations.
func (x *Examples) scan(rows activations.Rows, needs activations.Columns) error {
	list := make([]int64, 1<<14)
	var b activations.Batch
	seen := map[int64]bool{}
	for at := int64(0); at < rows.Len(); at += int64(len(list)) {
		n := rows.Fill(list, at)
		if err := x.dump.ReadColumns(&b, list[:n], needs); err != nil {
			return err
		}
		for i := range n {
			if err := x.add(&b, i, list[i], seen); err != nil {
				return err
			}
		}
	}
	return x.complete()
}

// add takes in a row.
func (x *Examples) add(b *activations.Batch, i int, row int64, seen map[int64]bool) error {
	last := len(x.Doc) - 1
	if last < 0 || x.Doc[last] != b.Doc[i] {
		if seen[b.Doc[i]] {
			return fmt.Errorf("%s: row %d: example %d goes on after another; keep the rows of an example together", x.dump.Name(), row, b.Doc[i])
		}
		if err := x.complete(); err != nil {
			return err
		}
		if l := b.Label[i]; l != 0 && l != 1 {
			return fmt.Errorf("%s: row %d: the label is %d; give 1 to examples that need the circuit and 0 to others", x.dump.Name(), row, l)
		}
		seen[b.Doc[i]] = true
		x.Doc, x.Positive = append(x.Doc, b.Doc[i]), append(x.Positive, b.Label[i] == 1)
		x.rows = append(x.rows, activations.Run{Lo: row, Hi: row})
		last++
	}
	run := &x.rows[last]
	switch {
	case row != run.Hi:
		return fmt.Errorf("%s: row %d: example %d has lost the rows before it; filter whole examples", x.dump.Name(), row, b.Doc[i])
	case (b.Label[i] == 1) != x.Positive[last]:
		return fmt.Errorf("%s: row %d: example %d is labelled both ways", x.dump.Name(), row, b.Doc[i])
	case !x.wide && int64(b.Pos[i]) != row-run.Lo:
		return fmt.Errorf("%s: row %d: head %d of example %d stands at place %d; give an example a row for each head, from 0 up, or set %s", x.dump.Name(), row, b.Pos[i], b.Doc[i], row-run.Lo, activations.KeyHeads)
	}
	run.Hi = row + 1
	return nil
}

// complete checks the example that has ended.
func (x *Examples) complete() error {
	if x.wide || len(x.rows) == 0 {
		return nil
	}
	last := x.rows[len(x.rows)-1]
	n := int(last.Hi - last.Lo)
	if x.Heads == 0 {
		x.Heads = n
	}
	if n != x.Heads {
		return fmt.Errorf("%s: example %d has %d heads, those before it %d", x.dump.Name(), x.Doc[len(x.Doc)-1], n, x.Heads)
	}
	return nil
}

func (x *Examples) layers(perLayer int) error {
	x.PerLayer = perLayer
	if text := x.dump.Metadata()[data.KeyHeadsPerLayer]; perLayer == 0 && text != "" {
		var err error
		if x.PerLayer, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("%s: metadata %s is %q, want a whole number", x.dump.Name(), data.KeyHeadsPerLayer, text)
		}
	}
	if x.PerLayer == 0 {
		x.PerLayer = x.Heads
	}
	if x.PerLayer < 1 || x.Heads%x.PerLayer != 0 {
		return fmt.Errorf("%s: %d heads a layer do not divide the %d heads", x.dump.Name(), x.PerLayer, x.Heads)
	}
	positive := 0
	for _, is := range x.Positive {
		if is {
			positive++
		}
	}
	if positive == 0 || positive == len(x.Positive) {
		return fmt.Errorf("%s: %d of %d examples are positive; a circuit is what positive examples have and others lack", x.dump.Name(), positive, len(x.Positive))
	}
	return nil
}

// Len is E.
func (x *Examples) Len() int { return len(x.Doc) }

// Layer and place of head h.
func (x *Examples) place(h int) (layer, head int) { return h / x.PerLayer, h % x.PerLayer }

// Vectors reads what the heads wrote on some examples, [len(list)·H,D].
func (x *Examples) Vectors(list []int) ([]float32, error) {
	out := make([]float32, 0, len(list)*x.Heads*x.D)
	var b activations.Batch
	for _, e := range list {
		run := x.rows[e]
		if x.wide && x.Pool == PoolLast {
			run.Lo = run.Hi - 1
		}
		var rows []int64
		for r := run.Lo; r < run.Hi; r++ {
			rows = append(rows, r)
		}
		if err := x.dump.Read(&b, rows, 0); err != nil {
			return nil, err
		}
		if !x.wide {
			out = append(out, b.X...)
			continue
		}
		sum := make([]float64, b.D)
		for i, v := range b.X {
			sum[i%b.D] += float64(v)
		}
		for _, v := range sum {
			out = append(out, float32(v/float64(b.N)))
		}
	}
	return out, nil
}

// encodeNumbers is how many numbers of examples are held at a time.
const encodeNumbers = 1 << 22

// Encode turns all examples into codes. Only a part of them is held at a time.
func (x *Examples) Encode(ctx context.Context, m *Discrete) (Codes, error) {
	c := Codes{Heads: x.Heads, Latents: m.s.Latents, Positive: x.Positive}
	step := max(1, encodeNumbers/(x.Heads*max(x.D, m.s.Latents)))
	var list []int
	for lo := 0; lo < x.Len(); lo += step {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		list = list[:0]
		for e := lo; e < min(x.Len(), lo+step); e++ {
			list = append(list, e)
		}
		rows, err := x.Vectors(list)
		if err != nil {
			return c, err
		}
		code, zero := m.Codes(rows)
		c.Code, c.Zero = append(c.Code, code...), append(c.Zero, zero...)
	}
	return c, nil
}

// WriteCodes writes the codes as a table: doc, layer, head, label, code and
// whether no latent fires.
func (x *Examples) WriteCodes(w io.Writer, c Codes) error {
	if _, err := io.WriteString(w, "doc,layer,head,label,code,all_zero\n"); err != nil {
		return err
	}
	for e, doc := range x.Doc {
		label := 0
		if x.Positive[e] {
			label = 1
		}
		for h := range x.Heads {
			layer, head := x.place(h)
			at := e*x.Heads + h
			if _, err := fmt.Fprintf(w, "%d,%d,%d,%d,%d,%v\n", doc, layer, head, label, c.Code[at], c.Zero[at]); err != nil {
				return err
			}
		}
	}
	return nil
}
