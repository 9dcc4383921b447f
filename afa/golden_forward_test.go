package afa

import (
	"math"
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// forward compares all of one step. The rate is so small that the update
// leaves weights as the projection does.
func (g *golden) forward(t *testing.T, c *saetest.Case) {
	tr := g.trainer(t, c, g.variant(), "", 1e-30)
	copy(tr.Since(), c.Ints("counters_before"))
	in, scale := g.batch(c.Floats("x_raw"))
	saetest.Within(t, "x", in.X, c.Floats("x"), 2e-6)
	g.step(t, tr, in, g.Scalars)
	saetest.Same(t, "counters_after", tr.Since(), c.Ints("counters_after"))
	saetest.Near(t, "num_dead_features", overdue(tr, g.Config.DeadAfter), g.Scalars.Dead, 0)
	g.codes(t, c, tr.Codes())

	recon := slices.Clone(tr.Recon())
	saetest.WithinNorm(t, "x_hat", recon, c.Floats("x_hat"), 1e-6)
	scale.Undo(recon, in, 0, in.N)
	saetest.WithinNorm(t, "sae_out", recon, c.Floats("sae_out"), 1e-6)

	saetest.WithinNorm(t, "projected.grad_W_dec", tr.Gradient("decoder.weight"), c.Floats("projected.grad_W_dec"), 1e-5)
	saetest.Within(t, "projected.W_dec", tr.Weights()["decoder.weight"], c.Floats("projected.W_dec"), 2e-7)
	g.gradients(t, c)
	g.alternatives(t, c)
}

// gradients compares those of the weights at the start.
func (g *golden) gradients(t *testing.T, c *saetest.Case) {
	tr := g.trainer(t, c, g.variant(), "", 1e-30)
	copy(tr.Since(), c.Ints("counters_before"))
	in, _ := g.batch(c.Floats("x_raw"))
	if err := tr.Step(in); err != nil {
		t.Fatal(err)
	}
	for there, here := range references {
		saetest.WithinNorm(t, "grad."+there, tr.RawGradient(here), c.Floats("grad."+there), 1e-5)
	}
}

func (g *golden) codes(t *testing.T, c *saetest.Case, got sae.Encoded) {
	t.Helper()
	saetest.WithinNorm(t, "f", dense(got), c.Floats("f"), 1e-6)
	if c.Has("mask") {
		saetest.Same(t, "mask", mask(got), c.Ints("mask"))
	}
	if !c.Has("k") {
		return
	}
	acts := c.Floats("acts_relu")
	for i, k := range c.Ints("k") {
		positive := 0
		for _, a := range acts[i*got.F : (i+1)*got.F] {
			if a > 0 {
				positive++
			}
		}
		if index, _ := got.Row(i); len(index) != min(int(k), positive) {
			t.Errorf("row %d keeps %d latents, want k %d of %d positive ones", i, len(index), k, positive)
		}
	}
}

// alternatives are the other readings of the AFA loss.
func (g *golden) alternatives(t *testing.T, c *saetest.Case) {
	if g.Alternatives == nil {
		return
	}
	for name, s := range map[string]AFA{
		"afa_code_f_vs_x":       {Norm: "latents", Target: "input"},
		"afa_folded_vs_x":       {Norm: "weighted", Target: "input"},
		"afa_f_vs_centred":      {Norm: "latents", Target: "centered"},
		"afa_folded_vs_centred": {Norm: "weighted", Target: "centered"},
	} {
		v := g.variant()
		v.Norm, v.Target = s.Norm, s.Target
		tr := g.trainer(t, c, v, "", 1e-30)
		in, _ := g.batch(c.Floats("x_raw"))
		if err := tr.Step(in); err != nil {
			t.Fatal(err)
		}
		saetest.Near(t, name, g.Config.AFA*tr.Terms()["afa"], g.Alternatives[name], 1e-4)
	}
}

// selections puts each hand case through the trainer: two coordinates, of
// which only the first reaches the latents and the second gives the row its
// norm.
func (g *golden) selections(t *testing.T) {
	for _, s := range g.Cases {
		f := len(s.A)
		first := math.Exp2(math.Floor(math.Log2(max(s.Target, 0x1p-20))))
		second := math.Sqrt(max(0, s.Target*s.Target-first*first))
		p := plan(&AFA{}, 1, 2, f)
		p.Init = map[string][]float32{"encoder.weight": make([]float32, 2*f), "decoder.weight": make([]float32, 2*f), "decoder.bias": make([]float32, 2)}
		for i, a := range s.A {
			p.Init["encoder.weight"][2*i] = a / float32(first)
			p.Init["decoder.weight"][2*i+1] = s.DecNorm[i]
		}
		tr := newTrainer(t, p)
		if err := tr.Step(&activations.Batch{N: 1, D: 2, X: []float32{float32(first), float32(second)}}); err != nil {
			t.Fatal(err)
		}
		index, _ := tr.Codes().Row(0)
		saetest.Same(t, s.Why+": kept", index, s.Kept)
		saetest.Within(t, s.Why+": f", dense(tr.Codes()), s.F, 1e-6)
	}
}
