package convert

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/saectl/saectl/internal/reuse"
)

// A pageHeader describes a page (PageHeader of parquet.thrift).
type pageHeader struct {
	kind               int64 // 0 data, 2 dictionary, 3 data version 2
	unpacked, packed   int64 // bytes
	crc                int64
	hasCRC             bool
	values, encoding   int64
	defEnc, repEnc     int64
	defBytes, repBytes int64 // of version 2
	stored             bool  // values of version 2 are not compressed
}

// maxPageHeader bounds a page's header, in which statistics may hold texts.
const maxPageHeader = 1 << 20

// maxPage bounds a page when unpacked; writers make them of a megabyte.
const maxPage = 512 << 20

func (t *thrift) pageHeader() pageHeader {
	h := pageHeader{encoding: -1}
	t.fields(func(id int64, typ byte) {
		switch {
		case id == 1:
			h.kind = t.int()
		case id == 2:
			h.unpacked = t.int()
		case id == 3:
			h.packed = t.int()
		case id == 4:
			h.crc, h.hasCRC = t.int(), true
		case (id == 5 || id == 7 || id == 8) && typ == thriftStruct:
			t.fields(func(field int64, typ byte) { t.dataHeader(&h, id, field, typ) })
		default:
			t.skip(typ)
		}
	})
	return h
}

// dataHeader reads a field of a DataPageHeader (5), a DictionaryPageHeader (7)
// or a DataPageHeaderV2 (8).
func (t *thrift) dataHeader(h *pageHeader, kind, field int64, typ byte) {
	switch {
	case field == 1:
		h.values = t.int()
	case field == 2 && kind != 8, field == 4 && kind == 8:
		h.encoding = t.int()
	case field == 3 && kind == 5:
		h.defEnc = t.int()
	case field == 4 && kind == 5:
		h.repEnc = t.int()
	case field == 5 && kind == 8:
		h.defBytes = t.int()
	case field == 6 && kind == 8:
		h.repBytes = t.int()
	case field == 7 && kind == 8:
		h.stored = typ == thriftFalse
	default:
		t.skip(typ)
	}
}

// A pager reads the pages of a column chunk.
type pager struct {
	r        *bufio.Reader
	left     int64 // bytes of the chunk
	codec    int64
	packed   []byte
	unpacked []byte
	zstd     *zstd.Decoder
}

// header reads the next header.
func (p *pager) header() (pageHeader, error) {
	for n := 256; ; n *= 4 {
		raw, err := p.r.Peek(min(n, p.r.Size()))
		if len(raw) == 0 {
			return pageHeader{}, short(err)
		}
		t := &thrift{b: raw}
		if h := t.pageHeader(); !t.bad {
			p.left -= int64(len(raw) - len(t.b))
			_, err := p.r.Discard(len(raw) - len(t.b))
			return h, err
		}
		if err != nil || n >= p.r.Size() {
			return pageHeader{}, errors.New("a damaged page header")
		}
	}
}

// body reads what follows a header and unpacks it. It holds until the next
// call.
func (p *pager) body(h pageHeader) ([]byte, error) {
	if h.packed < 0 || h.packed > p.left || h.unpacked < 0 || h.unpacked > maxPage {
		return nil, fmt.Errorf("a page is said to have %d bytes and %d unpacked, the chunk has %d; at most %d are unpacked", h.packed, h.unpacked, p.left, maxPage)
	}
	if h.unpacked > 64<<10 && h.unpacked/1000 > h.packed {
		return nil, fmt.Errorf("a page of %d bytes is said to expand to %d, more than 1000 times as many", h.packed, h.unpacked)
	}
	p.packed = reuse.Slice(p.packed, int(h.packed))
	if _, err := io.ReadFull(p.r, p.packed); err != nil {
		return nil, short(err)
	}
	p.left -= h.packed
	if h.hasCRC && crc32.ChecksumIEEE(p.packed) != uint32(h.crc) {
		return nil, errors.New("a page's checksum is wrong: it is damaged")
	}
	levels := int64(0) // of version 2 lie in front, not compressed
	if h.kind == 3 {
		if levels = h.defBytes + h.repBytes; h.defBytes < 0 || h.repBytes < 0 || levels > h.packed || levels > h.unpacked {
			return nil, fmt.Errorf("a page of %d bytes with %d and %d of levels", h.packed, h.repBytes, h.defBytes)
		}
	}
	if p.codec == 0 || h.kind == 3 && h.stored {
		if h.packed != h.unpacked {
			return nil, fmt.Errorf("a page of %d bytes that is not compressed is said to have %d", h.packed, h.unpacked)
		}
		return p.packed, nil
	}
	p.unpacked = reuse.Slice(p.unpacked, int(h.unpacked))
	copy(p.unpacked, p.packed[:levels])
	if err := p.unpack(p.unpacked[levels:], p.packed[levels:]); err != nil {
		return nil, fmt.Errorf("a damaged page: %w", err)
	}
	return p.unpacked, nil
}

