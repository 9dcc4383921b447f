package activations

import "encoding/binary"

// flat reads a flatbuffer without trusting it: a position outside the buffer
// gives zero and sets bad, so that a damaged message is found once, at the
// end, and never by a panic. (google/flatbuffers slices without asking.)
type flat struct {
	buf  []byte
	bad  bool
	text int64 // bytes of strings handed out: many slots may point at one string
}

// maxShared is how often the bytes of a buffer may be handed out as strings.
const maxShared = 16

// A table is one flatbuffer table: pos is where it starts, vtable where its
// list of slots starts, slots how many it has.
type table struct {
	f      *flat
	pos    int64
	vtable int64
	slots  int64
}

// at gives n bytes at pos, or nil when the buffer does not hold them.
func (f *flat) at(pos, n int64) []byte {
	if pos < 0 || pos > int64(len(f.buf))-n {
		f.bad = true
		return nil
	}
	return f.buf[pos : pos+n]
}

func (f *flat) u16(pos int64) int64 {
	if b := f.at(pos, 2); b != nil {
		return int64(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (f *flat) u32(pos int64) int64 {
	if b := f.at(pos, 4); b != nil {
		return int64(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (f *flat) i64(pos int64) int64 {
	if b := f.at(pos, 8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// root is the table that the buffer is about.
func (f *flat) root() table { return f.table(f.u32(0)) }

func (f *flat) table(pos int64) table {
	vtable := pos - int64(int32(f.u32(pos)))
	size := f.u16(vtable)
	if f.at(vtable, size) == nil || size < 4 || size%2 != 0 {
		f.bad = true
		return table{f: f}
	}
	return table{f: f, pos: pos, vtable: vtable, slots: (size - 4) / 2}
}

// slot is where field i of the table lies, or 0 when it is absent.
func (t table) slot(i int64) int64 {
	if i >= t.slots {
		return 0
	}
	off := t.f.u16(t.vtable + 4 + 2*i)
	if off == 0 {
		return 0
	}
	return t.pos + off
}

func (t table) u8(i int64, absent uint8) uint8 {
	if p := t.slot(i); p != 0 {
		if b := t.f.at(p, 1); b != nil {
			return b[0]
		}
	}
	return absent
}

func (t table) i16(i int64) int16 {
	if p := t.slot(i); p != 0 {
		return int16(t.f.u16(p))
	}
	return 0
}

func (t table) i32(i int64) int32 {
	if p := t.slot(i); p != 0 {
		return int32(t.f.u32(p))
	}
	return 0
}

func (t table) i64(i int64) int64 {
	if p := t.slot(i); p != 0 {
		return t.f.i64(p)
	}
	return 0
}

// sub is the table that field i refers to.
func (t table) sub(i int64) (table, bool) {
	p := t.slot(i)
	if p == 0 {
		return table{}, false
	}
	s := t.f.table(p + t.f.u32(p))
	return s, s.vtable != 0
}

// vector is where the elements of field i start and how many there are; their
// bytes are known to lie inside the buffer.
func (t table) vector(i, elem int64) (start, n int64) {
	p := t.slot(i)
	if p == 0 {
		return 0, 0
	}
	start = p + t.f.u32(p)
	n = t.f.u32(start)
	start += 4
	if t.f.at(start, n*elem) == nil && n > 0 {
		t.f.bad = true
		return 0, 0
	}
	return start, n
}

// element is table i of a vector of tables that starts at start.
func (t table) element(start, i int64) table {
	p := start + 4*i
	return t.f.table(p + t.f.u32(p))
}

func (t table) str(i int64) string {
	start, n := t.vector(i, 1)
	if t.f.text += n; t.f.text > maxShared*int64(len(t.f.buf)) {
		t.f.bad = true
		return ""
	}
	return string(t.f.at(start, n))
}
