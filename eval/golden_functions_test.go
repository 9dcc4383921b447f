package eval

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/eval/labels"
	"github.com/saectl/saectl/sae"
)

// others are the values of a case that are not figures of one evaluation.
func (c *goldenCase) others() map[string]float64 {
	v := map[string]float64{}
	c.twoDictionaries(v)
	c.decoderVariance(v)
	c.absorption(v)
	c.concepts(v)
	c.probes(v)
	return v
}

func (c *goldenCase) dictionary(name string) Dictionary {
	return Dictionary{Name: name, Rows: c.float32(name), F: c.F, D: c.D}
}

func (c *goldenCase) twoDictionaries(v map[string]float64) {
	a, b := c.dictionary("W_dec"), c.dictionary("W_dec_2")
	m, err := MatchDictionaries(context.Background(), a, b, 2)
	if err != nil {
		c.t.Fatal(err)
	}
	v["mmcs_a_to_b"], v["mmcs_b_to_a"], v["mmcs_abs_a_to_b"] = m.MMCS, m.Back, m.Abs
	h := m.Hungarian
	v["hungarian_mean_cosine"], v["hungarian_mean_arccos"] = h.MeanCosine, h.MeanArccos
	v["cosine_hungarian_loss"], v["share_matched_above_0.9"] = h.Loss, h.Shared["0.9"]
	for i, j := range c.ints("hungarian_columns") {
		if h.Columns[i] != j {
			c.t.Errorf("latent %d is matched with %d, want %d", i, h.Columns[i], j)
		}
	}
	if v["hungarian_loss_l2"], err = DistanceLoss(a, b); err != nil {
		c.t.Fatal(err)
	}
}

