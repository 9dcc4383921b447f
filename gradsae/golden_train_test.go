package gradsae

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// train replays a run.
func (g *golden) train(t *testing.T) {
	p := g.plan(g.variant(), g.weights("_init"))
	o := &p.Optimizer
	o.LR, o.Epsilon, o.Beta1, o.Beta2 = g.Optimizer.LR, g.Optimizer.Eps, g.Optimizer.Betas[0], g.Optimizer.Betas[1]
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for i := range g.Steps {
		g.trainStep(t, tr, i)
	}
	g.compare(t, tr, "_final")
	saetest.Same(t, "rows_since_selected_final", tr.Since(), g.c.Ints("rows_since_selected_final"))
	if !g.UseDecoder { // the model has none
		for _, suffix := range []string{"_init", "_step1", "_final"} {
			g.c.Floats("b_dec" + suffix)
		}
	}
}

func (g *golden) trainStep(t *testing.T, tr *sae.Trainer, i int) {
	t.Helper()
	rows, at := g.n*g.d, func(what string) string { return fmt.Sprintf("step %d: %s", i, what) }
	in := &activations.Batch{N: g.n, D: g.d, X: g.c.Floats("X")[i*rows : (i+1)*rows], Gradient: g.c.Floats("G")[i*rows : (i+1)*rows]}
	if err := tr.Step(in); err != nil {
		t.Fatal(err)
	}
	saetest.Same(t, at("index"), tr.Codes().Index, sorted(g.c.Indices("index"), g.K)[i*g.n*g.K:(i+1)*g.n*g.K])
	saetest.Near(t, at("loss"), tr.Loss(), float64(g.c.Floats("loss")[i]), relativeTolerance)
	saetest.Near(t, at("aux"), tr.Terms()["auxk"], float64(g.c.Floats("aux")[i]), relativeTolerance)
	saetest.Near(t, at("first_order_mean_abs"), meanAbs(changes(in, tr.Recon())), float64(g.c.Floats("first_order_mean_abs")[i]), relativeTolerance)
	if want := int(g.c.Ints("dead_count")[i]); tr.Dead() != want {
		t.Errorf("step %d: %d latents are dead, want %d", i, tr.Dead(), want)
	}
	if i == 0 {
		g.compare(t, tr, "_step1")
	}
}

func (g *golden) compare(t *testing.T, tr *sae.Trainer, suffix string) {
	t.Helper()
	for ours, theirs := range g.names() {
		saetest.Within(t, theirs+suffix, tr.Weights()[ours], g.c.Floats(theirs+suffix), weightTolerance)
	}
}

// worked is the numbers of the specification, without biases. The name of a
// variant gives β, what is kept, and what is done to the gradient.
func (g *golden) worked(t *testing.T) {
	names := map[string]bool{}
	for _, tensor := range g.c.Names() {
		if name, of := strings.CutSuffix(tensor, ".index"); of {
			names[name] = true
		}
	}
	if len(names) == 0 {
		t.Fatal("the case holds no variant")
	}
	for name := range names {
		t.Run(name, func(t *testing.T) { g.workedVariant(t, name) })
	}
}

func (g *golden) workedVariant(t *testing.T, name string) {
	parts := strings.SplitN(name, "_", 3)
	beta, err := strconv.ParseFloat(strings.TrimPrefix(parts[0], "beta"), 64)
	if err != nil {
		t.Fatal(err)
	}
	one := &golden{K: g.K, Beta: beta, Kept: "raw", DetachScore: true, c: g.c, n: g.n, d: g.d, f: g.f}
	gradient := g.c.Floats("g")
	if len(parts) > 1 {
		one.Kept = parts[1]
	}
	if len(parts) > 2 {
		for i := range gradient {
			gradient[i] *= map[string]float32{"neg_g": -1, "10g": 10, "zero_g": 0}[parts[2]]
		}
	}
	w := map[string][]float32{"encoder.weight": g.c.Floats("W_enc"), "decoder.weight": g.c.Floats("W_dec")}
	in := &activations.Batch{N: g.n, D: g.d, X: g.c.Floats("x"), Gradient: gradient}
	v := one.variant()
	v.EncoderBias, v.EvalScore = false, "gradient"
	codes, m := g.encode(t, v, w, in)
	saetest.Same(t, "index", codes.Index, sorted(g.c.Indices(name+".index"), g.K))
	saetest.Within(t, "y", saetest.Dense(codes), g.c.Floats(name+".y"), 1e-6)
	saetest.Within(t, "x_hat", m.Recon(), g.c.Floats(name+".x_hat"), 1e-6)
	v.K, v.KeptValues = g.f, "scored"
	all, _ := g.encode(t, v, w, in)
	saetest.Within(t, "s", saetest.Dense(all), g.c.Floats(name+".s"), 1e-6)
}
