package activations

import "sync"

// Verify reads every row of every column and gives the first problem that a
// reader refuses, as Read, Tokens and a copy would meet it; opening the dump
// has checked the rest. progress, unless nil, hears of the rows done.
func (d *Dump) Verify(progress func(done, total int64)) error {
	var mu sync.Mutex
	var rows, columns int64 // rows done, each counted once a column
	for _, c := range d.cols {
		if c.kind != absent {
			columns++
		}
	}
	err := d.chunks(func(id int, _, lo, hi int64) error {
		if err := d.verify(id, lo, hi); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		rows += hi - lo
		if progress != nil {
			progress(rows/columns, d.rows)
		}
		return nil
	})
	if err != nil || len(d.OtherColumns()) == 0 {
		return err
	}
	x := &extras{d: d, fields: d.others()}
	for _, b := range d.batches {
		if err := x.open(b.shard); err != nil {
			return err
		}
		rec, err := x.reader.record(b)
		if err != nil {
			return err
		}
		rec.Release()
	}
	return nil
}

// verify checks rows [lo,hi) of column id.
func (d *Dump) verify(id int, lo, hi int64) error {
	c := d.cols[id]
	if c.kind == isText || c.kind == isDict {
		rows := make([]int64, hi-lo)
		for i := range rows {
			rows[i] = lo + int64(i)
		}
		_, err := d.Tokens(rows)
		return err
	}
	x := make([]float32, c.width)
	row := decoder(id, c, x)
	return d.stream(id, lo, hi, func(b *batch, r, n int64, raw []byte) error {
		if c.kind != isFloats {
			return nil // any number will do; it is there, since it was read
		}
		for i := range n {
			if err := row(want{b, r + i, 0}, raw[i*c.stride():(i+1)*c.stride()]); err != nil {
				return err
			}
		}
		return nil
	})
}
