package gradsae

import (
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// golden is a case made from the formulas with PyTorch's derivatives. Its
// README says what each tensor and scalar is, and suggests the tolerances.
type golden struct {
	Kind          string
	K             int
	Beta          float64
	Kept          string
	DetachScore   bool `json:"detach_score"`
	ReluBefore    bool `json:"relu_before"`
	ReluAfter     bool `json:"relu_after"`
	UseDecoder    bool `json:"use_b_dec"`
	Loss          string
	AuxAlpha      float64 `json:"aux_alpha"`
	AuxK          int     `json:"k_aux"`
	DecoderNorm   string  `json:"dec_norm"`
	Project       bool    `json:"project_decoder_gradient"`
	DeadAfterRows int64   `json:"dead_after_rows"`
	Batch, Steps  int
	Optimizer     struct {
		LR, Eps float64
		Betas   []float64
	}

	c       *saetest.Case
	scalars map[string]any
	unread  map[string]bool // scalars that were not compared yet
	n, d, f int
}

const (
	relativeTolerance = 1e-5
	weightTolerance   = 1e-5 // absolute, after all steps
	outputTolerance   = 1e-5 // absolute, of numbers of about 1
)

func TestGoldenGSAE(t *testing.T) {
	saetest.Golden(t, "gsae", runGolden)
}

// TestNumericCase is one small case that is kept here, so that there is one
// where the golden cases are not.
func TestNumericCase(t *testing.T) {
	saetest.Cases(t, "testdata", runGolden)
}

func runGolden(t *testing.T, c *saetest.Case) {
	g := &golden{c: c, unread: map[string]bool{}}
	c.JSON(g)
	c.JSON(&g.scalars)
	g.sizes()
	switch g.Kind {
	case "worked":
		g.worked(t)
	case "single":
		g.single(t)
	case "train":
		g.train(t)
	default:
		t.Fatalf("a case of the kind %q", g.Kind)
	}
	c.Used(t)
	for name := range g.unread {
		t.Errorf("%s was not compared with anything", name)
	}
}

// sizes reads B, D and F off the tensors, and lists the scalars to compare.
func (g *golden) sizes() {
	switch g.Kind {
	case "train":
		shape := g.c.Shape("X")
		g.n, g.d, g.f = shape[1], shape[2], g.c.Shape("W_enc_init")[0]
	default:
		g.n, g.d, g.f = g.c.Shape("x")[0], g.c.Shape("x")[1], g.c.Shape("W_enc")[0]
	}
	if g.Kind != "single" {
		return
	}
	for name, v := range g.scalars {
		if _, number := v.(float64); number && !slices.Contains([]string{"k", "beta", "aux_alpha", "k_aux"}, name) {
			g.unread[name] = true
		}
	}
}

// near compares a scalar.
func (g *golden) near(t *testing.T, name string, got float64) {
	t.Helper()
	want, ok := g.scalars[name].(float64)
	if !ok {
		t.Fatalf("the case holds no number %s", name)
	}
	delete(g.unread, name)
	saetest.Within(t, name, []float64{got}, []float64{want}, relativeTolerance*max(1, want))
}

// variant is the case's settings.
func (g *golden) variant() *GradSAE {
	v := New().(*GradSAE)
	v.K, v.Beta, v.KeptValues, v.DetachScore = g.K, g.Beta, g.Kept, g.DetachScore
	v.AuxK, v.AuxCoefficient, v.DeadAfter = 0, g.AuxAlpha, max(g.DeadAfterRows, 1)
	if g.AuxAlpha > 0 {
		v.AuxK = g.AuxK
	}
	switch {
	case g.ReluBefore:
		v.Relu = "before"
	case g.ReluAfter:
		v.Relu = "after"
	default:
		v.Relu = "none"
	}
	if v.Loss = "mse"; g.Loss == "fvu" {
		v.Loss = "fvu"
	}
	v.DecoderBias, v.UnitRows, v.Tangent = g.UseDecoder, g.DecoderNorm == "unit", g.Project
	return v
}

// names gives the case's name of each parameter of the model.
func (g *golden) names() map[string]string {
	names := saetest.Names()
	if !g.UseDecoder {
		delete(names, "decoder.bias")
	}
	return names
}

// weights reads the parameters, whose names end in suffix.
func (g *golden) weights(suffix string) map[string][]float32 {
	w := map[string][]float32{}
	for ours, theirs := range g.names() {
		w[ours] = g.c.Floats(theirs + suffix)
	}
	return w
}

// plan trains v from weights: dead latents are those of before a step, and
// chosen means fired.
func (g *golden) plan(v sae.Variant, weights map[string][]float32) sae.Plan {
	p := sae.Plan{
		Variant: v, D: g.d, Threads: 2, Init: weights, Model: sae.DefaultModel(),
		Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Model.Latents, p.Train.Batch, p.Train.Steps = g.f, g.n, max(g.Steps, 1)
	p.Train.Fired, p.Train.DeadMask = "index", "before"
	p.Optimizer.Warmup, p.Optimizer.DecayStart, p.Optimizer.Clip = 0, 1, 0
	return p
}

// encode runs v after training, on weights.
func (g *golden) encode(t *testing.T, v sae.Variant, weights map[string][]float32, in *activations.Batch) (sae.Encoded, *sae.Model) {
	t.Helper()
	m, err := sae.NewModel(v, sae.Dims{D: g.d, F: g.f}, weights, nil, sae.ModelOptions{Rows: in.N, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	e, err := m.Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	return e, m
}

// everything keeps all F latents, so that [N,F] values can be looked at:
// scores, or z, and <g,d>.
func (g *golden) everything(t *testing.T, kept string, weights map[string][]float32, in *activations.Batch) (values, along []float32) {
	t.Helper()
	v := g.variant()
	v.K, v.KeptValues, v.EvalScore, v.Relu = g.f, kept, "gradient", "none"
	if v.Beta == 0 {
		v.Beta = 0x1p-100 // reads the gradient, and changes no score
	}
	e, m := g.encode(t, v, weights, in)
	values = saetest.Dense(e)
	for i, x := range values {
		if g.ReluBefore {
			values[i] = max(x, 0)
		}
	}
	e.Value = m.Extra("gradient_along")
	return values, saetest.Dense(e)
}

// sorted brings the latents of each row into ascending order.
func sorted(index []int32, k int) []int32 {
	for i := 0; i < len(index); i += k {
		slices.Sort(index[i : i+k])
	}
	return index
}
