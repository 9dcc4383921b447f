package eval

// features are the inputs of a probe: n rows of p values, the zeros left out.
type features struct {
	n, p  int
	start []int32 // [n+1]
	index []int32
	value []float32
}

func newFeatures(p int) *features { return &features{p: p, start: []int32{0}} }

// add adds a row of values at the given places.
func (f *features) add(index []int32, value []float32) {
	f.index, f.value = append(f.index, index...), append(f.value, value...)
	f.start = append(f.start, int32(len(f.index)))
	f.n++
}

// addDense adds a row of p values.
func (f *features) addDense(row []float32) {
	for j, v := range row {
		if v != 0 {
			f.index, f.value = append(f.index, int32(j)), append(f.value, v)
		}
	}
	f.start = append(f.start, int32(len(f.index)))
	f.n++
}

func (f *features) row(i int) ([]int32, []float32) {
	return f.index[f.start[i]:f.start[i+1]], f.value[f.start[i]:f.start[i+1]]
}

// columns are the features with the given columns only, in that order.
func (f *features) columns(keep []int) *features {
	place := make(map[int32]int32, len(keep))
	for to, from := range keep {
		place[int32(from)] = int32(to)
	}
	out := newFeatures(len(keep))
	for i := range f.n {
		index, value := f.row(i)
		for e, from := range index {
			if to, ok := place[from]; ok {
				out.index, out.value = append(out.index, to), append(out.value, value[e])
			}
		}
		out.start = append(out.start, int32(len(out.index)))
		out.n++
	}
	return out
}

// rows are the features of the given rows only.
func (f *features) rows(keep []int) *features {
	out := newFeatures(f.p)
	for _, i := range keep {
		out.add(f.row(i))
	}
	return out
}

// dot is <w, row i> + bias.
func (f *features) dot(i int, w []float64, bias float64) float64 {
	index, value := f.row(i)
	for e, j := range index {
		bias += w[j] * float64(value[e])
	}
	return bias
}