// decoderVariance evaluates decoder rows as data and their reconstruction.
func (c *goldenCase) decoderVariance(v map[string]float64) {
	m := &stored{z: make([]float32, c.F), xHat: c.float32("decoder_reconstruction"), f: 1, d: c.D}
	src := source(activations.Batch{N: c.F, D: c.D, X: c.float32("W_dec")}, 10)
	r, err := Run(context.Background(), Subject{Model: m, Dims: sae.Dims{D: c.D, F: 1, B: 10}}, src, Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	v["decoder_fraction_variance_explained"] = r.Metrics["explained_variance"].Value
	v["final_reconstruction_mse"] = r.Metrics["mse_all_entries"].Value
}

// code gives the active latents of row i of the stored codes.
func (c *goldenCase) code() func(i int) ([]int32, []float32) {
	f := c.float32("f")
	return func(i int) (index []int32, value []float32) {
		for j, v := range f[i*c.F : (i+1)*c.F] {
			if v != 0 {
				index, value = append(index, int32(j)), append(value, v)
			}
		}
		return index, value
	}
}

func (c *goldenCase) absorption(v map[string]float64) {
	rows, all, code := c.ints("absorption_rows"), c.float32("x"), c.code()
	var x []float32
	for _, row := range rows {
		x = append(x, all[int(row)*c.D:int(row+1)*c.D]...)
	}
	for _, name := range []string{"main1", "main2"} {
		var main []int
		for _, f := range c.ints("absorption_" + name + "_features") {
			main = append(main, int(f))
		}
		a := MeasureAbsorption(c.float32("absorption_probe_direction"), main, x,
			func(i int) ([]int32, []float32) { return code(int(rows[i])) }, len(rows), c.float32("W_dec"))
		v[name+"_mean_absorption_fraction"], v[name+"_full_absorption_rate"] = a.MeanFraction, a.FullRate
		full := c.ints("absorption_" + name + "_full")
		for i, want := range c.float32("absorption_" + name + "_fraction") {
			near(c.t, fmt.Sprintf("%s fraction of row %d", name, i), a.Fraction[i], float64(want), 1e-5)
			if a.Full[i] != (full[i] == 1) {
				c.t.Errorf("%s: full absorption of row %d is %v", name, i, a.Full[i])
			}
		}
	}
}

func (c *goldenCase) concepts(v map[string]float64) {
	sum, live := 0.0, 0.0
	want := c.float64("monosemanticity_f64")
	for f, m := range labels.Monosemanticity(c.float32("embedding"), c.N, c.code(), c.F) {
		near(c.t, fmt.Sprintf("monosemanticity of latent %d", f), m, want[f], 1e-5)
		if m != -1 {
			sum, live = sum+m, live+1
		}
	}
	v["monosemanticity_mean_over_live"] = sum / live
	classes, modality := c.labelled("classes"), c.labelled("modality")
	for _, name := range []string{"class_purity_binary_mean", "class_purity_weighted_mean"} {
		v[name] = classes.Metrics[name].Value
	}
	for _, name := range []string{"modality_score_mean_live", "modality_spread"} {
		v[name] = modality.Metrics[name].Value
	}
	c.sameEach("class_purity_binary_f64", classes.Latents.PurityBinary)
	c.sameEach("class_purity_weighted_f64", classes.Latents.PurityWeighted)
	c.sameEach("modality_score_f64", modality.Latents.Modality)
}

// labelled evaluates the case with another tensor as labels.
func (c *goldenCase) labelled(name string) *Report {
	src := c.source(64).(*rows)
	src.all.Label = c.ints(name)
	r, err := Run(context.Background(), c.subject(), src, Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// sameEach compares a figure of each latent with a stored tensor, in which -1
// stands for none.
func (c *goldenCase) sameEach(name string, got []float64) {
	c.t.Helper()
	for f, want := range c.float64(name) {
		if want != -1 || got[f] != -1 {
			near(c.t, fmt.Sprintf("%s[%d]", name, f), got[f], want, 1e-5)
		}
	}
}

func (c *goldenCase) probes(v map[string]float64) {
	label, code := c.ints("label"), c.code()
	latents, raw, x := labels.NewFeatures(c.F), labels.NewFeatures(c.D), c.float32("x")
	is := make([]bool, c.N)
	for i := range c.N {
		latents.Add(code(i))
		raw.AddDense(x[i*c.D : (i+1)*c.D])
		is[i] = label[i] == 1
		set := "positives_train"
		if i >= c.TrainRows {
			set = "positives_test"
		}
		if is[i] {
			v[set]++
		}
	}
	var train, test []int
	for i := range c.N {
		if i < c.TrainRows {
			train = append(train, i)
		} else {
			test = append(test, i)
		}
	}
	order := labels.RankByMean(latents.Rows(train), is[:c.TrainRows])
	for i, want := range c.ints("probe_rank_order") {
		if order[i] != int(want) {
			c.t.Errorf("latents by mean difference are %v, want %d at %d", order[:10], want, i)
		}
	}
	fit := func(name string, f *labels.Features) {
		m := labels.FitLogistic(f.Rows(train), is[:c.TrainRows], 1)
		scores := m.Scores(f.Rows(test))
		s := labels.ScoreOf(scores, is[c.TrainRows:])
		v[name+"_test_accuracy"], v[name+"_test_auroc"] = s.Accuracy, s.AUROC
		v[name+"_objective_at_optimum"], v[name+"_intercept"] = m.Objective, m.Bias
		least := math.Inf(1)
		for _, x := range scores {
			least = min(least, abs(x))
		}
		v[name+"_min_abs_test_score"] = least
		theirs, gap := c.float32("probe_"+name+"_weights_sklearn"), 0.0
		for j, want := range c.float64("probe_" + name + "_weights_f64") {
			near(c.t, fmt.Sprintf("weight %d of probe %s", j, name), m.W[j], want, 1e-6)
			gap = max(gap, abs(m.W[j]-float64(theirs[j])))
		}
		v[name+"_max_abs_weight_difference_to_sklearn"] = gap
	}
	for _, k := range []int{1, 2, 5} {
		var keep []int
		for _, f := range c.ints(fmt.Sprintf("probe_k%d_features", k)) {
			keep = append(keep, int(f))
		}
		fit(fmt.Sprintf("k%d", k), latents.Columns(keep))
	}
	fit("all", latents)
	fit("raw_x", raw)
}

// perLatent compares the table of latents with the stored tensors.
func (c *goldenCase) perLatent(r *Report) {
	t := r.Latents
	c.sameEach("feature_density_f64", t.Frequency)
	c.sameEach("decoder_norm_f64", t.DecoderNorm)
	c.sameEach("encoder_decoder_cosine_f64", t.EncoderCosine)
	c.sameEach("max_decoder_cosine_f64", t.NearestCosine)
	c.sameEach("max_encoder_cosine_f64", t.EncoderNear)
	for f, want := range c.float64("consistent_activation_heuristic_f64") {
		if want != -1 {
			near(c.t, "consistent activation", float64(t.Fired[f])/float64(t.DocsFired[f]), want, 1e-9)
		}
	}
	for i, want := range c.float64("babel_all_f64") {
		near(c.t, fmt.Sprintf("babel of order %d", i+1), r.Series["babel"].Y[i], want, 1e-5*want)
	}
	for i, want := range c.ints("density_histogram") {
		near(c.t, fmt.Sprintf("density histogram, bin %d", i), r.Series["frequency_histogram"].Y[i], float64(want), 0)
	}
}

// isOfPeers reports whether a value says how far two peers differ, which is
// nothing that an evaluation gives.
func isOfPeers(name string) bool {
	return strings.HasPrefix(name, "max_abs_difference_") && strings.HasSuffix(name, "_vs_sae_lens")
}

// sanity scores x, its mean, 0 and x + 1 as reconstructions.
func (c *goldenCase) sanity() {
	x, means := c.float32("x"), make([]float64, c.D)
	for i, v := range x {
		means[i%c.D] += float64(v) / float64(c.N)
	}
	predictors := map[string]func(i int, v float32) float32{
		"x_hat = x":                       func(_ int, v float32) float32 { return v },
		"x_hat = column mean of x":        func(i int, _ float32) float32 { return float32(means[i%c.D]) },
		"x_hat = 0":                       func(int, float32) float32 { return 0 },
		"x_hat = x + 1 (constant offset)": func(_ int, v float32) float32 { return v + 1 },
	}
	for name, values := range c.Sanity {
		predict, ok := predictors[name]
		if !ok {
			c.t.Errorf("the test does not know the predictor %q", name)
			continue
		}
		m := &stored{z: make([]float32, c.N), xHat: make([]float32, len(x)), f: 1, d: c.D}
		for i, v := range x {
			m.xHat[i] = predict(i, v)
		}
		r, err := Run(context.Background(), Subject{Model: m, Dims: sae.Dims{D: c.D, F: 1, B: c.N}},
			source(activations.Batch{N: c.N, D: c.D, X: x}, 77), Options{})
		if err != nil {
			c.t.Fatal(err)
		}
		for metric, want := range values {
			r.want(c.t, strings.TrimSuffix(metric, "_1batch"), want, 1e-6*abs(want)+1e-7)
		}
	}
}
