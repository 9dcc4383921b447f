package activations

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// headerSchema is the kind of message that begins a stream.
const headerSchema = 1

// scanStream finds the messages of an Arrow IPC stream, which has no footer to
// name them, by going from one to the next. Bodies are passed over.
func scanStream(in Shard) (*shard, error) {
	s := &shard{name: in.Name, r: in.R, size: in.Size}
	at, err := s.streamSchema()
	for err == nil {
		var more bool
		if at, more, err = s.streamMessage(at); !more {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return s, nil
}

// streamSchema reads the first message and gives where the next one begins.
func (s *shard) streamSchema() (int64, error) {
	meta, raw, err := s.frame(0)
	if err != nil {
		return 0, fmt.Errorf("the schema: %w", err)
	}
	f := &flat{buf: raw}
	root := f.root()
	sch, ok := root.sub(2)
	if f.bad || !ok || root.u8(1, 0) != headerSchema {
		return 0, fmt.Errorf("the first message is no schema: %w", errDamaged)
	}
	if s.schema, err = f.schema(sch); err != nil {
		return 0, fmt.Errorf("the schema: %w", err)
	}
	if s.schema.bigEndian {
		return 0, errBigEndian
	}
	return meta, nil
}

// streamMessage notes the message at a place and gives where the next begins;
// more is false at the end of the stream.
func (s *shard) streamMessage(at int64) (next int64, more bool, err error) {
	if at == s.size {
		return at, false, nil // an end marker may be left out
	}
	fail := func(err error) (int64, bool, error) {
		return 0, false, fmt.Errorf("the message behind record batch %d: %w", len(s.batches)-1, err)
	}
	meta, raw, err := s.frame(at)
	if err != nil {
		return fail(err)
	}
	if raw == nil {
		return at, false, nil
	}
	f := &flat{buf: raw}
	root := f.root()
	kind, b := root.u8(1, 0), block{off: at, meta: meta, body: root.i64(3)}
	switch {
	case f.bad || kind != headerBatch && kind != headerDictionary:
		return fail(fmt.Errorf("its metadata is unreadable: %w", errDamaged))
	case b.body < 0:
		return fail(fmt.Errorf("its body has %d bytes: %w", b.body, errDamaged))
	case b.body > s.size-at-meta:
		return fail(fmt.Errorf("the stream is cut short: %d bytes are to follow byte %d, the file has %d; copy it again or write it again", b.body, at+meta, s.size))
	}
	if kind == headerBatch {
		s.batches = append(s.batches, b)
	} else {
		s.dicts = append(s.dicts, b)
	}
	return at + meta + b.body, true, nil
}

// frame reads the metadata of a message: how many bytes they take with what is
// in front of them, and the flatbuffer, nil for the end marker.
func (s *shard) frame(at int64) (meta int64, raw []byte, err error) {
	cut := func(want int64) error {
		return fmt.Errorf("the stream is cut short: %d bytes of metadata are to follow byte %d, the file has %d; copy it again or write it again", want, at, s.size)
	}
	var head [8]byte
	lead := min(8, s.size-at)
	if lead < 4 {
		return 0, nil, cut(4)
	}
	if err := s.readAt(head[:lead], at); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n == 0xffffffff {
		if lead < 8 {
			return 0, nil, cut(8)
		}
		n = binary.LittleEndian.Uint32(head[4:])
	} else {
		lead = 4 // written before Arrow 0.15
	}
	switch {
	case n == 0:
		return lead, nil, nil
	case int32(n) < 0:
		return 0, nil, fmt.Errorf("its metadata is said to have %d bytes: %w", int32(n), errDamaged)
	case int64(n) > s.size-at-lead:
		return 0, nil, cut(int64(n))
	}
	raw = make([]byte, n)
	return lead + int64(n), raw, s.readAt(raw, at+lead)
}

var errBigEndian = errors.New("the numbers are big-endian; write the file again on a little-endian machine")
