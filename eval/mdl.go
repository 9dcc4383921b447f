package eval

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
)

// A fewRows is a random sample of rows with their codes.
type fewRows struct {
	rows []keptRow
}

type keptRow struct {
	order uint32
	x     []float32 // [D] in the units the encoder works in
	index []int32
	value []float32
}

// fewRowsMost is how many rows fewRows keeps: those of lowest order.
const fewRowsMost = 1024

// add takes in a batch whose rows, scaled, are x [N,D].
func (f *fewRows) add(s *Sample, x []float32) {
	for i := range s.N {
		order := uint32(data.Bits(0, 0, uint64(s.rowNumber(i))))
		if len(f.rows) >= fewRowsMost && order > f.rows[fewRowsMost-1].order {
			continue
		}
		index, value := s.Codes.Row(i)
		f.rows = append(f.rows, keptRow{order, slices.Clone(x[i*s.D : (i+1)*s.D]), slices.Clone(index), slices.Clone(value)})
		if len(f.rows) >= 2*fewRowsMost {
			f.prune()
		}
	}
}

// prune sorts the rows and keeps the first ones.
func (f *fewRows) prune() {
	slices.SortStableFunc(f.rows, func(a, b keptRow) int { return cmp.Compare(a.order, b.order) })
	f.rows = f.rows[:min(fewRowsMost, len(f.rows))]
}

// mdlBins are the numbers of bins of the description length.
func mdlBins() []int { return []int{4, 8, 16} }

// reportMDL sets the description length of the codes kept, and the error of
// their quantised reconstruction on a few rows.
func (m *coactivation) reportMDL(r *Report) {
	by := m.codes.byLatent(m.s.F)
	largest := make([]float32, m.s.F)
	for f := range largest {
		for _, v := range by.value[by.start[f]:by.start[f+1]] {
			largest[f] = max(largest[f], v, -v)
		}
	}
	m.few.prune()
	for _, floor := range []struct {
		name  string
		least float32 // of the top of the last bin
	}{{"floor100", 100}, {"datamax", 0}} {
		top := slices.Clone(largest)
		for f := range top {
			if top[f] = max(top[f], floor.least); top[f] == 0 {
				top[f] = 1
			}
		}
		for _, bins := range mdlBins() {
			r.Set(fmt.Sprintf("description_length_bins%d_%s", bins, floor.name), m.descriptionLength(by, top, bins), int64(m.codes.rows()))
			if rmse, ok := m.quantisedError(top, bins); ok {
				r.Set(fmt.Sprintf("quantised_rmse_over_d_bins%d_%s", bins, floor.name), rmse/float64(m.s.width()), int64(len(m.few.rows)))
			}
		}
	}
}

// descriptionLength is Σ over latents of H(p) + p·H(bins), in bits.
func (m *coactivation) descriptionLength(by byLatent, top []float32, bins int) float64 {
	n, total := float64(m.codes.rows()), 0.0
	counts := make([]float64, bins)
	for f := range top {
		values := by.value[by.start[f]:by.start[f+1]]
		p := float64(len(values)) / n
		clear(counts)
		counts[0] = n - float64(len(values))
		for _, v := range values {
			counts[binOf(max(v, -v), top[f], bins, true)]++
		}
		h := 0.0
		for _, c := range counts {
			h += entropyTerm(c / n)
		}
		total += entropyTerm(p) + entropyTerm(1-p) + p*h
	}
	return total
}

// entropyTerm is -p log2 p, 0 for shares of 0 and 1.
func entropyTerm(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p * math.Log2(p)
}

// edge is the lower edge of a bin, rounded to float32.
func edge(bin int, top float32, bins int) float32 {
	return float32(float64(top) * float64(bin) / float64(bins))
}

// binOf is the bin of v ≥ 0 among equal bins from 0 to top. A value on an edge
// is of the bin above with closedLeft, else of the one below.
func binOf(v, top float32, bins int, closedLeft bool) int {
	b := min(bins-1, int(float64(v)/float64(top)*float64(bins)))
	for b > 0 && (v < edge(b, top, bins) || !closedLeft && v == edge(b, top, bins)) {
		b--
	}
	for b < bins-1 && (v > edge(b+1, top, bins) || closedLeft && v == edge(b+1, top, bins)) {
		b++
	}
	return b
}

