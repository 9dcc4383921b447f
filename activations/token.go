package activations

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
)

// Tokens gives the text of the tokens at the given rows, in that order.
func (d *Dump) Tokens(rows []int64) ([]string, error) {
	c := d.cols[colToken]
	if c.kind == absent {
		return nil, fmt.Errorf("%s: the dump has no column token", d.name)
	}
	p, err := d.plan(rows)
	if err != nil {
		return nil, err
	}
	defer d.plans.Put(p)
	text := make([]string, len(rows))
	if c.kind == isDict {
		return text, d.dictText(p, text)
	}
	return text, d.plainText(p, text)
}

// plainText reads the offsets of the rows first, then their bytes.
func (d *Dump) plainText(p *plan, text []string) error {
	type reach struct{ from, to int64 }
	where := make([]reach, len(text))
	offsets := lane{id: colToken, offsets: true, stride: 4, length: 8}
	err := d.each(offsets, p, func(w want, raw []byte) error {
		from, to := listOffset(raw, 4), listOffset(raw[4:], 4)
		if size := w.batch.cols[colToken].values.size; from < 0 || to < from || to > size {
			return w.batch.rowErrorf(w.r, "token: its text reaches from byte %d to %d of %d: %w", from, to, size, errDamaged)
		}
		where[w.at] = reach{from, to}
		return nil
	})
	if err != nil {
		return err
	}
	var scratch []byte
	for rows := p.rows; len(rows) > 0; {
		b, first, n := rows[0].batch, where[rows[0].at], 1
		to := first.to
		for ; n < len(rows) && rows[n].batch == b; n++ {
			next := where[rows[n].at]
			if next.from < first.from || next.from-to > maxGap || next.to-first.from > maxRead {
				break
			}
			to = max(to, next.to)
		}
		raw, err := d.bytes(b, colToken, b.cols[colToken].values, first.from, to, &scratch)
		if err != nil {
			return err
		}
		for _, w := range rows[:n] {
			s := raw[where[w.at].from-first.from : where[w.at].to-first.from]
			if !utf8.Valid(s) {
				return w.batch.rowErrorf(w.r, "token %q is not UTF-8; write its bytes in some readable form", clip(string(s)))
			}
			text[w.at] = string(s)
		}
		rows = rows[n:]
	}
	return nil
}

func (d *Dump) dictText(p *plan, text []string) error {
	l := lane{id: colToken, stride: 4, length: 4, elem: 4}
	index := make([]int32, len(text))
	err := d.each(l, p, func(w want, raw []byte) error {
		index[w.at] = int32(binary.LittleEndian.Uint32(raw))
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range p.rows {
		dict, err := d.dicts.of(w.batch.shard, d.cols[colToken].field)
		if err != nil {
			return err
		}
		i := index[w.at]
		if i < 0 || int(i) >= len(dict) {
			return w.batch.rowErrorf(w.r, "token: index %d into a dictionary of %d: %w", i, len(dict), errDamaged)
		}
		text[w.at] = dict[i]
	}
	return nil
}

// dictionaries are the token texts of each shard, read when first asked for.
type dictionaries struct {
	mu   sync.Mutex
	read map[*shard][]string
}

func (d *dictionaries) of(s *shard, field int) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if dict, ok := d.read[s]; ok {
		return dict, nil
	}
	dict, err := s.dictionary(s.schema.fields[field].dictID)
	if err != nil {
		return nil, err
	}
	if d.read == nil {
		d.read = map[*shard][]string{}
	}
	d.read[s] = dict
	return dict, nil
}

// checkDicts asks for a dictionary of the token column, if it needs one.
func (s *shard) checkDicts(cols *[numCols]column) error {
	c := cols[colToken]
	if c.kind != isDict || s.rows == 0 {
		return nil
	}
	for i, blk := range s.dicts {
		m, err := s.readMessage(blk, headerDictionary)
		if err != nil {
			return fmt.Errorf("%s: dictionary batch %d: %w", s.name, i, err)
		}
		if m.dictID == c.dictID {
			return nil
		}
	}
	return fmt.Errorf("%s: column token: its dictionary %d is missing: %w", s.name, c.dictID, errDamaged)
}

// dictionary reads the texts of dictionary id: one batch, and what later ones
// add to it.
func (s *shard) dictionary(id int64) ([]string, error) {
	var all []string
	found := false
	for i, blk := range s.dicts {
		m, err := s.readMessage(blk, headerDictionary)
		if err == nil && m.dictID == id {
			if found && !m.delta {
				err = errors.New("it replaces an earlier one, which an Arrow file may not do; write the file again")
			} else {
				all, err = s.dictBatch(all, m, blk)
			}
			found = true
		}
		if err != nil {
			return nil, fmt.Errorf("%s: dictionary batch %d: %w", s.name, i, err)
		}
	}
	return all, nil
}

func (s *shard) dictBatch(all []string, m message, blk block) ([]string, error) {
	if len(m.nodes) != 1 || len(m.buffers) != 3 || m.nodes[0].length != m.rows {
		return nil, fmt.Errorf("its layout is not that of text: %w", errDamaged)
	}
	if m.nodes[0].nulls != 0 {
		return nil, errors.New("a text is null; a dump has no nulls, leave it out or fill it")
	}
	if m.rows == 0 {
		return all, nil
	}
	var parts [2][]byte
	for i := range parts {
		buf := m.buffers[i+1]
		sp := span{off: blk.off + blk.meta + buf.off, stored: buf.length, size: buf.length, codec: codecNone}
		if err := s.unpack(&sp, m.codec); err != nil {
			return nil, err
		}
		var err error
		if parts[i], err = s.load(sp, 0, sp.size); err != nil {
			return nil, err
		}
	}
	offsets, text := parts[0], parts[1]
	if m.rows > int64(len(offsets))/4-1 {
		return nil, fmt.Errorf("%d bytes of offsets for %d texts: %w", len(offsets), m.rows, errDamaged)
	}
	// One copy for all texts: a slice of it costs nothing.
	joined := string(text)
	for i := range m.rows {
		from, to := listOffset(offsets[4*i:], 4), listOffset(offsets[4*i+4:], 4)
		if from < 0 || to < from || to > int64(len(joined)) {
			return nil, fmt.Errorf("text %d reaches from byte %d to %d of %d: %w", i, from, to, len(joined), errDamaged)
		}
		if !utf8.ValidString(joined[from:to]) {
			return nil, fmt.Errorf("text %d, %q, is not UTF-8; write its bytes in some readable form", i, clip(joined[from:to]))
		}
		all = append(all, joined[from:to])
	}
	return all, nil
}
