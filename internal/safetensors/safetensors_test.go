package safetensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

func encode(t testing.TB, meta map[string]string, tensors ...Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, meta, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(b []byte) (*File, error) { return New("x", bytes.NewReader(b), int64(len(b))) }

func TestRoundTrip(t *testing.T) {
	big := make([]float32, 3*writeChunk+5)
	for i := range big {
		big[i] = float32(i) / 3
	}
	b := encode(t, map[string]string{"b": "2", "a": "1"},
		Tensor{"w", []int{len(big)}, big}, Tensor{"n", []int{2, 2}, []int64{1, -2, 3, math.MinInt64}},
		Tensor{"i", []int{1}, []int32{-7}}, Tensor{"u", []int{3}, []uint8{0, 1, 255}},
		Tensor{"d", []int{}, []float64{math.Pi}}, Tensor{"none", []int{0, 4}, []float32{}})
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if w, err := f.Float32("w"); err != nil || !slices.Equal(w, big) {
		t.Errorf("w came back changed: %v", err)
	}
	if part, err := f.Float32Part("w", 7, 3); err != nil || !slices.Equal(part, big[7:10]) {
		t.Errorf("entries 7 to 9 of w are %v, %v", part, err)
	}
	for _, at := range [][2]int{{-1, 2}, {len(big) - 1, 2}, {0, -1}} {
		if _, err := f.Float32Part("w", at[0], at[1]); err == nil {
			t.Errorf("%d entries from %d on are there", at[1], at[0])
		}
	}
	if n, err := f.Int64("n"); err != nil || !slices.Equal(n, []int64{1, -2, 3, math.MinInt64}) {
		t.Errorf("n = %v, %v", n, err)
	}
	if u, err := f.Int64("u"); err != nil || !slices.Equal(u, []int64{0, 1, 255}) {
		t.Errorf("u = %v, %v", u, err)
	}
	if d, err := f.Float64("d"); err != nil || d[0] != math.Pi {
		t.Errorf("d = %v, %v", d, err)
	}
	if f.Metadata()["a"] != "1" || len(f.Names()) != 6 {
		t.Errorf("metadata %v, names %v", f.Metadata(), f.Names())
	}
	if again := encode(t, map[string]string{"a": "1", "b": "2"}, Tensor{"i", []int{1}, []int32{-7}}); !bytes.Equal(again, encode(t, map[string]string{"b": "2", "a": "1"}, Tensor{"i", []int{1}, []int32{-7}})) {
		t.Error("equal arguments give other bytes")
	}
}

func TestRefusals(t *testing.T) {
	raw := func(header string, data int) []byte {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		return append(append(b, header...), make([]byte, data)...)
	}
	cases := map[string]struct {
		file []byte
		want string
	}{
		"empty":      {nil, "is empty"},
		"long":       {binary.LittleEndian.AppendUint64(nil, 1<<40), "cut short"},
		"not json":   {raw("hello", 0), "JSON object"},
		"cut json":   {raw(`{"a":{"dtype":"F32"`, 4), "tensor \"a\""},
		"gap":        {raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "gap"},
		"trailing":   {raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 8), "longer than the header"},
		"deep":       {raw(`{"a":`+strings.Repeat("[", 99), 0), "too deeply"},
		"bytes":      {raw("{\"\xe9\":1}", 0), "not UTF-8 at byte 2"},
		"twice":      {raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "twice"},
		"overlap":    {raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "overlap"},
		"outside":    {raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4), "beyond the 4 bytes"},
		"wrong size": {raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, 8), "its range has 8"},
		"huge shape": {raw(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}`, 8), "overflows"},
		"negative":   {raw(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 8), "negative dimension"},
		"type":       {raw(`{"a":{"dtype":"F8","shape":[4],"data_offsets":[0,4]}}`, 4), "unknown dtype"},
		"metadata":   {raw(`{"__metadata__":{"a":1}}`, 0), "__metadata__.a is not a string"},
	}
	for name, c := range cases {
		if _, err := open(c.file); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "x: ") {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	f, err := open(encode(t, nil, Tensor{"i", []int{1}, []int32{1}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Float32("i"); err == nil || !strings.Contains(err.Error(), "I32") {
		t.Errorf("reading integers as floats: %v", err)
	}
	if _, err := f.Float32("j"); err == nil || !strings.Contains(err.Error(), `["i"]`) {
		t.Errorf("reading what is not there: %v", err)
	}
	if err := Write(&bytes.Buffer{}, nil, []Tensor{{"a", []int{3}, []float32{1}}}); err == nil {
		t.Error("a shape that does not fit its data was written")
	}
}

func FuzzNew(f *testing.F) {
	f.Add(encode(f, map[string]string{"k": "v"}, Tensor{"a", []int{2, 1}, []float32{1, 2}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := open(b)
		if err != nil {
			return
		}
		for _, n := range file.Names() {
			if _, raw, err := file.Bytes(n); err != nil || len(raw) > len(b) {
				t.Fatalf("%q: %d bytes of %d, %v", n, len(raw), len(b), err)
			}
		}
	})
}
