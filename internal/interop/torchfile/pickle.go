package torchfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"
)

// The values of a pickle beside bool, int64, float64, string, *big.Int, nil for
// None, *storage and *Tensor.
type (
	list struct{ items []any }
	dict struct {
		keys, values []any
		seen         map[any]bool
	}
	tuple  []any
	global string // module and name of an allowed one
	mark   struct{}
)

// set adds an entry. Keys that cannot be compared are refused, as Python does.
func (d *dict) set(k, v any) error {
	switch k.(type) {
	case string, int64, bool, float64, nil:
	default:
		return fmt.Errorf("%s as the key of a dictionary", kindOf(k))
	}
	if d.seen[k] {
		return fmt.Errorf("key %.60q appears twice", fmt.Sprint(k))
	}
	if d.seen == nil {
		d.seen = map[any]bool{}
	}
	d.seen[k] = true
	d.keys, d.values = append(d.keys, k), append(d.values, v)
	return nil
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64, *big.Int:
		return "an integer"
	case float64:
		return "a float"
	case string:
		return "a string"
	case *list:
		return "a list"
	case *dict:
		return "a dictionary"
	case tuple:
		return "a tuple"
	case *Tensor:
		return "a tensor"
	case *storage:
		return "a storage"
	case global:
		return "a class"
	}
	return "something else"
}

var (
	errEnds   = errors.New("the pickle ends early; the file is cut short or damaged")
	errBroken = errors.New("broken pickle")
)

// A machine runs pickles one after another from r.
type machine struct {
	in   *bufio.Reader
	left int64 // bytes not yet read
	size int64
	find func(key string, e elements) (*storage, error)

	stack []any
	memo  map[uint32]any
}

func newMachine(r io.Reader, size int64) *machine {
	return &machine{in: bufio.NewReaderSize(r, 1<<12), left: size, size: size}
}

// at is the place of the next byte.
func (m *machine) at() int64 { return m.size - m.left }

// run runs one pickle and returns its object.
func (m *machine) run() (any, error) {
	m.stack, m.memo = nil, map[uint32]any{}
	for {
		at := m.at()
		op, err := m.byte()
		if err != nil {
			return nil, err
		}
		if op == opStop {
			return m.pop()
		}
		if err := m.step(op); err != nil {
			return nil, fmt.Errorf("byte %d: %w", at, err)
		}
	}
}

// bytes reads n of them, which must be there.
func (m *machine) bytes(n int64) ([]byte, error) {
	if n < 0 || n > m.left {
		return nil, errEnds
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(m.in, b); err != nil {
		return nil, errEnds
	}
	m.left -= n
	return b, nil
}

func (m *machine) byte() (byte, error) {
	if m.left < 1 {
		return 0, errEnds
	}
	b, err := m.in.ReadByte()
	if err != nil {
		return 0, errEnds
	}
	m.left--
	return b, nil
}

// number reads n bytes, little-endian.
func (m *machine) number(n int64) (uint64, error) {
	b, err := m.bytes(n)
	if err != nil {
		return 0, err
	}
	var whole [8]byte
	copy(whole[:], b)
	return binary.LittleEndian.Uint64(whole[:]), nil
}

// line reads to the next newline, which is dropped. Names are short.
func (m *machine) line() (string, error) {
	var b []byte
	for len(b) < 1<<10 {
		c, err := m.byte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return string(b), nil
		}
		b = append(b, c)
	}
	return "", fmt.Errorf("%w: a name of over %d bytes", errBroken, len(b))
}

// text reads a string whose length has n bytes.
func (m *machine) text(n int64) error {
	length, err := m.number(n)
	if err != nil {
		return err
	}
	if length > uint64(m.left) {
		return errEnds
	}
	b, err := m.bytes(int64(length))
	if err != nil {
		return err
	}
	if !utf8.Valid(b) {
		return fmt.Errorf("%w: a string is not UTF-8", errBroken)
	}
	m.push(string(b))
	return nil
}

// long reads an integer of n bytes, little-endian in two's complement.
func (m *machine) long(n int64) error {
	b, err := m.bytes(n)
	if err != nil {
		return err
	}
	negative := len(b) > 0 && b[len(b)-1]&0x80 != 0
	slices.Reverse(b)
	v := new(big.Int).SetBytes(b)
	if negative {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if v.IsInt64() {
		m.push(v.Int64())
	} else {
		m.push(v)
	}
	return nil
}

func (m *machine) float() error {
	b, err := m.bytes(8)
	if err == nil {
		m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	}
	return err
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) top() (any, error) {
	if len(m.stack) == 0 {
		return nil, fmt.Errorf("%w: the stack is empty", errBroken)
	}
	v := m.stack[len(m.stack)-1]
	if _, ok := v.(mark); ok {
		return nil, fmt.Errorf("%w: a mark stands where a value is wanted", errBroken)
	}
	return v, nil
}

func (m *machine) pop() (any, error) {
	v, err := m.top()
	if err == nil {
		m.stack = m.stack[:len(m.stack)-1]
	}
	return v, err
}

// popMark takes everything above the last mark, and the mark.
func (m *machine) popMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			items := slices.Clone(m.stack[i+1:])
			m.stack = m.stack[:i]
			return items, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no mark", errBroken)
}

func (m *machine) popTuple(n int) error {
	t := make(tuple, n)
	for i := n - 1; i >= 0; i-- {
		v, err := m.pop()
		if err != nil {
			return err
		}
		t[i] = v
	}
	m.push(t)
	return nil
}
