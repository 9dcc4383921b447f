package convert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/saectl/saectl/internal/dtype"
)

// values are decoded values of a page or a dictionary: numbers little-endian,
// or texts.
type values struct {
	raw  []byte
	size int64
	text []string
}

// take moves the first n values to dst.
func (p *page) take(dst *rows, n int64) {
	p.left -= n
	if p.size == 0 {
		dst.text = append(dst.text, p.text[:n]...)
		p.text = p.text[n:]
		return
	}
	copy(dst.extend(n*p.size), p.raw)
	p.raw = p.raw[n*p.size:]
}

// decode gives the values of a data page.
func (r *parquetReader) decode(h pageHeader, body []byte) (values, error) {
	size := r.kind.Size()
	switch h.encoding {
	case encPlain:
		return plain(r.kind, body, h.values)
	case encPlainDict, encDictionary:
		return r.lookUp(body, h.values)
	case encSplit:
		if size == 0 || int64(len(body))/size < h.values || h.values*size != int64(len(body)) {
			return values{}, fmt.Errorf("a page of %d bytes of split values is said to have %d", len(body), h.values)
		}
		return values{raw: join4(body, int(h.values), int(size)), size: size}, nil
	}
	return values{}, fmt.Errorf("values in encoding %d, which is not read; write them plain, with a dictionary or with byte-stream-split", h.encoding)
}

// join4 undoes BYTE_STREAM_SPLIT: byte k of all values lies in run k.
func join4(body []byte, n, size int) []byte {
	raw := make([]byte, len(body))
	if size == 4 {
		a, b, c, d := body[:n], body[n:2*n], body[2*n:3*n], body[3*n:4*n]
		for i := range n {
			binary.LittleEndian.PutUint32(raw[4*i:], uint32(a[i])|uint32(b[i])<<8|uint32(c[i])<<16|uint32(d[i])<<24)
		}
		return raw
	}
	for k := range size {
		for i, v := range body[k*n : (k+1)*n] {
			raw[i*size+k] = v
		}
	}
	return raw
}

// plain reads n values as they are.
func plain(kind dtype.Type, body []byte, n int64) (values, error) {
	size := kind.Size()
	if n < 0 || size > 0 && n > int64(len(body))/size || size == 0 && n > int64(len(body))/4 {
		return values{}, fmt.Errorf("%d bytes for %d values", len(body), n)
	}
	if size > 0 {
		return values{raw: body[:n*size], size: size}, nil
	}
	v := values{text: make([]string, 0, n)}
	for range n {
		if len(body) < 4 {
			return v, errors.New("the texts of a page end early")
		}
		length := binary.LittleEndian.Uint32(body)
		if body = body[4:]; uint64(length) > uint64(len(body)) {
			return v, errors.New("a text is longer than its page")
		}
		v.text = append(v.text, strings.ToValidUTF8(string(body[:length]), string(utf8.RuneError)))
		body = body[length:]
	}
	return v, nil
}

// lookUp reads indices into the dictionary of the chunk.
func (r *parquetReader) lookUp(body []byte, n int64) (values, error) {
	if len(body) == 0 || body[0] > 32 {
		return values{}, errors.New("the indices of a page have no width, or one above 32 bits")
	}
	index := make([]uint32, n)
	if err := hybrid(index, body[1:], int(body[0])); err != nil {
		return values{}, err
	}
	v := values{size: r.dict.size}
	count := uint32(len(r.dict.text))
	if size := r.kind.Size(); size > 0 {
		v.size = size
		v.raw = make([]byte, n*size)
		count = uint32(int64(len(r.dict.raw)) / size)
	}
	for i, k := range index {
		if k >= count {
			return v, fmt.Errorf("index %d into a dictionary of %d", k, count)
		}
		if v.size == 0 {
			v.text = append(v.text, r.dict.text[k])
			continue
		}
		copy(v.raw[int64(i)*v.size:], r.dict.raw[int64(k)*v.size:(int64(k)+1)*v.size])
	}
	return v, nil
}
