package safetensors

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/saectl/saectl/internal/dtype"
	"github.com/saectl/saectl/internal/jsontext"
)

// An entry is a tensor as the header states it.
type entry struct {
	Dtype   string        `json:"dtype"`
	Shape   []json.Number `json:"shape"`
	Offsets []json.Number `json:"data_offsets"`
}

// maxDepth is more nesting than any header has: a tensor is an object of lists.
const maxDepth = 32

// parse reads the header token by token, because a JSON map would drop one of
// two tensors of the same name.
func (f *File) parse(header []byte) error {
	if err := checkText(header); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("the header is not a JSON object; the file is damaged or not safetensors")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("the header is not valid JSON: %w", err)
		}
		if err := f.parseEntry(dec, key.(string)); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("the header is not valid JSON: %w", err)
	}
	if rest := bytes.TrimSpace(header[dec.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("the header is not valid JSON: data after the object at byte %d", dec.InputOffset())
	}
	return f.checkOrder()
}

// checkText refuses a header that is not UTF-8 or nested so deeply that a
// decoder would suffer.
func checkText(header []byte) error {
	for i := 0; i < len(header); {
		r, n := utf8.DecodeRune(header[i:])
		if r == utf8.RuneError && n == 1 {
			return fmt.Errorf("the header is not UTF-8 at byte %d", i)
		}
		i += n
	}
	if at := jsontext.TooDeep(header, maxDepth); at >= 0 {
		return fmt.Errorf("the header is nested too deeply, over %d levels at byte %d", maxDepth, at)
	}
	return nil
}

func (f *File) parseEntry(dec *json.Decoder, name string) error {
	if name == "__metadata__" {
		return f.parseMetadata(dec)
	}
	if _, twice := f.tensors[name]; twice {
		return fmt.Errorf("tensor %q is listed twice: a duplicate name", name)
	}
	var e entry
	if err := dec.Decode(&e); err != nil {
		var kind *json.UnmarshalTypeError
		if !errors.As(err, &kind) {
			return fmt.Errorf("the header is not valid JSON: tensor %q: %w", name, err)
		}
		return fmt.Errorf("tensor %q: %s is %s, which the format does not know", name, kind.Field, kind.Value)
	}
	info, err := e.info(f.begin, f.size)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	f.tensors[name] = info
	return nil
}

func (f *File) parseMetadata(dec *json.Decoder) error {
	var raw map[string]json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return fmt.Errorf("__metadata__ is not an object of strings: %w", err)
	}
	if raw != nil {
		f.meta = map[string]string{}
	}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		var s *string
		if err := json.Unmarshal(raw[key], &s); err != nil || s == nil {
			return fmt.Errorf("__metadata__.%.60s is not a string", key)
		}
		f.meta[key] = *s
	}
	return nil
}

func (e entry) info(base, dataBytes int64) (Info, error) {
	width := dtype.Named(e.Dtype).Size()
	if width == 0 {
		return Info{}, fmt.Errorf("unknown dtype %.40q", e.Dtype)
	}
	if len(e.Offsets) != 2 {
		return Info{}, fmt.Errorf("data_offsets holds %d numbers, wants the begin and the end", len(e.Offsets))
	}
	offsets, err := integers("offset", e.Offsets)
	if err != nil {
		return Info{}, err
	}
	shape, err := integers("dimension", e.Shape)
	if err != nil {
		return Info{}, err
	}
	begin, end := offsets[0], offsets[1]
	switch {
	case begin > end:
		return Info{}, fmt.Errorf("its range begins after its end: [%d,%d]", begin, end)
	case end > dataBytes:
		return Info{}, fmt.Errorf("its range [%d,%d] lies beyond the %d bytes of data; the file is damaged or cut short", begin, end, dataBytes)
	}
	need, info := width, Info{Dtype: e.Dtype, start: base + begin, bytes: end - begin}
	for _, s := range shape {
		if s > 0 && need > math.MaxInt64/s {
			return Info{}, fmt.Errorf("shape %v overflows: its size in bytes does not fit 64 bits", shape)
		}
		need *= s
		info.Shape = append(info.Shape, int(s))
	}
	if need != info.bytes {
		return Info{}, fmt.Errorf("shape %v of %s needs %d bytes, its range has %d", shape, e.Dtype, need, info.bytes)
	}
	return info, nil
}

// integers reads numbers, none of which may be negative.
func integers(what string, list []json.Number) ([]int64, error) {
	out := make([]int64, len(list))
	for i, n := range list {
		v, err := strconv.ParseInt(string(n), 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return nil, fmt.Errorf("%s %.40s is out of range", what, n)
		case err != nil:
			return nil, fmt.Errorf("%s %.40s is not an integer", what, n)
		case v < 0:
			return nil, fmt.Errorf("negative %s %d", what, v)
		}
		out[i] = v
	}
	return out, nil
}

// checkOrder refuses tensors that overlap, and data that belongs to none.
func (f *File) checkOrder() error {
	names := f.Names()
	slices.SortStableFunc(names, func(a, b string) int {
		x, y := f.tensors[a], f.tensors[b]
		return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(x.bytes, y.bytes))
	})
	end, last := f.begin, "the header"
	for _, name := range names {
		t := f.tensors[name]
		lo, hi := t.start-f.begin, t.start-f.begin+t.bytes
		if t.start < end {
			l := f.tensors[last]
			return fmt.Errorf("tensors %q [%d,%d] and %q [%d,%d] overlap", last, l.start-f.begin, l.start-f.begin+l.bytes, name, lo, hi)
		}
		if t.start > end {
			return fmt.Errorf("a gap: bytes %d to %d of the data, between %s and %s, belong to no tensor", end-f.begin, lo, last, name)
		}
		end, last = t.start+t.bytes, name
	}
	if left := f.begin + f.size - end; left > 0 {
		return fmt.Errorf("the data is longer than the header accounts for: %d bytes after tensor %q belong to none", left, last)
	}
	return nil
}
