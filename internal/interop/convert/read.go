package convert

import (
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/dtype"
)

// A perDoc is where a column with a value a document stands.
type perDoc struct {
	doc   int64 // whose value it holds
	value int64
	begun bool
}

// seek goes to a row in all columns.
func (p *plan) seek(row int64) error {
	for name, c := range p.columns {
		if d := p.perDoc[name]; d != nil {
			*d = perDoc{}
			continue
		}
		if err := c.seek(row); err != nil {
			return err
		}
	}
	return nil
}

// read fills b with n rows from row first on.
func (p *plan) read(b *batch, first, n int64) (err error) {
	b.N, b.D, b.DOut = int(n), p.schema.D, p.schema.DOut
	if err = p.floats("activation", &b.X, &p.act, first, n); err != nil {
		return err
	}
	docs := &p.act
	if p.context > 0 {
		docs = &p.docs
		docs.reset()
		docs.window(first, n, p.context)
	}
	for name, dst := range map[string]*[]float32{"gradient": &b.Gradient, "target": &b.Target} {
		if err := p.floats(name, dst, &p.scratch, first, n); err != nil {
			return err
		}
	}
	b.Doc, b.Pos = append(b.Doc[:0], docs.doc...), append(b.Pos[:0], docs.pos...)
	if err := p.ints("doc", first, n, func(i int, v int64) bool { b.Doc = put(b.Doc, i, v); return v >= 0 }); err != nil {
		return err
	}
	for name, dst := range map[string]*[]int32{"token_id": &b.TokenID, "pos": &b.Pos, "label": &b.Label} {
		if err := p.ints(name, first, n, func(i int, v int64) bool { *dst = put(*dst, i, int32(v)); return v == int64(int32(v)) }); err != nil {
			return err
		}
	}
	if c := p.columns["token"]; c != nil {
		p.scratch.reset()
		if err := c.read(&p.scratch, n); err != nil {
			return err
		}
		b.tokens = append(b.tokens[:0], p.scratch.text...)
	}
	return nil
}

// put sets x[i], where i is at most the length of x.
func put[T any](x []T, i int, v T) []T {
	if i == len(x) {
		return append(x, v)
	}
	x[i] = v
	return x
}

// floats reads n rows of a column of the dump, if it has it.
func (p *plan) floats(name string, dst *[]float32, r *rows, first, n int64) error {
	c := p.columns[name]
	if c == nil {
		return nil
	}
	if err := c.read(r, n); err != nil {
		return err
	}
	*dst = slices.Grow((*dst)[:0], int(n*c.d))[:n*c.d]
	c.kind.Floats(*dst, r.raw)
	if bad := notFinite(*dst); bad >= 0 {
		v := (*dst)[bad]
		why := "leave the row out"
		if c.kind == dtype.F64 && math.IsInf(float64(v), 0) {
			why = "it is more than float32 holds: scale the rows, or leave the row out"
		}
		return fmt.Errorf("%s: row %d, value %d is %v; %s", c.where, first+int64(bad)/c.d, int64(bad)%c.d, v, why)
	}
	return nil
}

// ints calls set with the values of n rows of a column, if the dump has it. set
// reports whether the value fits.
func (p *plan) ints(name string, first, n int64, set func(i int, v int64) bool) error {
	c := p.columns[name]
	if c == nil {
		return nil
	}
	fail := func(i int, v int64) error {
		return fmt.Errorf("%s: row %d: %d does not fit the column %s of a dump", c.where, first+int64(i), v, name)
	}
	if d := p.perDoc[name]; d != nil {
		for i, doc := range p.act.doc {
			if err := d.next(c, doc, &p.scratch); err != nil {
				return err
			}
			if !set(i, d.value) {
				return fail(i, d.value)
			}
		}
		return nil
	}
	if err := c.read(&p.scratch, n); err != nil {
		return err
	}
	for i := range int(n) {
		if v := c.kind.Integer(p.scratch.raw, i); !set(i, v) {
			return fail(i, v)
		}
	}
	return nil
}

// next reads the value of a document.
func (d *perDoc) next(c *column, doc int64, r *rows) error {
	if d.begun && doc == d.doc {
		return nil
	}
	if !d.begun || doc != d.doc+1 { // else it is the next to be read
		if err := c.seek(doc); err != nil {
			return err
		}
	}
	if err := c.read(r, 1); err != nil {
		return err
	}
	d.doc, d.begun, d.value = doc, true, c.kind.Integer(r.raw, 0)
	return nil
}
