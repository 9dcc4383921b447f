package vsae

import (
	"fmt"
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// codes looks at what was kept in a step, and at the running mean of each row's
// smallest value, which the reference's trainer keeps and does not use.
func (g *golden) codes(t *testing.T, tr *sae.Trainer, want goldenStep, i int) {
	t.Helper()
	at := func(what string) string { return fmt.Sprintf("step %d: %s", i, what) }
	codes, negative, least := tr.Codes(), 0, 0.0
	for row := range codes.N {
		_, values := codes.Row(row)
		smallest := math.Inf(1)
		for _, v := range values {
			if v < 0 {
				negative++
			}
			smallest = min(smallest, float64(v))
		}
		least += smallest / float64(codes.N)
	}
	saetest.Near(t, at("L0"), codes.L0(), want.L0, 1e-6)
	saetest.Near(t, at("negative share"), float64(negative)/float64(len(codes.Value)), want.Negative, 1e-6)
	length, d, x := 0.0, g.Config.D, g.at("x", i)
	for row := range codes.N {
		length += math.Sqrt(kernel.SquaredError(x[row*d:(row+1)*d], tr.Recon()[row*d:(row+1)*d])) / float64(codes.N)
	}
	saetest.Near(t, at("length of residuals"), length, want.Length, lossTolerance)
	if g.Config.Model != "feature_penalty" {
		return
	}
	switch {
	case i <= g.Config.Start:
	case g.threshold < 0:
		g.threshold = least
	default:
		g.threshold = g.Config.Beta*g.threshold + (1-g.Config.Beta)*least
	}
	saetest.Near(t, at("threshold"), g.threshold, want.Threshold, lossTolerance)
}

// still is the case's trainer after one step too small to move its weights.
func (g *golden) still(t *testing.T) *sae.Trainer {
	t.Helper()
	p := g.plan(g.variant())
	p.Optimizer.LR = 1e-30
	tr := g.trainer(t, p)
	if err := tr.Step(g.batch(0)); err != nil {
		t.Fatal(err)
	}
	return tr
}

// startBias looks at a decoder bias that starts from the first batch.
func (g *golden) startBias(t *testing.T) {
	t.Helper()
	saetest.Within(t, "decoder bias at the start", g.still(t).Weights()["decoder.bias"], g.c.Floats("b_dec_median"), 1e-6)
}

// start looks at all latents of the first batch.
func (g *golden) start(t *testing.T) {
	t.Helper()
	m := g.model(t, g.variant().Posterior(), g.still(t), g.Config.B)
	encode(t, m, g.batch(0))
	saetest.Within(t, "means", m.Extra("mean"), g.c.Floats("step0.mu"), outputTolerance)
	saetest.Near(t, "half a squared mean", kernel.SumSquares(m.Extra("mean"))/2/float64(g.Config.B), g.Steps[0].HalfMu, lossTolerance)
	if g.Config.Learned == 0 {
		return
	}
	saetest.Within(t, "log variances", logOf(m.Extra("variance")), g.clamped("step0.log_var"), outputTolerance)
	z, eps := m.Extra("mean"), g.at("eps", 0)
	for i, v := range m.Extra("variance") {
		z[i] += float32(math.Sqrt(float64(v))) * eps[i]
	}
	saetest.Within(t, "samples", z, g.c.Floats("step0.z"), outputTolerance)
}

func logOf(x []float32) (logs []float64) {
	for _, v := range x {
		logs = append(logs, math.Log(float64(v)))
	}
	return logs
}

func (g *golden) clamped(name string) (x []float64) {
	v := g.variant()
	for _, l := range g.c.Floats(name) {
		x = append(x, min(max(float64(l), v.LogVarMin), v.LogVarMax))
	}
	return x
}

func (g *golden) model(t *testing.T, v sae.Variant, tr *sae.Trainer, rows int) *sae.Model {
	t.Helper()
	d := sae.Dims{D: g.Config.D, F: g.Config.F, DOut: g.Config.D}
	m, err := sae.NewModel(v, d, tr.Weights(), nil, sae.ModelOptions{Rows: rows, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func encode(t *testing.T, m *sae.Model, in *activations.Batch) sae.Encoded {
	t.Helper()
	codes, err := m.Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// evaluate compares latents and reconstructions of new rows, without noise and
// with the case's.
func (g *golden) evaluate(t *testing.T, tr *sae.Trainer) {
	t.Helper()
	in := &activations.Batch{N: g.c.Shape("eval.x")[0], D: g.Config.D, X: g.c.Floats("eval.x")}
	m := g.model(t, g.variant(), tr, in.N)
	saetest.Within(t, "latents", saetest.Dense(encode(t, m, in)), g.c.Floats("eval.f"), outputTolerance)
	saetest.Within(t, "reconstruction", m.Recon(), g.c.Floats("eval.x_hat"), outputTolerance)
	if g.c.Has("eval.kl") {
		g.divergences(t, tr, in)
	}
	if g.Config.Learned == 0 {
		return
	}
	v := g.variant()
	v.given = func(int) []float32 { return g.c.Floats("eval.eps") }
	m = g.model(t, v.Sampled(1), tr, in.N)
	saetest.Within(t, "sampled latents", saetest.Dense(encode(t, m, in)), g.c.Floats("eval.f_sampled"), outputTolerance)
	saetest.Within(t, "sampled reconstruction", m.Recon(), g.c.Floats("eval.x_hat_sampled"), outputTolerance)
}

// divergences compares the divergence of each row, over all latents.
func (g *golden) divergences(t *testing.T, tr *sae.Trainer, in *activations.Batch) {
	t.Helper()
	m := g.model(t, g.variant().Posterior(), tr, in.N)
	encode(t, m, in)
	p, kl := g.variant().penalty(), make([]float64, in.N)
	for i, mu := range m.Extra("mean") {
		v, _ := p.ofMean(float64(mu))
		if g.Config.Learned == 1 {
			l, _ := p.ofLogVar(math.Log(float64(m.Extra("variance")[i])))
			v += l
		}
		kl[i/g.Config.F] += v
	}
	saetest.WithinNorm(t, "divergences", kl, g.c.Floats("eval.kl"), lossTolerance)
	if g.Config.Learned == 1 {
		saetest.Within(t, "log variances of new rows", logOf(m.Extra("variance")), g.clamped("eval.log_var"), outputTolerance)
	}
}

// equivalence is the case of section 3.5 of the specification: the loss of the
// vSAE without variance, of the null model, and the two parts by hand. Then it
// looks at scaled biases, and at rows normalised after training, which give
// other latents: no loader may do that.
func equivalence(t *testing.T, c *saetest.Case) {
	var e struct {
		Config struct {
			D, F, B, K  int
			Beta, Scale float64
		}
		VSAE    float64 `json:"vsae_loss"`
		Penalty float64 `json:"penalty_topk_loss"`
		Recon   float64 `json:"recon_loss"`
		Half    float64 `json:"half_mean_mu_sq"`
		Sum     float64 `json:"recon_plus_beta_half_mu_sq"`
		Changed float64 `json:"share_of_tokens_with_another_selection_after_normalising"`
	}
	c.JSON(&e)
	g := &golden{c: c}
	g.Config.B, g.Config.D, g.Config.F = e.Config.B, e.Config.D, e.Config.F
	weights := func(enc, bias, dec string, decoderBias []float32) map[string][]float32 {
		return map[string][]float32{"encoder.weight": c.Floats(enc), "encoder.bias": c.Floats(bias), "decoder.weight": c.Floats(dec), "decoder.bias": decoderBias}
	}
	v := New().(*VSAE)
	v.K, v.Variance, v.AuxK, v.KLWarmup, v.KLCoefficient = e.Config.K, "none", 0, 0, e.Config.Beta
	loss := func(v *VSAE) (float64, map[string]float64) {
		p := plan(v, e.Config.B, e.Config.D, e.Config.F)
		p.Init = weights("W_enc", "b_enc", "W_dec", make([]float32, e.Config.D))
		tr := g.trainer(t, p)
		step(t, tr, &activations.Batch{N: e.Config.B, D: e.Config.D, X: c.Floats("x")})
		return tr.Loss(), tr.Terms()
	}
	total, terms := loss(v)
	saetest.Near(t, "vsae", total, e.VSAE, lossTolerance)
	saetest.Near(t, "vsae by its parts", total, e.Sum, lossTolerance)
	saetest.Near(t, "mse", terms["mse"], e.Recon, lossTolerance)
	saetest.Near(t, "kl", terms["kl"], e.Half, lossTolerance)
	null := *v
	null.Penalty, null.KLCoefficient = "squares", e.Config.Beta/2
	total, terms = loss(&null)
	saetest.Near(t, "null model", total, e.Penalty, lossTolerance)
	saetest.Near(t, "squares", terms["squares"], 2*e.Half, lossTolerance)

	check := func(w map[string][]float32, scale float32, prefix string) {
		in := &activations.Batch{N: e.Config.B, D: e.Config.D, X: append([]float32{}, c.Floats("x")...)}
		kernel.Scale(in.X, scale)
		m, err := sae.NewModel(v, sae.Dims{D: in.D, F: e.Config.F, DOut: in.D}, w, nil, sae.ModelOptions{Rows: in.N, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		saetest.Within(t, prefix+"f", saetest.Dense(encode(t, m, in)), c.Floats(prefix+"f"), outputTolerance)
		saetest.Within(t, prefix+"x_hat", m.Recon(), c.Floats(prefix+"x_hat"), outputTolerance)
	}
	check(weights("W_enc", "b_enc", "W_dec", c.Floats("b_dec")), 1, "")
	check(weights("W_enc", "scaled.b_enc", "W_dec", c.Floats("scaled.b_dec")), float32(e.Config.Scale), "scaled.")
	check(weights("normalised.W_enc", "normalised.b_enc", "normalised.W_dec", c.Floats("scaled.b_dec")), float32(e.Config.Scale), "normalised.")
	saetest.Near(t, "rows with other latents", otherRows(c.Floats("f"), c.Floats("normalised.f"), e.Config.F), e.Changed, 1e-6)
	c.Used(t)
}

// otherRows is the share of rows of a and b [B,f] that are not zero in the same
// places.
func otherRows(a, b []float32, f int) float64 {
	n := 0
	for i := 0; i < len(a); i += f {
		for j := i; j < i+f; j++ {
			if (a[j] == 0) != (b[j] == 0) {
				n++
				break
			}
		}
	}
	return float64(n) / float64(len(a)/f)
}

// schedules drives a small run through each case's steps. The reference refuses
// a warm-up as long as the run; here it is allowed.
func schedules(t *testing.T, c *saetest.Case) {
	var s struct {
		Cases []struct {
			Input struct {
				Steps    int
				KLWarmup *int `json:"kl_warmup_steps"`
			}
			Warmup     int `json:"warmup_steps"`
			KLWarmup   int `json:"kl_warmup_steps"`
			DecayStart int `json:"decay_start"`
			Values     []struct {
				Step    int
				LR      float64 `json:"lr_factor"`
				KLScale float64 `json:"kl_scale"`
			}
		}
	}
	c.JSON(&s)
	in := &activations.Batch{N: 1, D: 2, X: []float32{1, 2}}
	for _, one := range s.Cases {
		v := New().(*VSAE)
		v.K, v.Variance, v.ReluMu, v.AuxK, v.KLCoefficient = 1, "none", false, 0, 1
		if one.Input.KLWarmup != nil {
			v.KLWarmup = float64(*one.Input.KLWarmup) / float64(one.Input.Steps)
		}
		p := plan(v, 1, 2, 2)
		p.Train.Steps, p.Optimizer.LR, p.Optimizer.Warmup, p.Optimizer.DecayStart = one.Input.Steps, 1e-9, one.Warmup, 1
		if one.DecayStart > 0 {
			p.Optimizer.DecayStart = float64(one.DecayStart) / float64(one.Input.Steps)
		}
		if got := int(v.KLWarmup * float64(one.Input.Steps)); got != one.KLWarmup {
			t.Errorf("%d steps: the penalty warms up for %d steps, want %d", one.Input.Steps, got, one.KLWarmup)
		}
		tr, err := sae.NewTrainer(p)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		for _, want := range one.Values {
			for tr.Done() <= want.Step {
				step(t, tr, in)
			}
			at := fmt.Sprintf("step %d of %d: ", want.Step, one.Input.Steps)
			saetest.Near(t, at+"rate", tr.Rate(), 1e-9*want.LR, 1e-12)
			saetest.Near(t, at+"weight of the penalty", tr.Terms()["scaled_kl"]/tr.Terms()["kl"], want.KLScale, 1e-6)
		}
	}
}
