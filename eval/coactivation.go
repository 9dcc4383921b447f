package eval

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
)

// coactivation keeps the codes of rows, all of them or as many random ones as
// fit, and measures which latents are active together once it has them.
type coactivation struct {
	s     Subject
	codes codeRows
	few   fewRows
	pool  *kernel.Pool
	total int64
}

func (m *coactivation) serial() {}

func (m *coactivation) Add(s *Sample) {
	m.pool = s.pool
	if !m.s.Transcoder {
		m.few.add(s, s.Scaled)
	}
	for i := range s.N {
		index, values := s.Codes.Row(i)
		m.codes.add(uint32(data.Bits(0, 0, uint64(s.rowNumber(i)))), index, values)
	}
	m.total += int64(s.N)
}

func (m *coactivation) Report(r *Report) {
	rows := int64(m.codes.rows())
	if rows == 0 {
		return
	}
	if rows < m.total {
		r.Warn("metrics of latents that are active together are of %d rows drawn at random", rows)
	}
	drawn := m.codes.drawn()
	m.reportRank(r, drawn)
	m.reportPairs(r)
	m.reportMDL(r)
	if w := m.s.Weight("decoder.weight"); w != nil {
		m.reportSupports(r, w, drawn)
		m.reportInterference(r, w)
		m.reportDistance(r, w)
	}
}

// maxRank is the largest matrix whose eigenvalues are computed for the
// effective rank.
const maxRank = 256

// reportRank sets the effective rank of the codes: of all rows kept when there
// are few latents, otherwise of maxRank rows, whose products with each other
// have the same eigenvalues, beside zeros, as those of latents.
func (m *coactivation) reportRank(r *Report, drawn []int) {
	rows := drawn
	if m.s.F > maxRank {
		rows = drawn[:min(maxRank, len(drawn))]
	}
	slices.Sort(rows)
	raw, unit := m.gramOf(rows)
	r.Set("effective_rank_codes", effectiveRank(raw), int64(len(rows)))
	r.Set("effective_rank_unit_codes", effectiveRank(unit), int64(len(rows)))
}

// gramOf gives the products of the codes with each other, as they are and with
// each row scaled to norm 1: of latents or of rows, whichever are fewer.
func (m *coactivation) gramOf(rows []int) (raw, unit *mat.SymDense) {
	n, byRow := m.s.F, len(rows) < m.s.F
	if byRow {
		n = len(rows)
	}
	raw, unit = mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)
	add := func(a, b int, product, norms float64) {
		raw.SetSym(a, b, raw.At(a, b)+product)
		if norms > 0 {
			unit.SetSym(a, b, unit.At(a, b)+product/norms)
		}
	}
	lengths, dense := make([]float64, len(rows)), make([]float64, m.s.F)
	for a, i := range rows {
		index, values := m.codes.row(i)
		lengths[a] = norm(values)
		if !byRow {
			for x, f := range index {
				for y, g := range index[:x+1] {
					add(int(g), int(f), float64(values[x])*float64(values[y]), lengths[a]*lengths[a])
				}
			}
			continue
		}
		clear(dense)
		for e, f := range index {
			dense[f] = float64(values[e])
		}
		for b, j := range rows[:a+1] {
			other, theirs := m.codes.row(j)
			sum := 0.0
			for e, f := range other {
				sum += dense[f] * float64(theirs[e])
			}
			add(b, a, sum, lengths[a]*lengths[b])
		}
	}
	return raw, unit
}

// effectiveRank is exp of the entropy of the eigenvalues, scaled to sum 1, of
// a matrix that has no negative ones; NaN for a matrix of zeros.
func effectiveRank(gram *mat.SymDense) float64 {
	var eigen mat.EigenSym
	if !eigen.Factorize(gram, false) {
		return math.NaN()
	}
	values := eigen.Values(nil)
	top, sum := slices.Max(values), 0.0
	for _, v := range values {
		if v > 1e-12*top {
			sum += v
		}
	}
	entropy := 0.0
	for _, v := range values {
		if v > 1e-12*top {
			entropy -= v / sum * math.Log(v/sum)
		}
	}
	if sum == 0 {
		return math.NaN()
	}
	return math.Exp(entropy)
}
