package eval

import (
	"cmp"
	"math"
	"slices"
)

// The depths of SAEDashboard's own pages: the largest activations, a row a
// prompt; and random ones from intervals of equal width. 255 tokens around a
// row hold the whole of a prompt of 128.
const (
	dashboardTop         = 20
	dashboardIntervals   = 5
	dashboardPerInterval = 5
	dashboardAround      = 127
	dashboardBars        = 50
	dashboardRelated     = 3
)

// ForDashboards are the depths of InspectOptions that Dashboards need, with the
// choice of latents of o.
func (o InspectOptions) ForDashboards() InspectOptions {
	o.Top, o.PerDocument, o.Bins = dashboardTop, true, 0
	o.Intervals, o.PerInterval = dashboardIntervals, dashboardPerInterval
	o.Before, o.After = dashboardAround, dashboardAround
	o.Nearest, o.Correlated = dashboardRelated, dashboardRelated
	return o
}

// Dashboards makes pages of latents in the form of SAEDashboard's runner for
// Neuronpedia (batch-N.json). What needs the language model is left empty.
type Dashboards struct {
	Model   string // model_id
	Layer   int
	Set     string // sae_set
	Dataset string

	Prompts, PromptTokens int // n_prompts_total, n_tokens_in_prompt

	Decoder []float32 // [F,D] in the dump's own units
	D       int
}

// A DashboardBatch is a file batch-N.json.
type DashboardBatch struct {
	Model    string             `json:"model_id"`
	Layer    int                `json:"layer"`
	Set      string             `json:"sae_set"`
	Suffix   *string            `json:"sae_id_suffix"`
	Features []DashboardFeature `json:"features"`
}

// A DashboardFeature is the page of a latent.
type DashboardFeature struct {
	Index              int                   `json:"feature_index"`
	AlignedIndices     []int                 `json:"neuron_alignment_indices"` // coordinates where the decoder row is largest
	AlignedValues      []float64             `json:"neuron_alignment_values"`
	AlignedL1          []float64             `json:"neuron_alignment_l1"` // share of Σ|row|
	NeuronIndices      []int                 `json:"correlated_neurons_indices"`
	NeuronL1           []float64             `json:"correlated_neurons_l1"`
	NeuronPearson      []float64             `json:"correlated_neurons_pearson"`
	CorrelatedIndices  []int                 `json:"correlated_features_indices"`
	CorrelatedL1       []float64             `json:"correlated_features_l1"` // cosine of decoder rows
	CorrelatedPearson  []float64             `json:"correlated_features_pearson"`
	NegStr             []string              `json:"neg_str"`
	NegValues          []float64             `json:"neg_values"`
	PosStr             []string              `json:"pos_str"`
	PosValues          []float64             `json:"pos_values"`
	FracNonzero        float64               `json:"frac_nonzero"`
	FreqBars           []float64             `json:"freq_hist_data_bar_values"` // centres
	FreqHeights        []float64             `json:"freq_hist_data_bar_heights"`
	LogitBars          []float64             `json:"logits_hist_data_bar_values"`
	LogitHeights       []float64             `json:"logits_hist_data_bar_heights"`
	Prompts            int                   `json:"n_prompts_total"`
	PromptTokens       int                   `json:"n_tokens_in_prompt"`
	Dataset            string                `json:"dataset"`
	DecoderWeightsDist []float64             `json:"decoder_weights_dist"`
	Vector             []float32             `json:"vector"`
	Activations        []DashboardActivation `json:"activations"`
}

// A DashboardActivation is a prompt. The largest activations are marked by a
// BinMin and BinContains of -1; the others say of which interval they are, and
// what share of all rows lies in it.
type DashboardActivation struct {
	BinMin      float64   `json:"bin_min"`
	BinMax      float64   `json:"bin_max"`
	BinContains float64   `json:"bin_contains"`
	Qualifying  int       `json:"qualifying_token_index"`
	Tokens      []string  `json:"tokens"`
	Values      []float64 `json:"values"`
}

// Batch makes the pages of features, with their contexts.
func (v *Dashboards) Batch(features []Feature) *DashboardBatch {
	b := &DashboardBatch{Model: v.Model, Layer: v.Layer, Set: v.Set, Features: []DashboardFeature{}}
	for i := range features {
		b.Features = append(b.Features, v.page(&features[i]))
	}
	return b
}

