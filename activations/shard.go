package activations

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A Shard is one file of a dump: a name for messages, and where its bytes are.
type Shard struct {
	Name string
	R    io.ReaderAt
	Size int64 // bytes
}

// A shard is an open Shard with what its footer says.
type shard struct {
	name    string
	r       io.ReaderAt
	size    int64
	schema  schema
	batches []block
	dicts   []block
	rows    int64
}

// A block is where the footer says that a message lies: metadata at off, and
// the body right behind it.
type block struct {
	off, meta, body int64
}

const (
	magic      = "ARROW1"
	headBytes  = 8              // the first magic and its padding
	tailBytes  = 4 + len(magic) // the footer's length and the last magic
	blockBytes = 24             // of the footer's struct
	minFile    = headBytes + tailBytes
)

// readAt fills p from off. A file that no longer has those bytes was changed
// after it was opened, since all offsets were checked then.
func (s *shard) readAt(p []byte, off int64) error {
	n, err := s.r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err == nil {
		return fmt.Errorf("%s: no bytes at %d, but the file had %d when it was opened; "+
			"it was cut short meanwhile: leave a dump as it is while it is read", s.name, off+int64(n), s.size)
	}
	return fmt.Errorf("%s: reading %d bytes at %d: %w", s.name, len(p), off, err)
}

// openShard reads the footer; the record batches are not touched.
func openShard(in Shard) (*shard, error) {
	s := &shard{name: in.Name, r: in.R, size: in.Size}
	footer, start, err := s.readFooter()
	if err != nil {
		return nil, err
	}
	if err := s.parseFooter(footer, start); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return s, nil
}

// readFooter gives the footer's bytes and where they start in the file.
func (s *shard) readFooter() (footer []byte, start int64, err error) {
	if s.size == 0 {
		return nil, 0, fmt.Errorf("%s: the file is empty; write it again", s.name)
	}
	head := make([]byte, min(s.size, headBytes))
	if err := s.readAt(head, 0); err != nil {
		return nil, 0, err
	}
	if !bytes.HasPrefix([]byte(magic), head) && !bytes.HasPrefix(head, []byte(magic)) {
		return nil, 0, fmt.Errorf("%s: %w", s.name, notAFile(head))
	}
	cut := fmt.Errorf("%s: the file is cut short or was not finished: it has %d bytes and does not end in %s; copy it again or write it again",
		s.name, s.size, magic)
	if s.size < int64(minFile) {
		return nil, 0, cut
	}
	tail := make([]byte, tailBytes)
	if err := s.readAt(tail, s.size-int64(tailBytes)); err != nil {
		return nil, 0, err
	}
	if string(tail[4:]) != magic {
		return nil, 0, cut
	}
	n := int64(int32(binary.LittleEndian.Uint32(tail)))
	start = s.size - int64(tailBytes) - n
	if n <= 0 || start < headBytes {
		return nil, 0, fmt.Errorf("%s: the footer is said to have %d bytes, the file has %d: %w", s.name, n, s.size, errDamaged)
	}
	footer = make([]byte, n)
	return footer, start, s.readAt(footer, start)
}

// notAFile says what a file is that does not begin as an Arrow file does.
func notAFile(head []byte) error {
	if isStream(head) {
		return errors.New("this is an Arrow IPC stream, which has no index of its rows, where an Arrow IPC file is expected; " +
			"'saectl data convert' reads it and writes a dump")
	}
	return fmt.Errorf("this is not an Arrow file: it does not begin with %s; 'saectl data convert' reads other formats", magic)
}

// isStream reports whether a file that begins with head looks like an Arrow IPC
// stream, also one written before Arrow 0.15.
func isStream(head []byte) bool {
	if len(head) < headBytes {
		return false
	}
	first, second := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	return first == 0xffffffff || first > 0 && first < 1<<24 && first%8 == 4 && second > 0 && second < first
}

func (s *shard) parseFooter(footer []byte, start int64) error {
	f := &flat{buf: footer}
	root := f.root()
	sch, ok := root.sub(1)
	if f.bad || !ok {
		return fmt.Errorf("the footer is unreadable: %w", errDamaged)
	}
	var err error
	if s.schema, err = f.schema(sch); err != nil {
		return fmt.Errorf("the schema in the footer: %w", err)
	}
	if s.schema.bigEndian {
		return errBigEndian
	}
	if s.dicts, err = blocks(root, 2, start, "dictionary"); err != nil {
		return err
	}
	s.batches, err = blocks(root, 3, start, "record batch")
	return err
}

// blocks reads a list of the footer; a block must end before the footer.
func blocks(root table, slot, end int64, what string) ([]block, error) {
	at, n := root.vector(slot, blockBytes)
	list := make([]block, n)
	for i := range list {
		p := at + int64(i)*blockBytes
		b := block{off: root.f.i64(p), meta: int64(int32(root.f.u32(p + 8))), body: root.f.i64(p + 16)}
		switch {
		case b.off < headBytes || b.meta < 0 || b.body < 0:
			return nil, fmt.Errorf("%s %d: the footer places it at byte %d with %d bytes of metadata and %d of data: %w",
				what, i, b.off, b.meta, b.body, errDamaged)
		case b.off > end-b.meta || b.off+b.meta > end-b.body:
			return nil, fmt.Errorf("%s %d: %d bytes of metadata and %d of data at byte %d lie beyond the end of the file, which has %d before its footer: %w",
				what, i, b.meta, b.body, b.off, end, errDamaged)
		}
		list[i] = b
	}
	if root.f.bad {
		return nil, fmt.Errorf("the footer's list of %s blocks: %w", what, errDamaged)
	}
	return list, nil
}
