package sparseop

import (
	"fmt"
	"unsafe"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

type float interface{ float32 | float64 }

// data views the entries of a dense tensor without copying or allocating.
func data[T float](v gorgonia.Value) []T {
	d := v.(*tensor.Dense)
	var zero T
	if unsafe.Sizeof(zero) == 4 {
		x := d.Float32s()
		return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
	}
	x := d.Float64s()
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// scalar reads a scalar of either precision; Gorgonia's own reductions give
// one as a tensor of no dimensions.
func scalar[T float](v gorgonia.Value) T {
	switch s := v.(type) {
	case *gorgonia.F32:
		return T(*s)
	case *gorgonia.F64:
		return T(*s)
	case *tensor.Dense:
		if s.Dtype() == tensor.Float32 {
			return T(s.Float32s()[0])
		}
		return T(s.Float64s()[0])
	}
	panic(fmt.Sprintf("sparseop: %T is not a scalar", v))
}

func setScalar(v gorgonia.Value, x float64) {
	if s, ok := v.(*gorgonia.F32); ok {
		*s = gorgonia.F32(x)
		return
	}
	*v.(*gorgonia.F64) = gorgonia.F64(x)
}

// dots computes dst[i] = <x, w[index[lo+i]]>, w rows of length len(x); the next
// call goes on in index.
func dots[T float](dst, x, w []T, index []int32, lo, hi int) {
	if d, ok := any(dst).([]float32); ok {
		kernel.Dots(d, any(x).([]float32), any(w).([]float32), index[lo:hi], kernel.After(index, lo, hi))
		return
	}
	for i, r := range index[lo:hi] {
		row := w[int(r)*len(x):]
		var s T
		for j, xj := range x {
			s += xj * row[j]
		}
		dst[i] = s
	}
}

// setRows computes dst = Σ v[e]·w[index[e]] for e in [lo,hi), in their order, w
// rows of length len(dst); the next call goes on in index.
func setRows[T float](dst, v, w []T, index []int32, lo, hi int) {
	if d, ok := any(dst).([]float32); ok {
		kernel.SetRows(d, any(v[lo:hi]).([]float32), any(w).([]float32), index[lo:hi], kernel.After(index, lo, hi))
		return
	}
	clear(dst)
	for e, r := range index[lo:hi] {
		row := w[int(r)*len(dst):]
		for j := range dst {
			dst[j] += v[lo+e] * row[j]
		}
	}
}

// rowBlock and latentBlock are how many rows or latents one item of a task
// covers: enough to hide the cost of handing it out, few enough to balance.
const (
	rowBlock    = 8
	latentBlock = 32
)

func blocks(n, size int) int { return (n + size - 1) / size }

func span(item, size, n int) (lo, hi int) {
	return item * size, min((item+1)*size, n)
}
