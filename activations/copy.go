package activations

import (
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Copy writes the given rows of d as a dump of its own in the folder dir, with
// all columns and all metadata; the entries of meta are added to the metadata
// or replace some. The columns of the format are written as the format's table
// has them, whatever they were; the others stay as they are.
func Copy(dir string, d *Dump, rows Rows, meta Metadata) error {
	if rows.Len() == 0 {
		return fmt.Errorf("copying %s: no rows were chosen", d.name)
	}
	if first, last := rows.At(0), rows.At(rows.Len()-1); first < 0 || last >= d.rows {
		return fmt.Errorf("copying %s: rows %d to %d were chosen, the rows are 0 to %d", d.name, first, last, d.rows-1)
	}
	s := Schema{D: d.D(), DOut: d.DOut(), Columns: d.Columns(), Token: d.HasToken(), Metadata: d.Metadata()}
	maps.Copy(s.Metadata, meta)
	w := &Writer{schema: s}
	for id, c := range d.cols {
		w.elem[id] = c.elem
	}
	if err := w.prepare(); err != nil {
		return fmt.Errorf("copying %s: %w", d.name, err)
	}
	x := &extras{d: d, fields: d.others()}
	if err := x.open(d.shards[0]); err != nil {
		return err
	}
	var err error
	if w.files, err = newShardSet(dir, w.arrowSchema(x.schema...), w.schema.ShardBytes, 0); err != nil {
		return err
	}
	defer w.Discard()
	w.extras = x
	if err := w.copy(d, rows); err != nil {
		return err
	}
	return w.Close()
}

// copy writes the rows, record batch by record batch.
func (w *Writer) copy(d *Dump, rows Rows) error {
	const most = 1 << 12
	var b Batch
	var buf [most]int64
	for i := int64(0); i < rows.Len(); {
		from := d.batches[d.batchOf(rows.At(i))]
		part := rows.Slice(i, rows.below(from.first+from.rows))
		if err := w.extras.add(w, from, part); err != nil {
			return err
		}
		for j := int64(0); j < part.Len(); j += most {
			chosen := buf[:part.Fill(buf[:], j)]
			if err := d.Read(&b, chosen, ^Columns(0)); err != nil {
				return err
			}
			var tokens []string
			if d.HasToken() {
				var err error
				if tokens, err = d.Tokens(chosen); err != nil {
					return err
				}
			}
			if err := w.Write(&b, tokens); err != nil {
				return err
			}
		}
		i += part.Len()
	}
	return nil
}

// extras are the columns that the format does not name, on their way from one
// dump to another. Those of the rows that the writer holds wait here.
type extras struct {
	d       *Dump
	fields  []int // their places in the schema of d
	schema  []arrow.Field
	dicts   bool // some hold dictionaries, which may differ between shards
	shard   *shard
	reader  *arrowReader
	waiting [][]arrow.Array // of each column, in order
}

// others are the places in the schema of the columns that the format does not
// name.
func (d *Dump) others() []int {
	var list []int
	for i := range d.shards[0].schema.fields {
		if !slices.ContainsFunc(d.cols[:], func(c column) bool { return c.kind != absent && c.field == i }) {
			list = append(list, i)
		}
	}
	return list
}

// open goes to a shard and compares the types in full.
func (x *extras) open(s *shard) error {
	if len(x.fields) == 0 || x.shard == s {
		return nil
	}
	r, err := s.arrowReader()
	if err != nil {
		return err
	}
	x.shard, x.reader = s, r
	for k, i := range x.fields {
		f := r.Schema().Field(i)
		if len(x.schema) <= k {
			x.schema = append(x.schema, f)
			x.dicts = x.dicts || hasDict(s.schema.fields[i])
		} else if !arrow.TypeEqual(f.Type, x.schema[k].Type) {
			return disagree(x.d.shards[0].name, s.name, fmt.Sprintf("column %q is %v in the first and %v in the second",
				clip(f.Name), x.schema[k].Type, f.Type))
		}
	}
	return nil
}

func hasDict(f field) bool { return f.dict || slices.ContainsFunc(f.children, hasDict) }

// add puts the rows, all of batch b, behind those that wait. They are copied,
// so that the batch is not kept for the sake of a few of its rows.
func (x *extras) add(w *Writer, b *batch, rows Rows) error {
	if len(x.fields) == 0 {
		return nil
	}
	if x.dicts && x.shard != nil && x.shard != b.shard {
		if err := w.endShard(); err != nil {
			return err
		}
	}
	if err := x.open(b.shard); err != nil {
		return err
	}
	rec, err := x.reader.record(b)
	if err != nil {
		return err
	}
	defer rec.Release()
	x.waiting = append(x.waiting, make([][]arrow.Array, len(x.fields)-len(x.waiting))...)
	var bytes int64
	err = guard(func() error {
		for k, i := range x.fields {
			var runs []arrow.Array
			for run := range rows.Runs() {
				runs = append(runs, array.NewSlice(rec.Column(i), run.Lo-b.first, run.Hi-b.first))
			}
			all, err := array.Concatenate(runs, x.reader.mem)
			if err != nil {
				return err
			}
			x.waiting[k] = append(x.waiting[k], all)
			bytes += int64(all.Data().SizeInBytes())
		}
		return nil
	})
	w.moreBytes = bytes / rows.Len()
	if err != nil {
		return b.errorf("columns that the format does not name: %w", err)
	}
	return nil
}

// take gives the first n of the rows that wait, a column each.
func (x *extras) take(n int) ([]arrow.Array, error) {
	cols := make([]arrow.Array, len(x.waiting))
	err := guard(func() error {
		for k, wait := range x.waiting {
			var parts []arrow.Array
			for left := n; left > 0; {
				a := wait[0]
				if a.Len() <= left {
					parts, wait = append(parts, a), wait[1:]
					left -= a.Len()
					continue
				}
				parts = append(parts, array.NewSlice(a, 0, int64(left)))
				wait[0] = array.NewSlice(a, int64(left), int64(a.Len()))
				left = 0
			}
			x.waiting[k] = wait
			var err error
			if cols[k], err = array.Concatenate(parts, memory.DefaultAllocator); err != nil {
				return err
			}
		}
		return nil
	})
	return cols, err
}
