package activations

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"sort"
	"sync"
)

// A Dump is an open activation dump. It is opened by its metadata: nothing
// grows with its rows but a few hundred bytes for each record batch. Its
// methods may be called at once from several goroutines.
type Dump struct {
	name    string
	shards  []*shard
	batches []*batch // those with rows, in order
	rows    int64
	cols    [numCols]column
	meta    Metadata

	files   []*os.File // of the shards, if Open opened them
	cache   cache
	scratch sync.Pool // of *[]byte
	plans   sync.Pool // of *plan
	dicts   dictionaries
	print   fingerprint
}

// ShardInfo describes one file of a dump.
type ShardInfo struct {
	Name    string
	Size    int64 // bytes
	Rows    int64
	Batches int
}

// OpenShards opens a dump whose shards are given in order, such as one that is
// embedded in the program. name stands for the dump in messages.
func OpenShards(name string, shards []Shard) (*Dump, error) {
	d := &Dump{name: name}
	for _, in := range shards {
		s, err := openShard(in)
		if err != nil {
			return nil, err
		}
		if err := d.add(s); err != nil {
			return nil, err
		}
	}
	if d.rows == 0 {
		return nil, fmt.Errorf("%s: the dump has no rows; write it again with at least one", name)
	}
	return d, nil
}

