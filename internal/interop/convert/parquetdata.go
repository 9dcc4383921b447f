package convert

import (
	"errors"
	"fmt"
)

// readPage reads a page: a dictionary is kept, data become r.page.
func (r *parquetReader) readPage() error {
	h, err := r.pager.header()
	if err != nil {
		return err
	}
	body, err := r.pager.body(h)
	if err != nil {
		return err
	}
	switch h.kind {
	case 2:
		if h.encoding != encPlain && h.encoding != encPlainDict {
			return fmt.Errorf("a dictionary in encoding %d, which is not read", h.encoding)
		}
		if r.dict, err = plain(r.kind, append([]byte(nil), body...), h.values); err != nil {
			return fmt.Errorf("the dictionary: %w", err)
		}
	case 0, 3:
		return r.data(h, body)
	}
	return nil // an index page
}

// data decodes the levels and the values of a data page.
func (r *parquetReader) data(h pageHeader, body []byte) error {
	if h.values < 0 || h.values > 1<<20+8192*int64(len(body)) {
		return fmt.Errorf("a page of %d bytes is said to have %d values", len(body), h.values)
	}
	rep, def, body, err := r.levelBytes(h, body)
	if err != nil {
		return err
	}
	r.page.rep = nil
	if r.leaf.maxRep > 0 {
		r.page.rep = make([]uint8, h.values)
		if err := levels(r.page.rep, rep, r.leaf.maxRep); err != nil {
			return err
		}
	}
	if err := r.noNulls(def, h.values); err != nil {
		return err
	}
	r.page.left = h.values
	r.page.values, err = r.decode(h, body)
	return err
}

// levelBytes takes the levels off the front of a page.
func (r *parquetReader) levelBytes(h pageHeader, body []byte) (rep, def, rest []byte, err error) {
	cut := func(n int64) []byte {
		if n < 0 || n > int64(len(body)) {
			err = errors.New("the levels of a page are longer than the page")
			return nil
		}
		part := body[:n]
		body = body[n:]
		return part
	}
	if h.kind == 3 {
		return cut(h.repBytes), cut(h.defBytes), body, err
	}
	prefixed := func(most int, enc int64) []byte {
		if most == 0 {
			return nil
		}
		if enc != encRLE {
			err = fmt.Errorf("levels in encoding %d, which is not read", enc)
			return nil
		}
		n := cut(4)
		if len(n) < 4 {
			return nil
		}
		return cut(int64(n[0]) | int64(n[1])<<8 | int64(n[2])<<16 | int64(n[3])<<24)
	}
	rep = prefixed(r.leaf.maxRep, h.repEnc)
	def = prefixed(r.leaf.maxDef, h.defEnc)
	return rep, def, body, err
}

// noNulls asks the definition levels of a page to say that every value is
// there.
func (r *parquetReader) noNulls(def []byte, n int64) error {
	most := r.leaf.maxDef
	if most == 0 {
		return nil
	}
	d := make([]uint8, n)
	if err := levels(d, def, most); err != nil {
		return err
	}
	row := r.row
	for i, v := range d {
		if r.page.rep == nil || r.page.rep[i] == 0 {
			row++
		}
		if int(v) != most {
			r.row = row
			return r.rowErrorf("it is null, holds a null or has no values; a dump has no nulls: leave the row out or fill it")
		}
	}
	if r.page.rep == nil {
		r.row = row
	}
	return nil
}
