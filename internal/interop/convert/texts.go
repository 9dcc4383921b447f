package convert

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// texts adds the texts [from,to) of the innermost values.
func (r *tableReader) texts(dst *rows, from, to int64) error {
	if r.index != "" {
		return r.lookUp(dst, from, to)
	}
	v := &r.nest.values
	at := make([]int64, to-from+1)
	if err := r.nest.offsets(v, from, to, at); err != nil {
		return err
	}
	for i := 1; i < len(at); i++ {
		if at[0] < 0 || at[i] < at[i-1] {
			return fmt.Errorf("%s: column %s, text %d reaches from byte %d to %d; the file is damaged", r.nest.where, r.nest.name, from+int64(i)-1, at[i-1], at[i])
		}
	}
	raw, err := v.Values(nil, at[0], at[len(at)-1])
	if err != nil {
		return fmt.Errorf("%s: column %s: %w", r.nest.where, r.nest.name, err)
	}
	all := string(raw)
	for i := 1; i < len(at); i++ {
		dst.text = append(dst.text, strings.ToValidUTF8(all[at[i-1]-at[0]:at[i]-at[0]], string(utf8.RuneError)))
	}
	return nil
}

// lookUp adds texts of a dictionary.
func (r *tableReader) lookUp(dst *rows, from, to int64) error {
	size := r.index.Size()
	raw, err := r.nest.values.Values(nil, from*size, to*size)
	if err != nil {
		return err
	}
	for i := range int(to - from) {
		k := r.index.Integer(raw, i)
		if k < 0 || k >= int64(len(r.dict)) {
			return fmt.Errorf("%s: column %s, value %d: index %d into a dictionary of %d; the file is damaged", r.nest.where, r.nest.name, from+int64(i), k, len(r.dict))
		}
		dst.text = append(dst.text, r.dict[k])
	}
	return nil
}
