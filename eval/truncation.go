package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// truncation measures reconstructions from the k largest latents of each row,
// for several k: the inference-k curve of one trained autoencoder, after the
// protocol that cuts codes. Everything is in the units the encoder works in.
type truncation struct {
	s      Subject
	ks     []int // ascending
	x      *columnSums
	errors []float64 // of each k, Σ‖e‖²
	of     []float64 // [N,len(ks)] of the batch
	rows   int64
}

// NewTruncation makes the metric for Options.Metrics, of ks from 1 up. Its
// figures are the series fvu_by_k. A transcoder has none.
func NewTruncation(s Subject, ks []int) Metric {
	return &truncation{s: s, ks: slices.Compact(slices.Sorted(slices.Values(ks))),
		x: newColumnSums(s.D), errors: make([]float64, len(ks))}
}

func (m *truncation) Add(s *Sample) {
	w := m.s.Weight("decoder.weight")
	if m.s.Transcoder || len(w) != s.D*m.s.F {
		return
	}
	x, n := s.Scaled, len(m.ks)
	m.x.add(s.pool, s.N, x, nil)
	m.of = slices.Grow(m.of[:0], s.N*n)[:s.N*n]
	s.pool.Run((s.N+rowChunk-1)/rowChunk, kernel.TaskFunc(func(_, item int) {
		for i := item * rowChunk; i < min(s.N, (item+1)*rowChunk); i++ {
			index, values := s.Codes.Row(i)
			m.cut(m.of[i*n:(i+1)*n], x[i*s.D:(i+1)*s.D], index, values)
		}
	}))
	for i := range s.N {
		for k := range m.ks {
			m.errors[k] += m.of[i*n+k]
		}
	}
	m.rows += int64(s.N)
}

// cut sets dst to ‖e‖² for each k, latents taken from the largest |f| down.
func (m *truncation) cut(dst []float64, x []float32, index []int32, values []float32) {
	order := make([]int, len(index))
	for e := range order {
		order[e] = e
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(math.Abs(float64(values[b])), math.Abs(float64(values[a])))
	})
	w, d := m.s.Weight("decoder.weight"), len(x)
	y := make([]float32, d)
	copy(y, m.s.Weight("decoder.bias"))
	taken := 0
	for i, k := range m.ks {
		for ; taken < min(k, len(order)); taken++ {
			e := order[taken]
			kernel.Axpy(y, values[e], w[int(index[e])*d:int(index[e]+1)*d])
		}
		dst[i] = kernel.SquaredError(x, y)
	}
}

func (m *truncation) Report(r *Report) {
	variance := m.x.total()
	if m.rows == 0 || variance == 0 {
		return
	}
	s := Series{Definition: "FVU of f·W_dec + b_dec with only the x largest |f| of each row, in the units the encoder works in"}
	for i, k := range m.ks {
		s.X, s.Y = append(s.X, float64(k)), append(s.Y, m.errors[i]/variance)
	}
	r.Series["fvu_by_k"] = s
}