// quantisedError is the root of the mean squared error over all entries when
// each latent is replaced by the midpoint of its bin, zeros too.
func (m *coactivation) quantisedError(top []float32, bins int) (float64, bool) {
	w, d := m.s.Weight("decoder.weight"), m.s.width()
	if w == nil || len(m.few.rows) == 0 {
		return 0, false
	}
	middle := func(f int, bin int) float64 {
		return (float64(edge(bin, top[f], bins)) + float64(edge(bin+1, top[f], bins))) / 2
	}
	base := make([]float64, d) // every latent at its first midpoint
	for j, b := range m.s.Weight("decoder.bias") {
		base[j] = float64(b)
	}
	for f := range top {
		for j, v := range w[f*d : (f+1)*d] {
			base[j] += middle(f, 0) * float64(v)
		}
	}
	errors := make([]float64, len(m.few.rows))
	m.pool.Run(len(errors), kernel.TaskFunc(func(_, i int) {
		row, y := m.few.rows[i], slices.Clone(base)
		for e, f := range row.index {
			v := row.value[e]
			size := middle(int(f), binOf(max(v, -v), top[f], bins, false))
			change := size - middle(int(f), 0)
			if v < 0 {
				change = -size - middle(int(f), 0)
			}
			for j, u := range w[int(f)*d : int(f+1)*d] {
				y[j] += change * float64(u)
			}
		}
		for j, v := range row.x {
			errors[i] += (float64(v) - y[j]) * (float64(v) - y[j])
		}
	}))
	sum := 0.0
	for _, e := range errors {
		sum += e
	}
	return math.Sqrt(sum / float64(len(errors)*d)), true
}

// reportDistance sets how far decoder rows are from the nearest of a few rows.
func (m *coactivation) reportDistance(r *Report, w []float32) {
	d := m.s.width()
	if len(m.few.rows) == 0 {
		return
	}
	x := Dictionary{Name: "rows", F: len(m.few.rows), D: d}
	for _, row := range m.few.rows {
		x.Rows = append(x.Rows, row.x...)
	}
	c, err := newCrossCosines(context.Background(), m.pool, Dictionary{Name: "decoder", Rows: w, F: m.s.F, D: d}, x, false)
	if err != nil {
		r.Warn("dictionary_ood_score is left out: %v", err)
		return
	}
	sum := 0.0
	for _, n := range c.forward {
		sum += n.Cosine
	}
	r.Set("dictionary_ood_score", 1-sum/float64(m.s.F), int64(x.F))
}

func mdlDefinitions() []Definition {
	var list []Definition
	for _, floor := range []struct{ name, top, equals string }{
		{"datamax", "the largest |f| of the latent (1 for dead ones)", ""},
		{"floor100", "max(100, largest |f|), so that small codes all fall in the first bin", "SAEBench 0.6.0 mdl"},
	} {
		for _, bins := range mdlBins() {
			list = append(list,
				Definition{Name: fmt.Sprintf("description_length_bins%d_%s", bins, floor.name), Unit: "bits a row", Source: "Ayonrinde et al. 2024", Equals: floor.equals,
					Formula: fmt.Sprintf("Σ over latents of H(p) + p·H(bins): p frequency, H in bits, bins the shares of all |f|, zeros too, in %d equal bins from 0 to %s", bins, floor.top)},
				Definition{Name: fmt.Sprintf("quantised_rmse_over_d_bins%d_%s", bins, floor.name), Unit: "units of the encoder", Source: "check of the same", Equals: floor.equals,
					Formula: fmt.Sprintf("√(mean over entries of (x - x̂)²)/D with every f, zeros too, at the midpoint of its bin of %d up to %s; of up to 1,024 rows drawn at random", bins, floor.top)})
		}
	}
	return inFamily("description length", list)
}
