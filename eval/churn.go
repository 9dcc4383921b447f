package eval

// churn measures what noise does to a variational autoencoder: what two draws
// of the same rows keep in common, and how well a draw reconstructs.
type churn struct {
	draws [2]Model
	want  *columnSums
	width int

	kept     [2][]int32 // latents and rows of the first draw
	rows     int64      // that keep some latent in either
	all      int64
	overlap  float64 // Σ of Jaccard indices
	expected float64 // Σ of those of random latents
	errors   float64 // Σ‖e‖² of both draws
	f        int
	err      error
}

// NewChurn makes the metric for Options.Metrics. a and b are s with two draws
// of the noise that it was trained with.
func NewChurn(s Subject, a, b Model) Metric {
	return &churn{draws: [2]Model{a, b}, want: newColumnSums(s.width()), width: s.width(), f: s.F}
}

func (m *churn) Add(s *Sample) {
	if m.err != nil {
		return
	}
	m.want.add(s.pool, s.N, s.Want, nil)
	for k, model := range m.draws {
		codes, err := model.Encode(s.Batch)
		if err != nil {
			m.err = err
			return
		}
		for i := range s.N {
			m.errors += sumRow(s.Want[i*m.width:(i+1)*m.width], model.Recon()[i*m.width:(i+1)*m.width]).Error
		}
		if k == 0 {
			m.kept = [2][]int32{append(m.kept[0][:0], codes.Index...), append(m.kept[1][:0], codes.RowPtr...)}
			continue
		}
		for i := range s.N {
			index, _ := codes.Row(i)
			m.compare(m.kept[0][m.kept[1][i]:m.kept[1][i+1]], index)
		}
	}
	m.all += int64(s.N)
}

// compare takes in what a row keeps in each draw, ascending. Random subsets of
// sizes a and b of F latents share ab/F.
func (m *churn) compare(a, b []int32) {
	if len(a)+len(b) == 0 {
		return
	}
	both := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			both, i, j = both+1, i+1, j+1
		}
	}
	shared := float64(len(a)) * float64(len(b)) / float64(m.f)
	m.overlap += float64(both) / float64(len(a)+len(b)-both)
	m.expected += shared / (float64(len(a)+len(b)) - shared)
	m.rows++
}

func (m *churn) Report(r *Report) {
	if m.err != nil {
		r.Warn("draws of noise were not compared: %v", m.err)
		return
	}
	r.Set("selection_jaccard", mean(m.overlap, m.rows), m.rows)
	r.Set("selection_churn", 1-mean(m.overlap, m.rows), m.rows)
	r.Set("selection_jaccard_chance", mean(m.expected, m.rows), m.rows)
	r.Set("fvu_sampled", m.errors/2/m.want.total(), m.all)
	r.Set("mse_sampled", mean(m.errors/2, m.all), m.all)
}

func churnDefinitions() []Definition {
	const twice = "two draws of the noise of training"
	return []Definition{
		{Name: "selection_jaccard", Formula: "mean over rows of |A ∩ B| / |A ∪ B|, A and B the latents kept in " + twice, Source: "selection stability, audit of the vSAE"},
		{Name: "selection_churn", Formula: "1 - selection_jaccard", Source: "share of the latents of a row that noise decides"},
		{Name: "selection_jaccard_chance", Formula: "mean over rows of s/(a + b - s), s = ab/F, for a and b latents kept", Source: "what random latents have in common, k/(2F - k)"},
		{Name: "fvu_sampled", Formula: "fvu of reconstructions with noise, mean of " + twice, Source: "evaluation in training mode (vSAE, evaluation.py)"},
		{Name: "mse_sampled", Formula: "mse of reconstructions with noise, mean of " + twice, Source: "evaluation in training mode"},
	}
}
