package convert

import (
	"fmt"
	"strings"

	"github.com/saectl/saectl/internal/dtype"
)

// walk collects the leaves below the first of elements and gives what follows.
func (m *parquetMeta) walk(elements []element, name, path string, def, rep, depth int) ([]element, error) {
	e, rest := elements[0], elements[1:]
	if depth > maxNested || e.children < 0 {
		return nil, errFooter
	}
	if e.repetition == isOptional || e.repetition == isRepeated {
		def++
	}
	if e.repetition == isRepeated {
		rep++
	}
	path = strings.TrimPrefix(path+"."+e.name, ".")
	if e.children == 0 {
		m.leaves = append(m.leaves, leaf{name: name, path: path, element: e, maxDef: def, maxRep: rep})
		return rest, nil
	}
	for range e.children {
		if len(rest) == 0 {
			return nil, errFooter
		}
		var err error
		if rest, err = m.walk(rest, name, path, def, rep, depth+1); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// check compares what the footer says with the size of the file.
func (m *parquetMeta) check(size int64) error {
	rows := int64(0)
	for i, g := range m.groups {
		if len(g.chunks) != len(m.leaves) || g.rows < 0 || g.rows > m.rows-rows {
			return fmt.Errorf("row group %d has %d columns and %d rows, the file %d and %d: %w", i, len(g.chunks), g.rows, len(m.leaves), m.rows, errFooter)
		}
		rows += g.rows
		for k, c := range g.chunks {
			switch {
			case c.encrypted:
				return fmt.Errorf("column %s is encrypted, which is not read; decrypt it first", m.leaves[k].path)
			case c.other != "":
				return fmt.Errorf("column %s lies in another file, which is not read; write the file again as a whole", m.leaves[k].path)
			case c.start < 4 || c.size < 0 || c.start > size-c.size || c.values < 0:
				return fmt.Errorf("row group %d, column %s: %d bytes at byte %d do not lie in the file of %d: %w", i, m.leaves[k].path, c.size, c.start, size, errFooter)
			}
		}
	}
	if rows != m.rows {
		return fmt.Errorf("the row groups have %d rows, the file %d: %w", rows, m.rows, errFooter)
	}
	return nil
}

// kind is the type of a leaf's values, "" if it is not read.
func (l leaf) kind() dtype.Type {
	switch e := l.element; e.physical {
	case parquetFloat:
		return dtype.F32
	case parquetDbl:
		return dtype.F64
	case parquetInt32:
		return "int32"
	case parquetInt64:
		return "int64"
	case parquetBytes:
		return text
	case parquetFixed:
		switch {
		case e.half && e.length == 2:
			return dtype.F16
		case e.length == 2:
			return "uint16"
		}
	}
	return ""
}
