package eval

import (
	"context"
	"math"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
)

// treeSamples is how many rows of features without amplitudes match latents
// to features.
const treeSamples = 1000

// treeFound is the cosine from which on a latent counts as a child feature, so
// that a child and its parent in one latent, at 0.71, still does.
const treeFound = 0.5

// MeasureTree adds to r how far an autoencoder found the features of a tree and
// kept its levels apart (Costa et al. 2025, arXiv 2506.03093, and the code of
// its authors). Each feature is matched with the latent that is active with it:
// the codes a [n,F] of rows that are plain sums of features, each latent divided
// by its largest value, are assigned one to one to the features s [n,20] of these
// rows, so that the sum of aᵀs is largest.
func MeasureTree(ctx context.Context, r *Report, s Subject, g *data.TreeGenerator, threads int) error {
	if s.D != data.TreeFeatures || s.Transcoder {
		return nil
	}
	similarity, err := treeSimilarity(ctx, s, g)
	if err != nil {
		return err
	}
	t := treeScores{g: g, latent: make([]int, data.TreeFeatures)}
	for i := range t.latent {
		t.latent[i] = -1
	}
	for latent, feature := range matched(similarity, s.F, data.TreeFeatures).Columns {
		if feature >= 0 {
			t.latent[feature] = latent
		}
	}
	t.cosines(s)
	t.report(r)
	return nil
}

// treeSimilarity is aᵀs / n, [F,20].
func treeSimilarity(ctx context.Context, s Subject, g *data.TreeGenerator) ([]float32, error) {
	const d = data.TreeFeatures
	sums, largest := make([]float64, s.F*d), make([]float64, s.F)
	batch := min(s.B, treeSamples)
	for first := 0; first < treeSamples; first += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(batch, treeSamples-first)
		b := &activations.Batch{N: n, D: d, X: make([]float32, n*d)}
		var features [][]int32
		for i := range n {
			row := g.Rows() + int64(first+i) // none that was trained on
			features = append(features, g.Code(row).Feature)
			for _, f := range features[i] {
				kernel.Axpy(b.X[i*d:(i+1)*d], 1, g.Dictionary()[int(f)*d:(int(f)+1)*d])
			}
		}
		codes, err := s.Encode(b)
		if err != nil {
			return nil, err
		}
		for i := range n {
			index, values := codes.Row(i)
			for e, latent := range index {
				v := float64(values[e])
				largest[latent] = max(largest[latent], v)
				for _, f := range features[i] {
					sums[int(latent)*d+int(f)] += v
				}
			}
		}
	}
	similarity := make([]float32, len(sums))
	for i, v := range sums {
		similarity[i] = float32(v / max(largest[i/d], 1e-10) / treeSamples)
	}
	return similarity, nil
}

// treeScores are the cosines of the latents matched with the features.
type treeScores struct {
	g       *data.TreeGenerator
	latent  []int     // [20] of each feature, -1 for none
	toTruth []float64 // [20,20] of the latent of feature i with feature j
	learnt  []float64 // [20,20] of the latents of features i and j
	truth   []float64 // [20,20] of the features
}

func (t *treeScores) cosines(s Subject) {
	const d = data.TreeFeatures
	w := s.Weight("decoder.weight")
	rows, features := make([][]float32, d), make([][]float32, d)
	for i, latent := range t.latent {
		rows[i], features[i] = make([]float32, d), t.g.Dictionary()[i*d:(i+1)*d]
		if latent >= 0 {
			rows[i] = w[latent*d : (latent+1)*d]
		}
	}
	t.toTruth, t.learnt, t.truth = make([]float64, d*d), make([]float64, d*d), make([]float64, d*d)
	for i := range d {
		for j := range d {
			t.toTruth[i*d+j] = cosineOf(rows[i], features[j])
			t.learnt[i*d+j] = cosineOf(rows[i], rows[j])
			t.truth[i*d+j] = cosineOf(features[i], features[j])
		}
	}
}

// cosineOf is 0 where a row is zero.
func cosineOf(a, b []float32) float64 {
	return kernel.DotF64(a, b) / max(norm(a)*norm(b), 1e-300)
}

func (t *treeScores) report(r *Report) {
	const d = data.TreeFeatures
	sum, least := 0.0, math.Inf(1)
	var flat, across, absorbed ratioMean
	children := 0.0
	for i := range d {
		own := t.toTruth[i*d+i]
		sum, least = sum+own/d, min(least, own)
		parent := t.g.Parent(i)
		if parent >= 0 {
			children++
			if own > treeFound {
				absorbed.add(t.toTruth[i*d+parent], 1)
			}
		}
		for j := range i {
			miss := t.learnt[i*d+j] - t.truth[i*d+j]
			if (parent < 0) == (t.g.Parent(j) < 0) {
				flat.add(miss*miss, 1)
			} else {
				across.add(miss*miss, 1)
			}
		}
	}
	r.Set("tree_matched_cosine_mean", sum, 0)
	r.Set("tree_matched_cosine_min", least, 0)
	r.Set("tree_flat_error", mean(flat.sum, flat.rows), 0)
	r.Set("tree_hierarchical_error", mean(across.sum, across.rows), 0)
	r.Set("tree_absorption", mean(absorbed.sum, absorbed.rows), 0)
	r.Set("tree_children_found", float64(absorbed.rows)/children, 0)
}

func treeDefinitions() []Definition {
	const source = "MP-SAE, arXiv 2506.03093, appendix B"
	const note = "; the paper gives no formula, this one is our reading"
	return inFamily("tree", []Definition{
		{Name: "tree_matched_cosine_mean", Formula: "mean over the features of a tree (saectl data synth tree) of the cosine to the decoder row of the latent matched with it: one to one, largest sum of Σ f/max f over rows with the feature, of 1,000 rows that are plain sums of features; 0 for a feature without a latent", Source: source},
		{Name: "tree_matched_cosine_min", Formula: "least such cosine", Source: source},
		{Name: "tree_flat_error", Formula: "mean of (C - C*)² over pairs of parents and over pairs of children, C the cosine of the two matched decoder rows, C* of the two features" + note, Source: source},
		{Name: "tree_hierarchical_error", Formula: "mean of (C - C*)² over pairs of a parent and a child, C* = 0" + note, Source: source},
		{Name: "tree_absorption", Formula: "mean over children that were found of the cosine of the matched decoder row with the parent feature: 0.71 where a latent is parent and child in equal parts", Source: "absorption score, table 1 of the same"},
		{Name: "tree_children_found", Formula: "share of the children whose matched decoder row has a cosine above 0.5 to them; the paper does not say when one counts as found", Source: "what tree_absorption is over"},
	})
}
