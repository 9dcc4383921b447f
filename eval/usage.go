package eval

import (
	"fmt"
	"math"
	"slices"
)

// usage counts on which rows each latent is active.
type usage struct {
	rows    int64
	fired   []int64   // [F] rows on which the latent is not zero
	sum     []float64 // [F] Σ f
	largest []float32 // [F] largest |f|
	last    []int64   // [F] row after the last that fired
	gap     []int64   // [F] most rows in a row without firing
	docs    []int64   // [F] documents in which it fired
	lastDoc []int64   // [F] the last such document, counted from 1
	doc     int64     // document under way, counted from 1; 0 without documents
	docID   int64
	docRows int64 // of the document under way, and of the longest
	longest int64
}

func newUsage(f int) *usage {
	return &usage{
		fired: make([]int64, f), sum: make([]float64, f), largest: make([]float32, f),
		last: make([]int64, f), gap: make([]int64, f), docs: make([]int64, f), lastDoc: make([]int64, f),
	}
}

func (m *usage) serial() {}

func (m *usage) Add(s *Sample) {
	for i := range s.N {
		row := s.First + int64(i)
		if s.Doc != nil && (m.doc == 0 || s.Doc[i] != m.docID) {
			m.doc, m.docID, m.docRows = m.doc+1, s.Doc[i], 0
		}
		if m.doc > 0 {
			m.docRows++
			m.longest = max(m.longest, m.docRows)
		}
		index, values := s.Codes.Row(i)
		for e, f := range index {
			if values[e] != 0 {
				m.fire(f, values[e], row)
			}
		}
	}
	m.rows += int64(s.N)
}

func (m *usage) fire(f int32, v float32, row int64) {
	m.fired[f]++
	m.sum[f] += float64(v)
	m.largest[f] = max(m.largest[f], v, -v)
	m.gap[f] = max(m.gap[f], row-m.last[f])
	m.last[f] = row + 1
	if m.lastDoc[f] != m.doc {
		m.lastDoc[f] = m.doc
		m.docs[f]++
	}
}

// fewRowsForDead is below how many rows dead latents come with a warning.
const fewRowsForDead = 10000

func (m *usage) Report(r *Report) {
	n, latents := m.rows, float64(len(m.fired))
	frequency := make([]float64, len(m.fired))
	means := make([]float64, len(m.fired))
	dead := 0
	for f, fired := range m.fired {
		frequency[f], means[f] = float64(fired)/float64(n), m.sum[f]/float64(n)
		if fired == 0 {
			dead++
		}
	}
	r.Latents.Frequency, r.Latents.Fired, r.Latents.MeanValue, r.Latents.MaxValue = frequency, m.fired, means, m.largest
	if m.doc > 0 {
		r.Latents.DocsFired = m.docs
		r.Set("consistent_activation_heuristic_mean", m.perDocument(), n)
	}
	r.Set("dead_latents", float64(dead), n)
	r.Set("dead_fraction", float64(dead)/latents, n)
	r.Set("alive", latents-float64(dead), n)
	r.Set("frac_alive", 1-float64(dead)/latents, n)
	if dead > 0 && n < fewRowsForDead {
		r.Warn("%d rows are few: a latent that fires less often than once in %d rows counts as dead", n, n)
	}
	m.reportFrequency(r, frequency)
	m.reportUnderuse(r)
	r.Series["frequency_histogram"] = densityHistogram(frequency)
	r.Series["dead_by_window"] = m.deadByWindow()
}

// reportFrequency sets the metrics of the distribution of frequencies.
func (m *usage) reportFrequency(r *Report, frequency []float64) {
	sorted := slices.Clone(frequency)
	slices.Sort(sorted)
	for _, q := range frequencyQuantiles() {
		r.Set(q.name, quantile(sorted, q.q), m.rows)
	}
	for _, t := range frequencyThresholds() {
		below, _ := slices.BinarySearch(sorted, t)
		r.Set(fmt.Sprintf("count_frequency_below_%v", t), float64(below), m.rows)
	}
	all := 0.0
	for _, f := range sorted {
		all += f
	}
	for _, percent := range []int{1, 10} {
		over, sum := 0, 0.0
		for _, f := range sorted {
			if f > float64(percent)/100 {
				over, sum = over+1, sum+f
			}
		}
		r.Set(fmt.Sprintf("freq_over_%d_percent", percent), float64(over)/float64(len(sorted)), m.rows)
		r.Set(fmt.Sprintf("normalized_freq_over_%d_percent", percent), sum/all, m.rows)
	}
	r.Set("gini_of_feature_frequency", gini(sorted, len(sorted)), m.rows)
}

