package dtype

import (
	"encoding/binary"
	"math"
	"testing"
)

// TestFloats holds every type to values written by the standard library, at
// lengths with and without a rest of the vectors.
func TestFloats(t *testing.T) {
	le := binary.LittleEndian
	for typ, put := range map[Type]func(b []byte, v float64) []byte{
		F32: func(b []byte, v float64) []byte { return le.AppendUint32(b, math.Float32bits(float32(v))) },
		F64: func(b []byte, v float64) []byte { return le.AppendUint64(b, math.Float64bits(v+1e-12)) },
		BF16: func(b []byte, v float64) []byte {
			return le.AppendUint16(b, uint16(math.Float32bits(float32(v))>>16))
		},
		I8:  func(b []byte, v float64) []byte { return append(b, byte(int8(v))) },
		I16: func(b []byte, v float64) []byte { return le.AppendUint16(b, uint16(int16(v))) },
		I32: func(b []byte, v float64) []byte { return le.AppendUint32(b, uint32(int32(v))) },
		I64: func(b []byte, v float64) []byte { return le.AppendUint64(b, uint64(int64(v))) },
	} {
		for _, n := range []int{0, 1, 7, 16, 37} {
			var raw []byte
			var want []float32
			for i := range n {
				v := float64(i*3 - 50)
				raw, want = put(raw, v), append(want, float32(v))
			}
			if int64(len(raw)) != int64(n)*typ.Size() {
				t.Fatalf("%s: %d values take %d bytes, its size is %d", typ, n, len(raw), typ.Size())
			}
			got := make([]float32, n)
			typ.Floats(got, raw)
			for i, v := range got {
				if v != want[i] {
					t.Errorf("%s: value %d of %d is %g, want %g", typ, i, n, v, want[i])
				}
				if typ.IsInt() && typ.Integer(raw, i) != int64(want[i]) {
					t.Errorf("%s: integer %d of %d is %d, want %g", typ, i, n, typ.Integer(raw, i), want[i])
				}
			}
		}
	}
}

// TestUnsigned looks at what lies beyond the signed types.
func TestUnsigned(t *testing.T) {
	all := []byte{255, 255, 255, 255, 255, 255, 255, 255}
	for typ, want := range map[Type]float32{U8: 255, U16: 65535, U32: 1 << 32, U64: 1 << 64} {
		var got [1]float32
		typ.Floats(got[:], all[:typ.Size()])
		if got[0] != want {
			t.Errorf("%s: %g, want %g", typ, got[0], want)
		}
	}
	for typ, want := range map[Type]int64{U8: 255, U16: 65535, U32: 1<<32 - 1, U64: -1, Bool: 1} {
		raw := all
		if typ == Bool {
			raw = []byte{1}
		}
		if got := typ.Integer(raw, 0); got != want {
			t.Errorf("%s: %d, want %d", typ, got, want)
		}
	}
}

// TestHalves goes through all halves but NaN.
func TestHalves(t *testing.T) {
	var raw []byte
	for h := range 1 << 16 {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(h))
	}
	got := make([]float32, 1<<16)
	F16.Floats(got, raw)
	for h, v := range got {
		sign, exp, frac := uint32(h&0x8000)<<16, h>>10&31, uint32(h&0x3ff)
		want := math.Float32frombits(sign | uint32(exp+112)<<23 | frac<<13)
		switch {
		case exp == 31 && frac != 0:
			if v == v {
				t.Errorf("half %#x is %g, want NaN", h, v)
			}
			continue
		case exp == 31:
			want = math.Float32frombits(sign | 0x7f800000)
		case exp == 0:
			want = math.Float32frombits(math.Float32bits(float32(frac)*0x1p-24) | sign)
		}
		if math.Float32bits(v) != math.Float32bits(want) {
			t.Errorf("half %#x is %g, want %g", h, v, want)
		}
	}
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]Type{"F16": F16, "BF16": BF16, "F32": F32, "F64": F64, "I8": I8, "U8": U8, "I16": I16, "U16": U16,
		"I32": I32, "U32": U32, "I64": I64, "U64": U64, "BOOL": Bool, "F8_E4M3": "", "utf8": ""} {
		got := Named(name)
		if got != want || (got != "") != (got.Size() > 0) {
			t.Errorf("%s is %q of %d bytes, want %q", name, got, got.Size(), want)
		}
		if got.IsFloat() && got.IsInt() || got != "" && !got.IsFloat() && !got.IsInt() {
			t.Errorf("%s: float %v, int %v", name, got.IsFloat(), got.IsInt())
		}
	}
}