// unpack fills dst with what src holds.
func (p *pager) unpack(dst, src []byte) (err error) {
	if len(dst) == 0 {
		return nil
	}
	var out []byte
	switch p.codec {
	case 1:
		if n, err := snappy.DecodedLen(src); err != nil || n != len(dst) {
			return fmt.Errorf("%d bytes unpacked, %d were announced (%v)", n, len(dst), err)
		}
		out, err = snappy.Decode(dst, src)
	case 2:
		return gunzip(dst, src)
	case 6:
		if p.zstd == nil {
			if p.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true)); err != nil {
				return err
			}
		}
		out, err = p.zstd.DecodeAll(src, dst[:0:len(dst)])
	case 7:
		var n int
		n, err = lz4.UncompressBlock(src, dst)
		out = dst[:max(n, 0)]
	default:
		name := map[int64]string{3: "LZO", 4: "brotli", 5: "LZ4 as Hadoop frames it"}[p.codec]
		return fmt.Errorf("compression %d (%s) is not read; write it with snappy, zstd, gzip, LZ4_RAW or none", p.codec, name)
	}
	if err == nil && len(out) != len(dst) {
		err = fmt.Errorf("%d bytes unpacked, %d were announced", len(out), len(dst))
	}
	return err
}

func gunzip(dst, src []byte) error {
	z, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(z, dst); err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(z, 1)); n > 0 || err != nil {
		return fmt.Errorf("more bytes unpacked than the %d announced (%v)", len(dst), err)
	}
	return nil
}

// levels decodes n levels up to most from an RLE/bit-packed hybrid.
func levels(dst []uint8, src []byte, most int) error {
	if most == 0 {
		clear(dst)
		return nil
	}
	return hybrid(dst, src, bits.Len(uint(most)))
}

// hybrid decodes runs of a number and groups of packed bits (Parquet's
// encodings, "RLE/Bit-Packing Hybrid"), len(dst) numbers of width bits.
func hybrid[T uint8 | uint32](dst []T, src []byte, width int) error {
	for len(dst) > 0 {
		head, n := binary.Uvarint(src)
		if n <= 0 {
			return errors.New("the levels or indices of a page end early")
		}
		src = src[n:]
		size := (width + 7) / 8
		if head&1 == 0 {
			if len(src) < size {
				return errors.New("the levels or indices of a page end early")
			}
			var v uint64
			for i, b := range src[:size] {
				v |= uint64(b) << (8 * i)
			}
			src = src[size:]
			m := int(min(head>>1, uint64(len(dst))))
			if m == 0 {
				return errors.New("a run of no levels or indices")
			}
			for i := range dst[:m] {
				dst[i] = T(v)
			}
			dst = dst[m:]
			continue
		}
		m := int(min(head>>1, uint64(len(dst)/8+1)) * 8)
		if m == 0 {
			return errors.New("a run of no levels or indices")
		}
		m = min(m, len(dst))
		if (m*width+7)/8 > len(src) {
			return errors.New("the levels or indices of a page end early")
		}
		unpackBits(dst[:m], src, width)
		src = src[min(int(min(head>>1, 1<<32))*width, len(src)):]
		dst = dst[m:]
	}
	return nil
}

// unpackBits takes numbers of width bits off src, the lowest bits first.
func unpackBits[T uint8 | uint32](dst []T, src []byte, width int) {
	var acc uint64
	have, at := 0, 0
	mask := uint64(1)<<width - 1
	for i := range dst {
		for have < width {
			acc |= uint64(src[at]) << have
			have += 8
			at++
		}
		dst[i] = T(acc & mask)
		acc >>= width
		have -= width
	}
}
