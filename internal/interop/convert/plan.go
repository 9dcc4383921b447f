package convert

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/dtype"
)

// A plan is what goes into a dump: its columns by their names there.
type plan struct {
	schema   activations.Schema
	columns  map[string]*column
	perDoc   map[string]*perDoc // columns with a value a document
	opened   []container
	files    []string // of the columns, besides the source
	rows     int64
	context  int64
	batch    int64
	progress func(done, total int64)
	scratch  rows
	act      rows
	docs     rows // in place of act's, of activations of shape [N,d]
}

// A want is a column of the dump, where it may come from.
type want struct {
	name   string // in the dump
	given  string // by the user
	flat   bool
	isText bool
	also   []string // other names under which it is taken unasked
}

func wants(o Options) []want {
	return []want{
		{name: "gradient", given: o.Gradient}, {name: "target", given: o.Target},
		{name: "token_id", given: o.TokenID, flat: true, also: []string{"token_ids"}}, {name: "token", given: o.Token, flat: true, isText: true},
		{name: "doc", given: o.Doc, flat: true}, {name: "pos", given: o.Pos, flat: true}, {name: "label", given: o.Label, flat: true},
	}
}

// newPlan opens the source and all columns, and compares their sizes.
func newPlan(src string, o Options) (_ *plan, err error) {
	p := &plan{columns: map[string]*column{}, perDoc: map[string]*perDoc{}, progress: o.Progress, context: o.Context, batch: o.batch}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	main, err := p.container(src)
	if err != nil {
		return nil, err
	}
	act, name, err := activationColumn(src, main, o.Column)
	if err != nil {
		return nil, err
	}
	p.columns["activation"] = act
	if act.kind, err = as(act.kind, o.As); err != nil {
		return nil, fmt.Errorf("%s: %w", act.where, err)
	}
	if p.rows = act.rows; p.rows == 0 {
		return nil, fmt.Errorf("%s: there are no rows; a dump needs at least one", act.where)
	}
	if o.Context < 0 || o.Context > 0 && act.docs > 0 {
		return nil, fmt.Errorf("%s: it has documents of its own; a context of %d does not apply", act.where, o.Context)
	}
	for _, w := range wants(o) {
		if err := p.take(main, w, name); err != nil {
			return nil, err
		}
	}
	return p, p.describe(o, name)
}

func (p *plan) container(path string) (container, error) {
	c, err := open(path)
	if err == nil {
		p.opened = append(p.opened, c)
	}
	return c, err
}

// activationColumn opens the column that holds the activations: the one named,
// the only one of lists of floats, or one called as dumps call it.
func activationColumn(src string, c container, name string) (*column, string, error) {
	if name != "" {
		col, err := c.open(name, false)
		return numbers(col, err, name)
	}
	var fit, all []entry
	for _, e := range c.entries() {
		all = append(all, e)
		if e.kind.IsFloat() && e.dims > 1 {
			fit = append(fit, e)
		}
	}
	if i := slices.IndexFunc(fit, func(e entry) bool { return e.name == "activation" || e.name == "activations" }); i >= 0 {
		fit = fit[i : i+1]
	}
	if len(fit) == 0 && len(all) == 1 && (all[0].dims > 1 || all[0].array) && all[0].kind.Size() > 0 {
		fit = all // whole numbers, or one row
	}
	switch {
	case len(fit) == 1:
		col, err := c.open(fit[0].name, false)
		return numbers(col, err, fit[0].name)
	case len(fit) == 0:
		if col, prefix, err := stacked(src, c, all); col != nil || err != nil {
			return col, prefix, err
		}
		return nil, "", fmt.Errorf("%s: there is no column of lists of floats, only %s; name the column of the activations", src, clipEntries(all))
	}
	return nil, "", fmt.Errorf("%s: several columns may be the activations: %s; name one", src, clipEntries(fit))
}

// numbers refuses a column of texts.
func numbers(c *column, err error, name string) (*column, string, error) {
	if err == nil && c.kind.Size() == 0 {
		err = fmt.Errorf("%s: it holds %s, activations are numbers", c.where, c.kind)
	}
	return c, name, err
}

func clipEntries(list []entry) string {
	var names []string
	for _, e := range list {
		names = append(names, fmt.Sprintf("%q (%s)", e.name, e.desc))
	}
	return clipNames(names)
}

