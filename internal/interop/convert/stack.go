package convert

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// stacked takes columns of plain numbers called d0, d1, ... as the values of a
// row.
func stacked(src string, c container, list []entry) (*column, string, error) {
	var prefix string
	byIndex := map[int]entry{}
	for _, e := range list {
		head := strings.TrimRight(e.name, "0123456789")
		i, err := strconv.Atoi(e.name[len(head):])
		if err != nil || !e.kind.IsFloat() || e.dims != 1 {
			continue
		}
		if len(byIndex) > 0 && (head != prefix || byIndex[0].kind != e.kind && byIndex[0].name != "") {
			return nil, "", nil
		}
		prefix, byIndex[i] = head, e
	}
	if len(byIndex) < 2 {
		return nil, "", nil
	}
	s := &stack{}
	for i := range len(byIndex) {
		e, ok := byIndex[i]
		if !ok {
			return nil, "", fmt.Errorf("%s: of the columns %s0 to %s%d there is no %s%d", src, prefix, prefix, len(byIndex)-1, prefix, i)
		}
		col, err := c.open(e.name, true)
		if err != nil {
			return nil, "", err
		}
		if len(s.parts) > 0 && (col.rows != s.parts[0].rows || col.kind != s.parts[0].kind) {
			return nil, "", errors.New(src + ": the columns of the dimensions differ in rows or type")
		}
		s.parts = append(s.parts, col)
	}
	first := s.parts[0]
	return &column{where: first.where + " and the others", kind: first.kind, d: int64(len(s.parts)), rows: first.rows, reader: s}, prefix, nil
}

// A stack is columns of plain numbers side by side.
type stack struct {
	parts   []*column
	scratch rows
}

func (s *stack) seek(row int64) error {
	for _, p := range s.parts {
		if err := p.seek(row); err != nil {
			return err
		}
	}
	return nil
}

func (s *stack) read(dst *rows, n int64) error {
	dst.reset()
	size, d := s.parts[0].kind.Size(), int64(len(s.parts))
	raw := dst.extend(n * d * size)
	for k, p := range s.parts {
		if err := p.read(&s.scratch, n); err != nil {
			return err
		}
		for i := range n {
			copy(raw[(i*d+int64(k))*size:], s.scratch.raw[i*size:(i+1)*size])
		}
	}
	return nil
}

func (s *stack) Close() error {
	for _, p := range s.parts {
		p.Close()
	}
	return nil
}
