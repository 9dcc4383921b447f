package convert

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/saectl/saectl/internal/dtype"
)

// npyMagic begins an npy file; two bytes of version follow it.
const npyMagic = "\x93NUMPY"

// maxNpyHeader is far above what numpy writes, and what it reads.
const maxNpyHeader = 1 << 20

// npyHeader reads the header of an npy file of size bytes (numpy's format
// document, versions 1 to 3) and gives the array that it describes, without
// where its values lie, and how long the header is. The values must fill the
// rest of the file.
func npyHeader(r io.Reader, size int64) (*array, int64, error) {
	lead := make([]byte, min(size, 12))
	if len(lead) == 0 {
		return nil, 0, errors.New("the file is empty; write it again")
	}
	if _, err := io.ReadFull(r, lead); err != nil {
		return nil, 0, err
	}
	if len(lead) < 12 || !bytes.HasPrefix(lead, []byte(npyMagic)) {
		return nil, 0, fmt.Errorf("this is not an npy file: it does not begin with %q", npyMagic)
	}
	head, length := int64(10), int64(binary.LittleEndian.Uint16(lead[8:]))
	switch lead[6] {
	case 1:
	case 2, 3:
		head, length = 12, int64(binary.LittleEndian.Uint32(lead[8:]))
	default:
		return nil, 0, fmt.Errorf("npy version %d.%d is unknown; versions 1 to 3 are read", lead[6], lead[7])
	}
	if length > size-head {
		return nil, 0, fmt.Errorf("the header is said to have %d bytes, the file has %d: it is cut short or damaged", length, size)
	}
	if length > maxNpyHeader {
		return nil, 0, fmt.Errorf("the header is said to have %d bytes, at most %d are read; the file is damaged", length, maxNpyHeader)
	}
	text := make([]byte, length)
	n := copy(text, lead[head:])
	if _, err := io.ReadFull(r, text[n:]); err != nil {
		return nil, 0, err
	}
	a, err := npyArray(text)
	if err != nil {
		return nil, 0, err
	}
	return a, head + length, a.fits(size - head - length)
}

// fits checks that the values take as many bytes as there are.
func (a *array) fits(have int64) error {
	n, err := count(a.shape, a.kind.Size())
	if err == nil && n*a.kind.Size() != have {
		err = fmt.Errorf("there are %d bytes of values, the shape %s of %s needs %d; the file is damaged or cut short",
			have, clip(a.shape), a.kind, n*a.kind.Size())
	}
	return err
}

// npyArray reads the dictionary of a header.
func npyArray(header []byte) (*array, error) {
	if !utf8.Valid(header) {
		return nil, errors.New("the header is not UTF-8; the file is damaged")
	}
	p := literal{s: strings.TrimRight(string(header), " \n")}
	d, err := p.dictionary()
	if err != nil {
		return nil, fmt.Errorf("the header is not understood: %w", err)
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if _, ok := d[key]; !ok {
			return nil, fmt.Errorf("the header lacks %s; the file is damaged", key)
		}
	}
	if len(d) != 3 {
		return nil, errors.New("the header has other keys than descr, fortran_order and shape; the file is damaged")
	}
	a := &array{}
	if err := a.npyType(d["descr"]); err != nil {
		return nil, err
	}
	if a.shape, err = npyShape(d["shape"]); err != nil {
		return nil, err
	}
	switch d["fortran_order"] {
	case "True":
		a.strides = make([]int64, len(a.shape))
		for k, stride := 0, int64(1); k < len(a.shape); k++ {
			a.strides[k] = stride
			stride *= max(a.shape[k], 1)
		}
	case "False":
	default:
		return nil, fmt.Errorf("fortran_order is %.20s, want True or False", d["fortran_order"])
	}
	return a, nil
}

// npyType reads a description such as '<f4'.
func (a *array) npyType(descr string) error {
	name, ok := unquote(descr)
	if !ok || len(name) < 2 {
		return fmt.Errorf("the type %.60s is not read; save plain numbers", descr)
	}
	if name[1] == 'O' {
		return errors.New("object arrays are not read: they hold a pickle, which may run code; save plain numbers")
	}
	kinds := map[string]dtype.Type{"f2": dtype.F16, "f4": dtype.F32, "f8": dtype.F64, "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
		"u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64", "b1": dtype.Bool}
	if a.kind, ok = kinds[name[1:]]; !ok || !strings.Contains("<>|=", name[:1]) {
		return fmt.Errorf("the type %.60s is not read; save float32, float16, float64 or whole numbers", descr)
	}
	a.bigEndian = name[0] == '>'
	return nil
}

func npyShape(tuple string) ([]int64, error) {
	inner, ok := strings.CutPrefix(tuple, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !ok || !closed {
		return nil, fmt.Errorf("shape is %.60s, want a tuple of whole numbers", tuple)
	}
	shape := []int64{}
	for part := range strings.SplitSeq(inner, ",") {
		part = strings.TrimSuffix(strings.TrimSpace(part), "L") // Python 2 wrote 3L
		if part == "" {
			continue
		}
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("shape is %.60s, want a tuple of whole numbers", tuple)
		}
		if n < 0 {
			return nil, fmt.Errorf("shape %.60s has a negative dimension; the file is damaged", tuple)
		}
		shape = append(shape, n)
	}
	return shape, nil
}

// A literal reads a flat Python dictionary whose values are kept as text; it
// evaluates nothing.
type literal struct{ s string }

func (p *literal) dictionary() (map[string]string, error) {
	d := map[string]string{}
	if !p.eat('{') {
		return nil, errors.New("it does not begin with {")
	}
	for {
		if p.eat('}') {
			break
		}
		key, err := p.value(":")
		if err != nil {
			return nil, err
		}
		name, ok := unquote(key)
		if !ok || !p.eat(':') {
			return nil, fmt.Errorf("%.20q is no key", key)
		}
		if _, twice := d[name]; twice {
			return nil, fmt.Errorf("%.20q is given twice", name)
		}
		if d[name], err = p.value(",}"); err != nil {
			return nil, err
		}
		if !p.eat(',') && !strings.HasPrefix(p.s, "}") {
			return nil, errors.New("it is not closed")
		}
	}
	if p.s = strings.TrimSpace(p.s); p.s != "" {
		return nil, fmt.Errorf("%.20q follows the dictionary", p.s)
	}
	return d, nil
}

// eat takes c off the front, and spaces around it.
func (p *literal) eat(c byte) bool {
	p.s = strings.TrimLeft(p.s, " \t\r\n")
	if p.s == "" || p.s[0] != c {
		return false
	}
	p.s = strings.TrimLeft(p.s[1:], " \t\r\n")
	return true
}

// value takes off what is in front of one of the bytes of end that lies in no
// quotes and no brackets.
func (p *literal) value(end string) (string, error) {
	depth, quote := 0, byte(0)
	for i := range len(p.s) {
		switch c := p.s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case depth == 0 && strings.IndexByte(end, c) >= 0:
			v := strings.TrimSpace(p.s[:i])
			p.s = p.s[i:]
			return v, nil
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		}
	}
	return "", errors.New("it is not closed")
}

// unquote takes the quotes off a plain string.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '\'' && s[0] != '"' || s[len(s)-1] != s[0] || strings.ContainsAny(s[1:len(s)-1], `\'"`) {
		return s, false
	}
	return s[1 : len(s)-1], true
}
