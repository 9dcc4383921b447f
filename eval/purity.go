package eval

import (
	"math"
)

// purity measures how latents relate to the classes of the rows, where rows
// carry labels.
type purity struct {
	f     int
	class []classSums // by label
	rows  int64       // with a label
	full  bool        // there are too many classes for the memory
}

// classSums are sums over the rows of a class.
type classSums struct {
	rows  int64
	fired []int32   // [F] rows on which the latent is not zero
	mass  []float64 // [F] Σ|f|
}

// maxClassEntries bounds latents times classes.
const maxClassEntries = 1 << 24

func (m *purity) Add(s *Sample) {
	if s.Label == nil || m.full {
		return
	}
	for i, label := range s.Label[:s.N] {
		if label < 0 {
			continue
		}
		if (int(label)+1)*m.f > maxClassEntries {
			*m = purity{f: m.f, full: true}
			return
		}
		for len(m.class) <= int(label) {
			m.class = append(m.class, classSums{})
		}
		c := &m.class[label]
		if c.fired == nil {
			c.fired, c.mass = make([]int32, m.f), make([]float64, m.f)
		}
		c.rows++
		m.rows++
		index, values := s.Codes.Row(i)
		for e, f := range index {
			if v := float64(values[e]); v != 0 {
				c.fired[f]++
				c.mass[f] += abs(v)
			}
		}
	}
}

func (m *purity) Report(r *Report) {
	if m.full {
		r.Warn("metrics of labels are left out: there are too many classes for %d latents", m.f)
	}
	if m.rows == 0 {
		return
	}
	m.reportPurity(r)
	if len(m.class) == 2 && m.class[0].rows > 0 && m.class[1].rows > 0 {
		m.reportModality(r)
	}
}

// reportPurity sets the share of a latent's activity in its main class.
func (m *purity) reportPurity(r *Report) {
	binary, weighted, alive := 0.0, 0.0, int64(0)
	r.Latents.PurityBinary, r.Latents.PurityWeighted = make([]float64, m.f), make([]float64, m.f)
	for f := range m.f {
		fired, mass, main := int32(0), 0.0, -1
		for c := range m.class {
			if m.class[c].fired == nil {
				continue
			}
			fired += m.class[c].fired[f]
			mass += m.class[c].mass[f]
			if main < 0 || m.class[c].fired[f] > m.class[main].fired[f] {
				main = c
			}
		}
		if fired == 0 {
			r.Latents.PurityBinary[f], r.Latents.PurityWeighted[f] = -1, -1
			continue
		}
		b, w := float64(m.class[main].fired[f])/float64(fired), m.class[main].mass[f]/mass
		r.Latents.PurityBinary[f], r.Latents.PurityWeighted[f] = b, w
		binary, weighted, alive = binary+b, weighted+w, alive+1
	}
	r.Set("class_purity_binary_mean", mean(binary, alive), m.rows)
	r.Set("class_purity_weighted_mean", mean(weighted, alive), m.rows)
}

// reportModality sets how evenly latents serve two classes, such as images
// and texts.
func (m *purity) reportModality(r *Report) {
	score, alive, spread, energy := 0.0, int64(0), 0.0, 0.0
	r.Latents.Modality = make([]float64, m.f)
	for f := range m.f {
		zero, one := m.class[0].mass[f]/float64(m.class[0].rows), m.class[1].mass[f]/float64(m.class[1].rows)
		r.Latents.Modality[f] = -1
		if zero+one == 0 {
			continue
		}
		s := one / (zero + one)
		r.Latents.Modality[f] = s
		score, alive = score+s, alive+1
		e := (m.class[0].mass[f] + m.class[1].mass[f]) / float64(m.rows)
		spread += e * (s - 0.5) * (s - 0.5)
		energy += e
	}
	r.Set("modality_score_mean_live", mean(score, alive), m.rows)
	r.Set("modality_spread", math.Sqrt(spread/energy), m.rows)
}

func labelDefinitions() []Definition {
	return inFamily("labels", []Definition{
		{Name: "class_purity_binary_mean", Formula: "mean over live latents of the share of firing rows that are of the class with most firing rows, ties to the lower class", Source: "class purity of concept studies of vision SAEs"},
		{Name: "class_purity_weighted_mean", Formula: "mean over live latents of the share of Σ|f| that lies on rows of that class", Source: "class purity of concept studies of vision SAEs"},
		{Name: "modality_score_mean_live", Formula: "labels 0 and 1 only: mean over live latents of mean₁/(mean₀ + mean₁), mean_c the mean of |f| over rows of class c", Source: "modality score, Papadimitriou et al. 2025"},
		{Name: "modality_spread", Formula: "labels 0 and 1 only: √(Σe(s - 0.5)²/Σe), s the score of a latent, e its mean |f| over all rows", Source: "modality score, overcomplete"},
	})
}
