package foreign

import (
	"cmp"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// choose encodes n rows of m.input by every rule but pursuit.
func (m *Model) choose(n int) (sae.Encoded, error) {
	s, bias := m.SAE, m.SAE.EncoderBias
	if s.Rule == Gated {
		bias = s.GateBias
	}
	if err := m.selector.Select(&m.support, m.input.X, s.Encoder, bias, n, m.D, m.F, m.rule()); err != nil {
		return sae.Encoded{}, err
	}
	m.codes = sae.Encoded{N: n, F: m.F, RowPtr: m.support.RowPtr, Index: m.support.Index, Value: m.support.Score}
	if m.norms != nil {
		for e, f := range m.codes.Index {
			m.codes.Value[e] *= m.norms[f]
		}
	}
	switch s.Rule {
	case JumpReLU:
		m.keep(func(_ int, f int32, v float32) bool { return v > s.ThresholdOf(int(f)) })
	case BatchTopK:
		m.keepBatch(int(s.K * float64(n)))
	case Gated:
		m.magnitudes(n)
	}
	return m.codes, nil
}

// rule is what the kernel selects by, a superset where it knows no better.
func (m *Model) rule() kernel.Rule {
	s := m.SAE
	r := kernel.Rule{Kind: kernel.Threshold, Weight: m.norms}
	switch s.Rule {
	case TopK, AbsTopK:
		r.Kind, r.K, r.Abs = kernel.TopK, int(s.K), s.Rule == AbsTopK
	case GroupMax:
		r.Kind, r.K = kernel.GroupMax, int(s.K)
	case JumpReLU:
		r.Threshold = max(m.floor, 0)
	}
	return r
}

// keep drops the entries for which ok is false.
func (m *Model) keep(ok func(e int, f int32, v float32) bool) {
	c := &m.codes
	to, from := int32(0), int32(0)
	for i := range c.N {
		end := c.RowPtr[i+1]
		for e := from; e < end; e++ {
			if ok(int(e), c.Index[e], c.Value[e]) {
				c.Index[to], c.Value[to] = c.Index[e], c.Value[e]
				to++
			}
		}
		c.RowPtr[i+1], from = to, end
	}
	c.Index, c.Value = c.Index[:to], c.Value[:to]
}

// keepBatch keeps the n largest values of the batch; of equal ones the first.
func (m *Model) keepBatch(n int) {
	values := m.codes.Value
	if len(values) <= n {
		return
	}
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, func(a, b float32) int { return cmp.Compare(b, a) })
	cut, left := float32(math.Inf(1)), 0
	if n > 0 {
		cut = sorted[n-1]
		first := slices.Index(sorted, cut)
		left = n - first // entries of the value cut that are kept
	}
	m.keep(func(_ int, _ int32, v float32) bool {
		if v == cut {
			left--
			return left >= 0
		}
		return v > cut
	})
}

// magnitudes gives open gates their values, from the product without a bias.
func (m *Model) magnitudes(n int) {
	s, c := m.SAE, m.codes
	m.pool.Run(blocksOf(n), kernel.TaskFunc(func(_, block int) {
		for i := block * rowBlock; i < min(n, (block+1)*rowBlock); i++ {
			index, value := c.Row(i)
			kernel.Dots(value, m.input.X[i*m.D:(i+1)*m.D], s.Encoder, index, nil)
			for e, f := range index {
				grown := float32(value[e] * float32(math.Exp(float64(s.MagnitudeLog[f]))))
				value[e] = max(0, grown+s.MagnitudeBias[f])
			}
		}
	}))
	m.keep(func(_ int, _ int32, v float32) bool { return v != 0 })
}
