package convert

import (
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/dtype"
)

// text is the type of a column of strings.
const text dtype.Type = "utf8"

// notFinite is the first value that is NaN or Inf, or -1.
func notFinite(x []float32) int {
	const body, one = 0x7fffffff, 0x00800000
	var carry uint32
	for _, v := range x {
		carry |= math.Float32bits(v)&body + one
	}
	if carry>>31 == 0 {
		return -1
	}
	return slices.IndexFunc(x, func(v float32) bool { return v-v != 0 })
}

// swap turns big-endian values of type t round in place.
func swap(t dtype.Type, raw []byte) {
	n := int(t.Size())
	for i := 0; i+n <= len(raw); i += n {
		slices.Reverse(raw[i : i+n])
	}
}

// as gives the type to read a column of type t under: what the user says its
// bits are, where they have the size of that.
func as(t dtype.Type, name string) (dtype.Type, error) {
	switch want := dtype.Type(name); {
	case name == "":
		return t, nil
	case !want.IsFloat():
		return t, fmt.Errorf("%q is no type to read numbers as; give %s, %s, %s or %s", name, dtype.F16, dtype.BF16, dtype.F32, dtype.F64)
	case want.Size() != t.Size():
		return t, fmt.Errorf("values of type %s have %d bytes, %s has %d", t, t.Size(), want, want.Size())
	default:
		return want, nil
	}
}
