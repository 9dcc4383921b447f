package eval

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// sparsity measures how many latents a row uses and how unevenly.
type sparsity struct {
	f       int
	rows    int64
	l0      counts
	sum     rowCodes // over rows
	hoyer   float64
	kappa   float64
	ratio   float64 // Σ ‖f‖₁/‖f‖₂
	entries *spread
	of      []rowCodes  // [N] of the batch
	scratch [][]float32 // one a worker
}

// rowCodes are sums over the latents of a row, in absolute values.
type rowCodes struct {
	nonzero        int
	l1, l2, fourth float64 // Σ|f|, Σf², Σf⁴
	gini           float64
}

func newSparsity(f int) *sparsity {
	return &sparsity{f: f, l0: make(counts, 1), entries: newSpread()}
}

func (m *sparsity) Add(s *Sample) {
	if len(m.of) < s.N {
		m.of = make([]rowCodes, s.N)
	}
	for len(m.scratch) < s.pool.Threads() {
		m.scratch = append(m.scratch, nil)
	}
	s.pool.Run((s.N+rowChunk-1)/rowChunk, kernel.TaskFunc(func(worker, item int) {
		for i := item * rowChunk; i < min(s.N, (item+1)*rowChunk); i++ {
			_, values := s.Codes.Row(i)
			m.of[i], m.scratch[worker] = sumCodes(values, m.f, m.scratch[worker])
		}
	}))
}

// settle adds up what Add found in rows.
func (m *sparsity) settle(s *Sample) {
	for i := range s.N {
		m.addRow(m.of[i])
		_, values := s.Codes.Row(i)
		for _, v := range values {
			if v != 0 {
				m.entries.add(float32(abs(float64(v))))
			}
		}
	}
	m.rows += int64(s.N)
}

func sumCodes(values []float32, f int, scratch []float32) (rowCodes, []float32) {
	var c rowCodes
	scratch = scratch[:0]
	for _, v := range values {
		if v == 0 {
			continue
		}
		a := abs(float64(v))
		c.nonzero++
		c.l1 += a
		c.l2 += a * a
		c.fourth += a * a * a * a
		scratch = append(scratch, float32(a))
	}
	c.gini = gini(scratch, f)
	return c, scratch
}

func (m *sparsity) addRow(c rowCodes) {
	m.l0.add(c.nonzero)
	m.sum.nonzero += c.nonzero
	m.sum.l1 += c.l1
	m.sum.gini += c.gini
	ratio := c.l1 / (math.Sqrt(c.l2) + 1e-6)
	m.ratio += ratio
	if root := math.Sqrt(float64(m.f)); root > 1 {
		m.hoyer += (root - ratio) / (root - 1)
	}
	m.kappa += c.fourth / (c.l2*c.l2 + 1e-6)
}

func (m *sparsity) Report(r *Report) {
	n := m.rows
	l0 := mean(float64(m.sum.nonzero), n)
	r.Set("l0", l0, n)
	for _, q := range []struct {
		name string
		q    float64
	}{{"l0_min", 0}, {"l0_q25", 0.25}, {"l0_median", 0.5}, {"l0_q75", 0.75}, {"l0_max", 1}} {
		r.Set(q.name, m.l0.quantile(q.q, n), n)
	}
	r.Set("l0_fraction", l0/float64(m.f), n)
	r.Set("l1", mean(m.sum.l1, n), n)
	r.Set("l1_l2_ratio_mean", mean(m.ratio, n), n)
	if m.f > 1 {
		r.Set("hoyer_mean", mean(m.hoyer, n), n)
	}
	r.Set("kappa_4_mean", mean(m.kappa, n), n)
	r.Set("gini_row_mean", mean(m.sum.gini, n), n)
	r.Set("gini_all_entries", m.entries.gini(n*int64(m.f)), n)
	r.Set("description_length_l0_7bits", l0*(7+math.Log2(float64(m.f))), n)
	r.Series["l0_histogram"] = m.histogram()
}

// histogram counts rows by L0, in whole bins, at most 64 of them.
func (m *sparsity) histogram() Series {
	step := (len(m.l0) + 63) / 64
	s := Series{Definition: "rows whose L0 lies from x to the next x, the last x not included"}
	for lo := 0; lo < len(m.l0); lo += step {
		total := int64(0)
		for _, c := range m.l0[lo:min(lo+step, len(m.l0))] {
			total += c
		}
		s.X, s.Y = append(s.X, float64(lo)), append(s.Y, float64(total))
	}
	s.X = append(s.X, s.X[len(s.X)-1]+float64(step))
	return s
}

func sparsityDefinitions() []Definition {
	const over = "overcomplete 0.3.0 "
	return inFamily("sparsity", []Definition{
		{Name: "l0", Formula: "mean over rows of the number of values that are not zero", Unit: "latents", Source: "values, not kept indices", Equals: "sae-lens 6.54, SAEBench 0.6.0, dictionary_learning 0.1.0 l0, where values are not negative"},
		{Name: "l0_min", Formula: "smallest L0 of a row", Unit: "latents", Source: "distribution of l0"},
		{Name: "l0_q25", Formula: "0.25 quantile of L0 over rows", Unit: "latents", Source: "distribution of l0"},
		{Name: "l0_median", Formula: "median of L0 over rows", Unit: "latents", Source: "distribution of l0"},
		{Name: "l0_q75", Formula: "0.75 quantile of L0 over rows", Unit: "latents", Source: "distribution of l0"},
		{Name: "l0_max", Formula: "largest L0 of a row", Unit: "latents", Source: "distribution of l0"},
		{Name: "l0_fraction", Formula: "l0 / F", Source: "share of all entries", Equals: over + "l0"},
		{Name: "l1", Formula: "mean over rows of Σ|f|, in the units the encoder works in", Source: "L1 norm of the code", Equals: "sae-lens 6.54 and SAEBench 0.6.0 l1; dictionary_learning 0.1.0 l1_loss"},
		{Name: "l1_l2_ratio_mean", Formula: "mean of ‖f‖₁ / (‖f‖₂ + 1e-6)", Source: "Hurley and Rickard 2009", Equals: over + "l1_l2_ratio"},
		{Name: "hoyer_mean", Formula: "mean of (√F - ‖f‖₁/(‖f‖₂ + 1e-6)) / (√F - 1)", Source: "Hoyer 2004", Equals: over + "hoyer"},
		{Name: "kappa_4_mean", Formula: "mean of Σf⁴ / ((Σf²)² + 1e-6)", Source: "Hurley and Rickard 2009", Equals: over + "kappa_4"},
		{Name: "gini_row_mean", Formula: "mean over rows of the Gini index of its F values |f|: Σ(2i - F - 1)v_i / (FΣv), v ascending", Source: "Hurley and Rickard 2009"},
		{Name: "gini_all_entries", Formula: "Gini index of all N·F values |f| together", Source: "Hurley and Rickard 2009"},
		{Name: "description_length_l0_7bits", Formula: "l0 (7 + log2 F): an index and a value of 7 bits for each active latent", Unit: "bits a row", Source: "Ayonrinde et al. 2024; top-afa mdl notebook"},
	})
}