// page lists everything once: what a language model is needed for as empty.
func (v *Dashboards) page(f *Feature) DashboardFeature {
	p := DashboardFeature{
		Index: f.Latent, FracNonzero: rounded8(f.Frequency), Prompts: v.Prompts, PromptTokens: v.PromptTokens, Dataset: v.Dataset,
		NeuronIndices: []int{}, NeuronL1: []float64{}, NeuronPearson: []float64{},
		CorrelatedIndices: []int{}, CorrelatedL1: []float64{}, CorrelatedPearson: []float64{},
		NegStr: []string{}, NegValues: []float64{}, PosStr: []string{}, PosValues: []float64{},
		LogitBars: []float64{}, LogitHeights: []float64{}, DecoderWeightsDist: []float64{},
		Vector: v.Decoder[f.Latent*v.D : (f.Latent+1)*v.D], Activations: activationsOf(f),
	}
	p.AlignedIndices, p.AlignedValues, p.AlignedL1 = alignment(p.Vector)
	for _, c := range f.Correlated {
		p.CorrelatedIndices = append(p.CorrelatedIndices, c.Latent)
		p.CorrelatedL1, p.CorrelatedPearson = append(p.CorrelatedL1, rounded5(c.Cosine)), append(p.CorrelatedPearson, rounded5(c.Pearson))
	}
	p.FreqBars, p.FreqHeights = dashboardHistogram(f)
	return p
}

func activationsOf(f *Feature) []DashboardActivation {
	list := []DashboardActivation{}
	add := func(e *Example, lo, hi, contains float64) {
		a := DashboardActivation{BinMin: rounded5(lo), BinMax: rounded5(hi), BinContains: rounded5(contains), Qualifying: e.At, Tokens: slices.Clone(e.Tokens), Values: []float64{}}
		for _, v := range e.Values {
			a.Values = append(a.Values, rounded5(float64(v)))
		}
		if a.Tokens == nil {
			a.Tokens = []string{}
		}
		list = append(list, a)
	}
	for i := range f.Top {
		add(&f.Top[i], -1, f.Max, -1)
	}
	for i := range f.Intervals {
		part := &f.Intervals[i]
		for k := range part.Examples {
			add(&part.Examples[k], part.Low, part.High, part.Share)
		}
	}
	return list
}

// alignment are the coordinates in which a decoder row is largest, their
// values, and their shares of Σ|row|.
func alignment(row []float32) (indices []int, values, shares []float64) {
	order, total := make([]int, len(row)), 0.0
	for i, v := range row {
		order[i] = i
		total += abs(float64(v))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(abs(float64(row[b])), abs(float64(row[a]))) })
	for _, i := range order[:min(dashboardRelated, len(order))] {
		v := float64(row[i])
		indices, values, shares = append(indices, i), append(values, rounded5(v)), append(shares, rounded5(abs(v)/max(total, 1e-300)))
	}
	return indices, values, shares
}

// dashboardHistogram counts the positive activations in bins of equal width
// between the smallest and the largest: of a sample, scaled to all of them.
func dashboardHistogram(f *Feature) (centres, heights []float64) {
	centres, heights = []float64{}, []float64{}
	first, _ := slices.BinarySearchFunc(f.values, 0, func(v float32, _ int) int {
		if v > 0 {
			return 1
		}
		return -1
	})
	values := f.values[first:]
	if len(values) == 0 {
		return centres, heights
	}
	lo, hi := float64(values[0]), float64(values[len(values)-1])
	width := (hi - lo) / dashboardBars
	for b := range dashboardBars {
		centres, heights = append(centres, rounded5(lo+width*(float64(b)+0.5))), append(heights, 0)
	}
	for _, v := range values {
		b := 0
		if width > 0 {
			b = min(dashboardBars-1, int((float64(v)-lo)/width))
		}
		heights[b]++
	}
	for b, h := range heights {
		heights[b] = math.Round(h * float64(f.Fired) / float64(len(f.values)))
	}
	return centres, heights
}

// rounded5 is v to 5 decimals, as SAEDashboard writes values.
func rounded5(v float64) float64 { return math.Round(v*1e5) / 1e5 }

func rounded8(v float64) float64 { return math.Round(v*1e8) / 1e8 }
