package eval

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Neuronpedia makes the rows of Neuronpedia's import: a row of its data base an
// object. Source is {layer}-{set}.
type Neuronpedia struct {
	Dashboards
	Hook    string
	Release string // name of the release, and of who made it
	Created string // time, as 2026-01-01T00:00:00.000Z
}

// Source is the id of the autoencoder within its model.
func (v *Neuronpedia) Source() string { return fmt.Sprintf("%d-%s", v.Layer, v.Set) }

// A NeuronpediaFeature is a line of features/batch-N.jsonl.gz.
type NeuronpediaFeature struct {
	Model       string    `json:"modelId"`
	Layer       string    `json:"layer"`
	Index       string    `json:"index"`
	Set         string    `json:"sourceSetName"`
	Creator     string    `json:"creatorId"`
	Created     string    `json:"createdAt"`
	Max         float64   `json:"maxActApprox"`
	HasVector   bool      `json:"hasVector"`
	VectorLabel *string   `json:"vectorLabel"`
	Strength    float64   `json:"vectorDefaultSteerStrength"`
	Hook        string    `json:"hookName"`
	Similar     []int     `json:"topkCosSimIndices"`
	Cosines     []float64 `json:"topkCosSimValues"`

	AlignedIndices    []int     `json:"neuron_alignment_indices"`
	AlignedValues     []float64 `json:"neuron_alignment_values"`
	AlignedL1         []float64 `json:"neuron_alignment_l1"`
	NeuronIndices     []int     `json:"correlated_neurons_indices"`
	NeuronL1          []float64 `json:"correlated_neurons_l1"`
	NeuronPearson     []float64 `json:"correlated_neurons_pearson"`
	CorrelatedIndices []int     `json:"correlated_features_indices"`
	CorrelatedL1      []float64 `json:"correlated_features_l1"`
	CorrelatedPearson []float64 `json:"correlated_features_pearson"`
	NegStr            []string  `json:"neg_str"`
	NegValues         []float64 `json:"neg_values"`
	PosStr            []string  `json:"pos_str"`
	PosValues         []float64 `json:"pos_values"`
	FracNonzero       float64   `json:"frac_nonzero"`
	FreqBars          []float64 `json:"freq_hist_data_bar_values"`
	FreqHeights       []float64 `json:"freq_hist_data_bar_heights"`
	LogitBars         []float64 `json:"logits_hist_data_bar_values"`
	LogitHeights      []float64 `json:"logits_hist_data_bar_heights"`
	DecoderDist       []float64 `json:"decoder_weights_dist"`
	Vector            []float32 `json:"vector"`
}

// A NeuronpediaActivation is a line of activations/batch-N.jsonl.gz: a prompt
// and what one latent does on it.
type NeuronpediaActivation struct {
	ID          string    `json:"id"`
	Tokens      []string  `json:"tokens"`
	Index       string    `json:"index"`
	Layer       string    `json:"layer"`
	Model       string    `json:"modelId"`
	Max         float64   `json:"maxValue"`
	MaxIndex    int       `json:"maxValueTokenIndex"`
	Min         float64   `json:"minValue"`
	Values      []float64 `json:"values"`
	Creator     string    `json:"creatorId"`
	Source      string    `json:"dataSource"`
	DataIndex   *string   `json:"dataIndex"`
	DFA         []float64 `json:"dfaValues"`
	DFATarget   *int      `json:"dfaTargetIndex"`
	DFAMax      *float64  `json:"dfaMaxValue"`
	Created     string    `json:"createdAt"`
	Loss        []float64 `json:"lossValues"`
	Logits      *string   `json:"logitContributions"`
	BinMin      float64   `json:"binMin"`
	BinMax      float64   `json:"binMax"`
	BinContains float64   `json:"binContains"`
	Qualifying  int       `json:"qualifyingTokenIndex"`
	ZIndices    [][]int   `json:"zIndices"`
	ZValues     []float64 `json:"zValues"`
}

// steerStrength is Neuronpedia's default: units of activation, here.
const steerStrength = 10

// Lines makes the rows of a feature and of its activations.
func (v *Neuronpedia) Lines(f *Feature) (NeuronpediaFeature, []NeuronpediaActivation) {
	p := v.page(f)
	line := NeuronpediaFeature{
		Model: v.Model, Layer: v.Source(), Index: fmt.Sprint(f.Latent), Set: v.Set, Creator: v.Release, Created: v.Created,
		Max: rounded5(f.Max), HasVector: true, Strength: steerStrength, Hook: v.Hook, Similar: []int{}, Cosines: []float64{},
		AlignedIndices: p.AlignedIndices, AlignedValues: p.AlignedValues, AlignedL1: p.AlignedL1,
		NeuronIndices: p.NeuronIndices, NeuronL1: p.NeuronL1, NeuronPearson: p.NeuronPearson,
		CorrelatedIndices: p.CorrelatedIndices, CorrelatedL1: p.CorrelatedL1, CorrelatedPearson: p.CorrelatedPearson,
		NegStr: p.NegStr, NegValues: p.NegValues, PosStr: p.PosStr, PosValues: p.PosValues, FracNonzero: p.FracNonzero,
		FreqBars: p.FreqBars, FreqHeights: p.FreqHeights, LogitBars: p.LogitBars, LogitHeights: p.LogitHeights,
		DecoderDist: p.DecoderWeightsDist, Vector: p.Vector,
	}
	for _, n := range f.Nearest {
		line.Similar, line.Cosines = append(line.Similar, n.Latent), append(line.Cosines, rounded5(n.Cosine))
	}
	activations := make([]NeuronpediaActivation, len(p.Activations))
	for i := range p.Activations {
		activations[i] = v.activation(&p.Activations[i], f.Latent, i)
	}
	return line, activations
}

// activation is the i-th of a latent. Its id is made from what it is, so that
// equal runs write equal files and other ones other ids.
func (v *Neuronpedia) activation(a *DashboardActivation, latent, i int) NeuronpediaActivation {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s/%s/%d/%d", v.Release, v.Model, v.Source(), v.Created, latent, i))
	out := NeuronpediaActivation{
		ID: "c" + hex.EncodeToString(sum[:12]), Tokens: a.Tokens, Index: fmt.Sprint(latent), Layer: v.Source(), Model: v.Model,
		Values: a.Values, Creator: v.Release, Source: v.Dataset, DFA: []float64{}, Created: v.Created, Loss: []float64{},
		BinMin: a.BinMin, BinMax: a.BinMax, BinContains: a.BinContains, Qualifying: a.Qualifying, ZIndices: [][]int{}, ZValues: []float64{},
	}
	for k, value := range a.Values {
		if k == 0 || value > out.Max {
			out.Max, out.MaxIndex = value, k
		}
		if k == 0 || value < out.Min {
			out.Min = value
		}
	}
	return out
}
