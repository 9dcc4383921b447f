package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// Absorption says, for rows that have a feature, how far other latents have
// taken it over from those that should show it.
type Absorption struct {
	MeanFraction float64
	FullRate     float64
	Fraction     []float64 // of each row
	Full         []bool
}

// The constants of SAEBench 0.6.0 (absorption, first letter).
const (
	silent          = 1e-8  // below it a latent does not fire
	fullCosine      = 0.025 // least cosine of the latent that absorbs in full
	fullShare       = 0.4   // least share of the projection that absorbers carry
	absorbingCosine = 0.1
	absorbers       = 3 // most latents that share in an absorption
)

// MeasureAbsorption applies SAEBench's rule to rows x [n,D] with codes, along
// the direction [D] of the feature: main are the latents that should show it,
// decoder [F,D] rows. The caller brings rows on which the feature is present.
func MeasureAbsorption(direction []float32, main []int, x []float32, codes func(i int) (index []int32, value []float32), n int, decoder []float32) Absorption {
	d := len(direction)
	m := absorption{unit: make([]float32, d), main: map[int32]bool{}, cosine: make([]float64, len(decoder)/d)}
	for j, v := range direction {
		m.unit[j] = float32(float64(v) / norm(direction))
	}
	for _, f := range main {
		m.main[int32(f)] = true
	}
	for f := range m.cosine {
		row := decoder[f*d : (f+1)*d]
		m.cosine[f] = kernel.DotF64(m.unit, row) / max(norm(row), 1e-300)
	}
	a := Absorption{Fraction: make([]float64, n), Full: make([]bool, n)}
	for i := range n {
		index, value := codes(i)
		whole := kernel.DotF64(m.unit, x[i*d:(i+1)*d])
		a.Fraction[i], a.Full[i] = m.fraction(whole, index, value), m.full(whole, index, value)
		a.MeanFraction += a.Fraction[i] / float64(n)
		if a.Full[i] {
			a.FullRate += 1 / float64(n)
		}
	}
	return a
}

// absorption is the direction and what latents have in common with it.
type absorption struct {
	unit   []float32 // [D]
	main   map[int32]bool
	cosine []float64 // [F]
}

// full reports whether no main latent fires and the latent with the largest
// projection carries enough of that of the row, whole.
func (m *absorption) full(whole float64, index []int32, value []float32) bool {
	best, most := int32(-1), math.Inf(-1)
	for e, f := range index {
		if m.main[f] && float64(value[e]) >= silent {
			return false
		}
		if p := float64(value[e]) * m.cosine[f]; p > most {
			best, most = f, p
		}
	}
	return best >= 0 && m.cosine[best] >= fullCosine && whole > 0 && most/whole >= fullShare
}

// fraction is the share of absorbers in what absorbers and main latents carry.
func (m *absorption) fraction(whole float64, index []int32, value []float32) float64 {
	var others []float64
	own := 0.0
	for e, f := range index {
		p := float64(value[e]) * m.cosine[f]
		switch {
		case m.main[f]:
			own += p
		case m.cosine[f] >= absorbingCosine && p > 0:
			others = append(others, p)
		}
	}
	slices.SortFunc(others, func(a, b float64) int { return cmp.Compare(b, a) })
	absorbed := 0.0
	for _, p := range others[:min(absorbers, len(others))] {
		absorbed += p
	}
	switch {
	case own >= whole || absorbed/whole < fullShare:
		return 0
	case own <= 0:
		return 1
	}
	a := min(absorbed, whole-own)
	return a / (a + own)
}
