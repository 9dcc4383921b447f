package activations

import (
	"encoding/binary"
	"fmt"
)

// The kinds of message (format/Message.fbs) and of compression that matter.
const (
	headerDictionary = 2
	headerBatch      = 3

	codecNone = -1
	codecLZ4  = 0
	codecZSTD = 1
)

// A message is the metadata of one record batch or dictionary batch.
type message struct {
	rows     int64
	nodes    []node
	buffers  []buffer
	variadic []int64
	codec    int8

	dictID int64
	delta  bool
}

// A node says of a column, or of the child of one, how long it is.
type node struct{ length, nulls int64 }

// A buffer is a part of a message's body, as the metadata states it.
type buffer struct{ off, length int64 }

// readMessage reads the metadata of the block and checks its buffers against
// the body. It says nothing of the file or the batch: the caller does.
func (s *shard) readMessage(b block, want uint8) (message, error) {
	raw := make([]byte, b.meta)
	if err := s.readAt(raw, b.off); err != nil {
		return message{}, err
	}
	fb, err := unframe(raw)
	if err != nil {
		return message{}, err
	}
	f := &flat{buf: fb}
	root := f.root()
	header, ok := root.sub(2)
	kind, body := root.u8(1, 0), root.i64(3)
	m := message{codec: codecNone}
	if ok && kind == headerDictionary {
		m.dictID, m.delta = header.i64(0), header.u8(2, 0) != 0
		header, ok = header.sub(1)
	}
	if f.bad || !ok || kind != want {
		return m, fmt.Errorf("its metadata is unreadable: %w", errDamaged)
	}
	if body != b.body {
		return m, fmt.Errorf("its body has %d bytes by its own metadata and %d by the footer: %w", body, b.body, errDamaged)
	}
	if err := m.parse(header); err != nil {
		return m, err
	}
	for i, buf := range m.buffers {
		if buf.off < 0 || buf.length < 0 || buf.off > body-buf.length {
			return m, fmt.Errorf("%sbuffer %d of %d bytes at byte %d lies outside the body of %d bytes: %w",
				s.owner(&m, want, i), i, buf.length, buf.off, body, errDamaged)
		}
	}
	return m, nil
}

// owner names the column of a record batch that buffer i belongs to.
func (s *shard) owner(m *message, kind uint8, i int) string {
	if kind != headerBatch {
		return ""
	}
	starts, err := layoutOf(s.schema.fields, m)
	if err != nil {
		return ""
	}
	name := ""
	for j, at := range starts {
		if at.buffer <= i {
			name = fmt.Sprintf("column %s: ", clip(s.schema.fields[j].name))
		}
	}
	return name
}

// unframe takes off the length in front of the flatbuffer, which since Arrow
// 0.15 follows a marker.
func unframe(raw []byte) ([]byte, error) {
	lead := 4
	if len(raw) >= 8 && binary.LittleEndian.Uint32(raw) == 0xffffffff {
		lead = 8
	}
	if len(raw) < lead {
		return nil, fmt.Errorf("its metadata has %d bytes: %w", len(raw), errDamaged)
	}
	n := int64(int32(binary.LittleEndian.Uint32(raw[lead-4:])))
	if n <= 0 || n > int64(len(raw)-lead) || binary.LittleEndian.Uint32(raw) == 0 {
		return nil, fmt.Errorf("its metadata is said to have %d bytes, there is room for %d: %w", n, len(raw)-lead, errDamaged)
	}
	return raw[lead:], nil // with the padding, as Arrow's reader takes it
}

func (m *message) parse(t table) error {
	f := t.f
	m.rows = t.i64(0)
	at, n := t.vector(1, 16)
	for i := range n {
		m.nodes = append(m.nodes, node{f.i64(at + 16*i), f.i64(at + 16*i + 8)})
	}
	at, n = t.vector(2, 16)
	for i := range n {
		m.buffers = append(m.buffers, buffer{f.i64(at + 16*i), f.i64(at + 16*i + 8)})
	}
	at, n = t.vector(4, 8)
	for i := range n {
		m.variadic = append(m.variadic, f.i64(at+8*i))
	}
	if c, ok := t.sub(3); ok {
		m.codec = int8(c.u8(0, 0))
		if m.codec != codecLZ4 && m.codec != codecZSTD {
			return fmt.Errorf("compression %d is unknown; write the file uncompressed, or with LZ4 or ZSTD", m.codec)
		}
	}
	if f.bad {
		return fmt.Errorf("its metadata is unreadable: %w", errDamaged)
	}
	if m.rows < 0 {
		return fmt.Errorf("it is said to have %d rows: %w", m.rows, errDamaged)
	}
	return nil
}
