package labels

import (
	"cmp"
	"math"
	"slices"
)

// Features are the inputs of a probe: N rows of P values, the zeros left out.
type Features struct {
	N, P  int
	start []int32 // [N+1]
	index []int32
	value []float32
}

// NewFeatures has no rows yet, of p values.
func NewFeatures(p int) *Features { return &Features{P: p, start: []int32{0}} }

// Add adds a row of values at the given places, ascending.
func (f *Features) Add(index []int32, value []float32) {
	f.index, f.value = append(f.index, index...), append(f.value, value...)
	f.start = append(f.start, int32(len(f.index)))
	f.N++
}

// AddDense adds a row of P values.
func (f *Features) AddDense(row []float32) {
	for j, v := range row {
		if v != 0 {
			f.index, f.value = append(f.index, int32(j)), append(f.value, v)
		}
	}
	f.start = append(f.start, int32(len(f.index)))
	f.N++
}

// Row gives the places, ascending, and the values of row i that are not 0.
func (f *Features) Row(i int) ([]int32, []float32) {
	return f.index[f.start[i]:f.start[i+1]], f.value[f.start[i]:f.start[i+1]]
}

// Columns are the features with the given columns only, in that order.
func (f *Features) Columns(keep []int) *Features {
	place := make(map[int32]int32, len(keep))
	for to, from := range keep {
		place[int32(from)] = int32(to)
	}
	out := NewFeatures(len(keep))
	for i := range f.N {
		index, value := f.Row(i)
		for e, from := range index {
			if to, ok := place[from]; ok {
				out.index, out.value = append(out.index, to), append(out.value, value[e])
			}
		}
		out.start = append(out.start, int32(len(out.index)))
		out.N++
	}
	return out
}

// Rows are the features of the given rows only.
func (f *Features) Rows(keep []int) *Features {
	out := NewFeatures(f.P)
	for _, i := range keep {
		out.Add(f.Row(i))
	}
	return out
}

// dot is <w, row i> + bias.
func (f *Features) dot(i int, w []float64, bias float64) float64 {
	index, value := f.Row(i)
	for e, j := range index {
		bias += w[j] * float64(value[e])
	}
	return bias
}

// Top are the features with the k largest values, by size, of each row only,
// ties to the lower place.
func (f *Features) Top(k int) *Features {
	out := NewFeatures(f.P)
	for i := range f.N {
		index, value := f.Row(i)
		order := make([]int, len(index))
		for e := range order {
			order[e] = e
		}
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Compare(math.Abs(float64(value[b])), math.Abs(float64(value[a])))
		})
		order = order[:min(k, len(order))]
		slices.Sort(order)
		for _, e := range order {
			out.index, out.value = append(out.index, index[e]), append(out.value, value[e])
		}
		out.start = append(out.start, int32(len(out.index)))
		out.N++
	}
	return out
}