// take opens the column of the dump that w describes, if there is one.
func (p *plan) take(main container, w want, used string) error {
	c, name, asked := main, w.given, w.given != ""
	if !asked {
		names := append([]string{w.name}, w.also...)
		i := slices.IndexFunc(main.entries(), func(e entry) bool { return slices.Contains(names, e.name) && w.fits(e) })
		if i < 0 || main.entries()[i].name == used {
			return nil
		}
		name = main.entries()[i].name
	} else if !slices.ContainsFunc(main.entries(), func(e entry) bool { return e.name == name }) {
		other, err := p.container(name)
		if err != nil {
			return fmt.Errorf("the column %s: %q is no column of the source (%s) and no file: %w", w.name, name, clipEntries(main.entries()), err)
		}
		p.files = append(p.files, name)
		if list := other.entries(); len(list) != 1 {
			i := slices.IndexFunc(list, w.fits)
			if i < 0 || slices.ContainsFunc(list[i+1:], w.fits) {
				return fmt.Errorf("%s: it holds %s; give a file of one column for %s", name, clipEntries(list), w.name)
			}
			name = list[i].name
		} else {
			name = list[0].name
		}
		c = other
	}
	col, err := c.open(name, w.flat)
	if err != nil {
		return err
	}
	return p.add(w, col)
}

// fits reports whether an entry has the type that a column of the dump needs.
func (w want) fits(e entry) bool {
	switch {
	case w.isText:
		return e.kind == text
	case w.flat:
		return e.kind.IsInt() && e.kind != dtype.Bool
	}
	return e.kind.IsFloat() && e.dims > 1
}

// add compares the size of a column with that of the activations.
func (p *plan) add(w want, col *column) error {
	act := p.columns["activation"]
	if !w.fits(entry{kind: col.kind, dims: 2}) {
		return fmt.Errorf("%s: it holds %s, which %s cannot be", col.where, col.kind, w.name)
	}
	if w.name == "gradient" && col.d != act.d {
		return fmt.Errorf("%s: rows of %d values, the activations have %d; a gradient has one value for each", col.where, col.d, act.d)
	}
	switch {
	case col.rows == act.rows:
		p.columns[w.name] = col
	case w.flat && !w.isText && act.docs > 0 && col.rows == act.docs:
		p.columns[w.name], p.perDoc[w.name] = col, &perDoc{}
	default:
		return fmt.Errorf("%s: %d rows for %s, the activations have %d", col.where, col.rows, w.name, act.rows)
	}
	return nil
}

// describe sets the schema of the dump.
func (p *plan) describe(o Options, name string) error {
	act := p.columns["activation"]
	if act.d > math.MaxInt32/8 {
		return fmt.Errorf("%s: a row has %d values, more than a dump can hold", act.where, act.d)
	}
	s := activations.Schema{D: int(act.d), Half: o.Half, Metadata: activations.Metadata{}, ShardBytes: o.ShardBytes}
	if s.ShardBytes == 0 {
		s.ShardBytes = 256 << 20
	}
	half := true
	for name, bit := range map[string]activations.Columns{"gradient": activations.Gradient, "target": activations.Target, "token_id": activations.TokenID,
		"doc": activations.Doc, "pos": activations.Pos, "label": activations.Label} {
		if c := p.columns[name]; c != nil {
			s.Columns |= bit
			half = half && (!c.kind.IsFloat() || c.kind == dtype.F16)
		}
	}
	s.Half = o.Half || half && act.kind == dtype.F16 // as exact as the source
	if c := p.columns["target"]; c != nil {
		s.DOut = int(c.d)
	}
	s.Token = p.columns["token"] != nil
	if s.Columns&activations.DocPos == 0 && (act.docs > 0 || o.Context > 0) {
		s.Columns |= activations.DocPos
	}
	if strings.HasPrefix(name, "blocks.") || strings.Contains(name, ".hook_") {
		s.Metadata[activations.KeyHook] = name // caches of SAELens call the column so
	}
	for k, v := range o.Metadata {
		s.Metadata[k] = v
	}
	p.schema = s
	return nil
}

func (p *plan) close() {
	for _, c := range p.columns {
		c.Close()
	}
	for _, c := range p.opened {
		c.Close()
	}
}

// identity is what must be equal for a stopped conversion to go on: the options
// and the sizes and times of all files.
func identity(src string, o Options, more []string) ([]byte, error) {
	type file struct {
		Path string `json:"path"`
		Size int64  `json:"size"`
		Time int64  `json:"time"`
	}
	id := struct {
		Options Options `json:"options"`
		Files   []file  `json:"files"`
	}{Options: o}
	for _, path := range append([]string{src}, more...) {
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(full, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			st, err := d.Info()
			if err == nil {
				id.Files = append(id.Files, file{path, st.Size(), st.ModTime().UnixNano()})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return json.MarshalIndent(id, "", " ")
}
