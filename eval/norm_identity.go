package eval

import (
	"math"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
)

// normIdentity checks on rows what the theory of quasi-orthogonality starts from:
//
//	‖ẑ‖² = ‖f̃‖² + Σ_{i≠j} f̃_i f̃_j c_ij
//
// with c the cosines of the directions, decoder rows and bias. Both sides are
// summed in their own way.
type normIdentity struct {
	s       Subject
	lengths []float64 // [F] ‖d_j‖
	bias    float64   // ‖b_dec‖
	budget  int       // products that are left to spend
	worst   float64
	rows    int64
}

// identityBudget bounds the products that the check takes.
const identityBudget = 1 << 28

func newIdentity(s Subject, lengths []float64, bias float64) normIdentity {
	return normIdentity{s: s, lengths: lengths, bias: bias, budget: identityBudget}
}

// identityFirst rows are checked, and of those after them one in identityShare.
const (
	identityFirst = 16
	identityShare = 64
)

// add takes in the rows drawn, as long as the budget holds their pairs.
func (m *normIdentity) add(s *Sample, of []norms) {
	for i := range s.N {
		drawn := s.First+int64(i) < identityFirst || data.Bits(0, 0, uint64(s.rowNumber(i)))%identityShare == 0
		cost := of[i].directions * of[i].directions * s.D / 2
		if !drawn || of[i].recon == 0 || cost > m.budget {
			continue
		}
		m.budget -= cost
		index, values := s.Codes.Row(i)
		m.worst = max(m.worst, abs(of[i].recon-m.expand(index, values))/of[i].recon)
		m.rows++
	}
}

// expand is the right side of the identity for the code of a row.
func (m *normIdentity) expand(index []int32, values []float32) float64 {
	d, w := m.s.D, m.s.Weight("decoder.weight")
	var rows [][]float32
	var size, length []float64
	push := func(row []float32, value, norm float64) {
		if norm > 0 {
			rows, size, length = append(rows, row), append(size, value*norm), append(length, norm)
		}
	}
	for e, f := range index {
		push(w[int(f)*d:(int(f)+1)*d], float64(values[e]), m.lengths[f])
	}
	push(m.s.Weight("decoder.bias"), 1, m.bias)
	sum := 0.0
	for i, row := range rows {
		sum += size[i] * size[i]
		for j := range i {
			cosine := kernel.DotF64(row, rows[j]) / (length[i] * length[j])
			sum += 2 * size[i] * size[j] * cosine
		}
	}
	return sum
}

func (m *normIdentity) report(r *Report) {
	if m.rows == 0 || math.IsNaN(m.worst) {
		return
	}
	r.Set("norm_identity_error", m.worst, m.rows)
}