type namedQuantile struct {
	name string
	q    float64
}

func frequencyQuantiles() []namedQuantile {
	return []namedQuantile{{"frequency_min", 0}, {"frequency_q05", 0.05}, {"frequency_q25", 0.25},
		{"frequency_median", 0.5}, {"frequency_q75", 0.75}, {"frequency_q95", 0.95}, {"frequency_max", 1}}
}

func frequencyThresholds() []float64 { return []float64{1e-6, 1e-5, 1e-4, 0.005, 0.01, 0.1} }

// perDocument is the mean over latents that fired of rows fired a document
// that has such a row.
func (m *usage) perDocument() float64 {
	sum, alive := 0.0, int64(0)
	for f, fired := range m.fired {
		if fired > 0 {
			sum += float64(fired) / float64(m.docs[f])
			alive++
		}
	}
	return mean(sum, alive)
}

// deadByWindow is the share of latents that were silent for x rows in a row.
func (m *usage) deadByWindow() Series {
	s := Series{Definition: "share of latents silent for at least x rows in a row, in the order evaluated"}
	for window := int64(1000); window < m.rows; window *= 10 {
		s.X = append(s.X, float64(window))
	}
	s.X = append(s.X, float64(m.rows))
	s.Y = make([]float64, len(s.X))
	for f := range m.fired {
		longest := max(m.gap[f], m.rows-m.last[f])
		for i, x := range s.X {
			if float64(longest) >= x {
				s.Y[i] += 1 / float64(len(m.fired))
			}
		}
	}
	return s
}

// densityHistogram counts latents by log10(frequency + 1e-10), in 20 bins of
// 0.5 from -10 to 0, closed on the left; the last is closed on both sides.
func densityHistogram(frequency []float64) Series {
	s := Series{Definition: "latents by log10(frequency + 1e-10), bins of 0.5 from -10 to 0; a latent that never fires lies in the first"}
	for e := range 21 {
		s.X = append(s.X, -10+0.5*float64(e))
	}
	s.Y = make([]float64, 20)
	for _, f := range frequency {
		v := min(0, math.Log10(f+1e-10))
		s.Y[min(19, max(0, int((v+10)*2)))]++
	}
	return s
}

func usageDefinitions() []Definition {
	list := []Definition{
		{Name: "dead_latents", Formula: "latents with no value that is not zero on the rows evaluated", Unit: "latents", Source: "dead by never", Equals: "overcomplete 0.3.0 dead_codes, summed"},
		{Name: "dead_fraction", Formula: "dead_latents / F", Source: "dead by never"},
		{Name: "alive", Formula: "F - dead_latents", Unit: "latents", Source: "dead by never"},
		{Name: "frac_alive", Formula: "alive / F", Source: "dead by never", Equals: "dictionary_learning 0.1.0 and SAEBench 0.6.0 frac_alive"},
	}
	for _, q := range frequencyQuantiles() {
		list = append(list, Definition{Name: q.name, Formula: fmt.Sprintf("%v quantile over latents of the frequency, the share of rows on which a latent is not zero", q.q), Source: "distribution of frequencies"})
	}
	for _, t := range frequencyThresholds() {
		list = append(list, Definition{Name: fmt.Sprintf("count_frequency_below_%v", t), Formula: fmt.Sprintf("latents with a frequency below %v", t), Unit: "latents", Source: "sae-lens sparsity/below_1e-5 and the like"})
	}
	for _, p := range []int{1, 10} {
		list = append(list,
			Definition{Name: fmt.Sprintf("freq_over_%d_percent", p), Formula: fmt.Sprintf("share of latents with a frequency above %v", float64(p)/100), Source: "latents that are on too often", Equals: "SAEBench 0.6.0 core, same name"},
			Definition{Name: fmt.Sprintf("normalized_freq_over_%d_percent", p), Formula: fmt.Sprintf("sum of the frequencies above %v / sum of all", float64(p)/100), Source: "share of all activity", Equals: "SAEBench 0.6.0 core, same name"})
	}
	list = append(list,
		Definition{Name: "gini_of_feature_frequency", Formula: "Gini index of the F frequencies", Source: "evenness of use"},
		Definition{Name: "consistent_activation_heuristic_mean", Formula: "mean over latents that fire of rows fired / documents with such a row", Unit: "rows a document", Source: "SAEBench 0.6.0 core, per latent", Equals: "SAEBench consistent_activation_heuristic, averaged over live latents"})
	return inFamily("usage", list)
}
