package activations

import (
	"container/list"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// decompress gives the first n bytes of what a buffer holds, all of which is
// unpacked to see that it ends where it says. n is at most sp.size.
func decompress(s *shard, sp span, n int64) ([]byte, error) {
	unpack := unpackZSTD
	if sp.codec == codecLZ4 {
		unpack = unpackLZ4
	}
	in := &bodyReader{s: s, at: sp.off, end: sp.off + sp.stored}
	out, err := unpack(in, sp)
	switch {
	case in.err != nil:
		return nil, in.err
	case err != nil:
		return nil, fmt.Errorf("unpacking a compressed buffer: %v: %w", err, errDamaged)
	case int64(len(out)) != sp.size:
		return nil, fmt.Errorf("a compressed buffer holds %d bytes, %d were announced: %w", len(out), sp.size, errDamaged)
	}
	return out[:n], nil
}

func unpackLZ4(in io.Reader, sp span) ([]byte, error) {
	r := lz4.NewReader(in)
	out := make([]byte, sp.size)
	n, err := io.ReadFull(r, out)
	if err != nil {
		return out[:n], err
	}
	if more, err := io.Copy(io.Discard, io.LimitReader(r, 1)); more != 0 || err != nil {
		return nil, fmt.Errorf("more than the %d bytes announced (%v)", sp.size, err)
	}
	return out, nil
}

// unpackZSTD unpacks in one go, which needs no memory for the window that the
// data ask for.
func unpackZSTD(in io.Reader, sp span) ([]byte, error) {
	packed := make([]byte, sp.stored)
	if _, err := io.ReadFull(in, packed); err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(packed, make([]byte, 0, sp.size))
}

// A bodyReader reads a part of a shard in order and keeps the error of the
// file apart from those of what it holds.
type bodyReader struct {
	s       *shard
	at, end int64
	err     error
}

func (r *bodyReader) Read(p []byte) (int, error) {
	if r.at >= r.end {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.end-r.at)]
	if r.err = r.s.readAt(p, r.at); r.err != nil {
		return 0, r.err
	}
	r.at += int64(len(p))
	return len(p), nil
}

// A cache keeps the buffers unpacked last, at most limit bytes of them besides
// those in use. A buffer wanted by several at once is unpacked once.
type cache struct {
	mu    sync.Mutex
	bytes int64
	byKey map[cacheKey]*list.Element
	used  list.List // of *cached, the last used first
}

type cacheKey struct {
	shard *shard
	sp    span
	n     int64
}

type cached struct {
	key  cacheKey
	size int64
	once sync.Once
	data []byte
	err  error
}

// cacheLimit holds two record batches of the format's largest size.
const cacheLimit = 128 << 20

// get gives the first n bytes of what a compressed buffer holds.
func (c *cache) get(s *shard, sp span, n int64) ([]byte, error) {
	e := c.entry(cacheKey{s, sp, n}, sp.size)
	e.once.Do(func() { e.data, e.err = decompress(s, sp, n) })
	return e.data, e.err
}

func (c *cache) entry(key cacheKey, size int64) *cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.byKey[key]; ok {
		c.used.MoveToFront(el)
		return el.Value.(*cached)
	}
	e := &cached{key: key, size: size}
	if c.byKey == nil {
		c.byKey = map[cacheKey]*list.Element{}
	}
	c.byKey[key] = c.used.PushFront(e)
	c.bytes += size
	for c.bytes > cacheLimit && c.used.Len() > 1 {
		old := c.used.Remove(c.used.Back()).(*cached)
		delete(c.byKey, old.key)
		c.bytes -= old.size
	}
	return e
}
