package activations

import (
	"encoding/binary"
	"math"

	"github.com/saectl/saectl/internal/dtype"
	"github.com/saectl/saectl/internal/kernel"
)

// decoder gives the function that puts the bytes of a row into dst, a slice of
// the type that a Batch has for column id.
func decoder(id int, c column, dst any) func(want, []byte) error {
	width := int(c.width)
	switch dst := dst.(type) {
	case []float32:
		t := dtype.F32
		if c.elem == 2 {
			t = dtype.F16
		}
		return func(w want, raw []byte) error {
			if x := dst[w.at*width : (w.at+1)*width]; !floats(t, x, raw) {
				return notFinite(w, id, x)
			}
			return nil
		}
	case []int64:
		return func(w want, raw []byte) error {
			dst[w.at] = int64(binary.LittleEndian.Uint64(raw))
			return nil
		}
	}
	ints := dst.([]int32)
	return func(w want, raw []byte) error {
		ints[w.at] = int32(binary.LittleEndian.Uint32(raw))
		return nil
	}
}

// floats fills a row with numbers of type t and reports whether all are finite.
func floats(t dtype.Type, row []float32, raw []byte) bool {
	t.Floats(row, raw)
	return kernel.AllFinite(row) < 0
}

// notFinite names the first value of a row that is NaN or Inf.
func notFinite(w want, id int, x []float32) error {
	for i, v := range x {
		if v != v || math.IsInf(float64(v), 0) {
			return w.batch.rowErrorf(w.r, "value %d of %s is %v; leave the row out, or dump it again (in float32 if it was too large for float16)",
				i, colNames[id], v)
		}
	}
	return nil
}