// add checks that a shard fits those before it and indexes its batches.
func (d *Dump) add(s *shard) error {
	cols, err := s.schema.columns()
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if len(d.shards) == 0 {
		d.cols, d.meta = cols, s.schema.meta
		if err := s.schema.meta.check(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	} else if err := d.shards[0].sameSchema(s); err != nil {
		return err
	}
	if err := d.index(s, &cols); err != nil {
		return err
	}
	for id := range cols {
		have, got := &d.cols[id], cols[id]
		if have.width == 0 {
			have.width = got.width
		}
		if got.width != 0 && got.width != have.width {
			return disagree(d.shards[0].name, s.name, fmt.Sprintf("%s has width %d in the first and %d in the second",
				colNames[id], have.width, got.width))
		}
	}
	d.shards = append(d.shards, s)
	if x, g := d.cols[colActivation], d.cols[colGradient]; g.kind != absent && g.width != x.width {
		return fmt.Errorf("%s: gradient has width %d and activation %d; a gradient has one value for each of activation", s.name, g.width, x.width)
	}
	return d.checkHeads(s)
}

// checkHeads asks heads x head_dim, where the metadata gives them, to be d.
func (d *Dump) checkHeads(s *shard) error {
	heads, dim, err := d.meta.Heads()
	if err != nil || heads == 0 || d.cols[colActivation].width == 0 {
		return err
	}
	if w := d.cols[colActivation].width; int64(heads) > w || int64(heads)*int64(dim) != w {
		return fmt.Errorf("%s: %s %d times %s %d is not the width of activation, %d; correct the metadata",
			s.name, KeyHeads, heads, KeyHeadDim, dim, w)
	}
	return nil
}

// index reads the metadata of all batches of s.
func (d *Dump) index(s *shard, cols *[numCols]column) error {
	batches, err := readBatches(s, cols)
	if err != nil {
		return err
	}
	for _, b := range batches {
		b.first = d.rows
		if b.rows == 0 {
			continue
		}
		if d.rows+b.rows < d.rows {
			return b.errorf("%d rows after %d: %w", b.rows, d.rows, errDamaged)
		}
		d.rows += b.rows
		s.rows += b.rows
		d.batches = append(d.batches, b)
	}
	return s.checkDicts(cols)
}

// openers is how many batches' metadata are asked for at once, which is what a
// disk needs to answer a dump of terabytes in a second.
const openers = 8

func readBatches(s *shard, cols *[numCols]column) ([]*batch, error) {
	list := make([]*batch, len(s.batches))
	errs := make([]error, len(list))
	// One by one until the width of every list is known.
	i := 0
	for ; i < len(list); i++ {
		if list[i], errs[i] = s.readBatch(i, cols); errs[i] != nil {
			return nil, errs[i]
		}
		if list[i].rows > 0 {
			i++
			break
		}
	}
	var wg sync.WaitGroup
	for w := range openers {
		wg.Go(func() {
			for j := i + w; j < len(list); j += openers {
				list[j], errs[j] = s.readBatch(j, cols)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// sameSchema compares the columns and the metadata of two shards.
func (s *shard) sameSchema(t *shard) error {
	a, b := s.schema, t.schema
	for i := range max(len(a.fields), len(b.fields)) {
		x, y := "no such column", "no such column"
		if i < len(a.fields) {
			x = fmt.Sprintf("%q %v", clip(a.fields[i].name), a.fields[i])
		}
		if i < len(b.fields) {
			y = fmt.Sprintf("%q %v", clip(b.fields[i].name), b.fields[i])
		}
		if x != y {
			return disagree(s.name, t.name, fmt.Sprintf("column %d is %s in the first and %s in the second", i, x, y))
		}
	}
	for _, k := range a.meta.sorted() {
		if v, ok := b.meta[k]; !ok || v != a.meta[k] {
			return disagree(s.name, t.name, fmt.Sprintf("metadata %q is %q in the first and %q in the second", clip(k), clip(a.meta[k]), clip(v)))
		}
	}
	for _, k := range b.meta.sorted() {
		if _, ok := a.meta[k]; !ok {
			return disagree(s.name, t.name, fmt.Sprintf("metadata %q is missing in the first and %q in the second", clip(k), clip(b.meta[k])))
		}
	}
	return nil
}

func disagree(first, second, how string) error {
	return fmt.Errorf("the shards %s and %s are not of one dump: %s; keep the shards of one dump in a folder of their own", first, second, how)
}

// Close closes the files that Open opened.
func (d *Dump) Close() error {
	var errs []error
	for _, f := range d.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Name is the path or the name that the dump was opened under.
func (d *Dump) Name() string { return d.name }

// Rows is the number of rows N.
func (d *Dump) Rows() int64 { return d.rows }

// D is the width of activation and of gradient.
func (d *Dump) D() int { return int(d.cols[colActivation].width) }

// DOut is the width of target, 0 without it.
func (d *Dump) DOut() int { return int(d.cols[colTarget].width) }

// Half reports whether activation is stored in float16.
func (d *Dump) Half() bool { return d.cols[colActivation].elem == 2 }

// Has reports whether the dump has all columns of c.
func (d *Dump) Has(c Columns) bool { return c&^d.Columns() == 0 }

// Columns are the optional columns that the dump has.
func (d *Dump) Columns() Columns {
	var have Columns
	for id, c := range d.cols {
		if c.kind != absent {
			have |= colSet[id]
		}
	}
	return have
}

// HasToken reports whether the dump has the text of the tokens.
func (d *Dump) HasToken() bool { return d.cols[colToken].kind != absent }

// Metadata is a copy of the dump's metadata.
func (d *Dump) Metadata() Metadata { return maps.Clone(d.meta) }

// Shards describes the files in order.
func (d *Dump) Shards() []ShardInfo {
	var list []ShardInfo
	for _, s := range d.shards {
		list = append(list, ShardInfo{Name: s.name, Size: s.size, Rows: s.rows, Batches: len(s.batches)})
	}
	return list
}

// OtherColumns describes the columns that the format does not name, which a
// copy keeps and everything else ignores.
func (d *Dump) OtherColumns() []string {
	var list []string
	for _, i := range d.others() {
		f := d.shards[0].schema.fields[i]
		list = append(list, fmt.Sprintf("%s %v", f.name, f))
	}
	return list
}

// batchOf is the place in d.batches of the batch that holds a row.
func (d *Dump) batchOf(row int64) int {
	return sort.Search(len(d.batches), func(i int) bool { return d.batches[i].first+d.batches[i].rows > row })
}
