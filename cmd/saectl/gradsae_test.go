package main

import (
	"os"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/gradsae"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
	"github.com/saectl/saectl/topk"
)

// smallTopK and smallGSAE let latents die after a few batches.
func smallTopK() *topk.TopK {
	v := topk.New().(*topk.TopK)
	v.K, v.AuxK, v.DeadAfter = 3, 8, 200
	return v
}

func smallGSAE(beta float64) *gradsae.GradSAE {
	v := gradsae.New().(*gradsae.GradSAE)
	v.K, v.AuxK, v.DeadAfter, v.Beta = 3, 8, 200, beta
	return v
}

// trainToy trains on 40 batches of toy rows.
func trainToy(t *testing.T, v sae.Variant) map[string][]float32 {
	t.Helper()
	p := sae.Plan{
		Variant: v, D: 16, Seed: 3, Threads: 1, Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Model.Latents, p.Model.DecoderInit, p.Train.Batch, p.Train.Steps = 40, "data", 32, 200
	p.Optimizer.LR, p.Optimizer.Warmup = 1e-2, 10
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	toy := saetest.NewToy(p.D, 24, 2, 7)
	for i := range 40 {
		if err := tr.Step(toy.Batch(i, p.Train.Batch)); err != nil {
			t.Fatal(err)
		}
	}
	return tr.Weights()
}

// TestGSAEWithoutBetaIsTopK: at β = 0 the two train the same weights, to the
// last bit, dead latents and all.
func TestGSAEWithoutBetaIsTopK(t *testing.T) {
	want, got, other := trainToy(t, smallTopK()), trainToy(t, smallGSAE(0)), trainToy(t, smallGSAE(1))
	for name, w := range want {
		saetest.Same(t, name, got[name], w)
	}
	if len(got) != len(want) {
		t.Errorf("%d parameters, TopK has %d", len(got), len(want))
	}
	if got["decoder.weight"][0] == other["decoder.weight"][0] {
		t.Error("β makes no difference; the test shows nothing")
	}
}

// TestGSAEIsATopKAfterTraining: weights of a g-SAE, taken for those of a TopK,
// encode and decode the same.
func TestGSAEIsATopKAfterTraining(t *testing.T) {
	w, in := trainToy(t, smallGSAE(1)), saetest.NewToy(16, 24, 2, 7).Batch(1000, 32)
	encode := func(v sae.Variant) (sae.Encoded, []float32) {
		m, err := sae.NewModel(v, sae.Dims{D: 16, F: 40, DOut: 16}, w, nil, sae.ModelOptions{Rows: 32, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		e, err := m.Encode(in)
		if err != nil {
			t.Fatal(err)
		}
		return e, m.Recon()
	}
	got, recon := encode(smallGSAE(1))
	want, same := encode(smallTopK())
	saetest.Same(t, "latents", got.Index, want.Index)
	saetest.Same(t, "values", got.Value, want.Value)
	saetest.Same(t, "reconstruction", recon, same)
}

// toyDump writes a dump of toy rows, with gradients or without.
func toyDump(t *testing.T, dir string, cols activations.Columns) {
	t.Helper()
	w, err := activations.NewWriter(dir, activations.Schema{D: 16, Columns: cols})
	if err != nil {
		t.Fatal(err)
	}
	in := saetest.NewToy(16, 24, 2, 7).Batch(1, 2000)
	if err := w.Write(in, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestGSAECommands trains on gradients and evaluates without and with them.
func TestGSAECommands(t *testing.T) {
	t.Chdir(t.TempDir())
	toyDump(t, "with", activations.Gradient)
	toyDump(t, "without", 0)
	train := []string{"train", "--quiet", "--config", "gradsae", "--set", "sae.latents=40", "--set", "gradsae.k=2", "--set", "train.batch=64", "--set", "train.steps=150", "--out", "run"}
	if _, e := want(t, 1, append(train, "--dump", "without")...); !strings.Contains(e, "without: the dump has no column gradient") || !strings.Contains(e, "saectl-bridge dump") {
		t.Errorf("a dump without gradients: %s", e)
	}
	if _, err := os.Stat("run"); err == nil {
		t.Error("a refused run left a folder")
	}
	want(t, 0, append(train, "--dump", "with")...)
	plain, _ := want(t, 0, "eval", "--sae", "run", "--json")
	if strings.Contains(plain, "eval_score") || !strings.Contains(plain, `"loss_change_first_order"`) {
		t.Errorf("a plain evaluation says\n%s", plain)
	}
	blind, _ := want(t, 0, "eval", "--sae", "run", "--dump", "without", "--json")
	if strings.Contains(blind, `"loss_change_first_order"`) {
		t.Errorf("a dump without gradients has a change of the loss:\n%s", blind)
	}
	last := read(t, "run/report.json")
	const score = "gradsae.eval_score=gradient"
	scored, _ := want(t, 0, "eval", "--sae", "run", "--set", score, "--json")
	if !strings.Contains(scored, "eval_score is gradient, was plain") || !strings.Contains(scored, "has seen the tokens") || scored == plain {
		t.Errorf("a gradient-scored evaluation says\n%s", scored)
	}
	if string(read(t, "run/report.json")) != string(last) {
		t.Error("an evaluation with other settings went into the run folder")
	}
	if _, e := want(t, 1, "eval", "--sae", "run", "--set", score, "--dump", "without"); !strings.Contains(e, "no column gradient") {
		t.Errorf("gradient-scored without gradients: %s", e)
	}
	if _, e := want(t, 2, "eval", "--sae", "run", "--set", "sae.latents=41"); !strings.Contains(e, "sae.latents") {
		t.Errorf("another size after training: %s", e)
	}
}

// TestGSAEEncodesByGradient: a run that is told to go on choosing by gradients
// writes codes of a dump that has them, and of no other.
func TestGSAEEncodesByGradient(t *testing.T) {
	t.Chdir(t.TempDir())
	toyDump(t, "with", activations.Gradient)
	toyDump(t, "without", 0)
	want(t, 0, "train", "--quiet", "--config", "gradsae", "--set", "gradsae.eval_score=gradient", "--set", "sae.latents=40", "--set", "gradsae.k=2",
		"--set", "train.batch=64", "--set", "train.steps=10", "--set", "optimizer.warmup=2", "--out", "run", "--dump", "with")
	want(t, 0, "encode", "--sae", "run", "--out", "codes.arrow", "--quiet")
	want(t, 0, "inspect-features", "--sae", "run", "--by", "attribution", "--count", "2")
	if _, e := want(t, 1, "encode", "--sae", "run", "--dump", "without", "--out", "codes.arrow"); !strings.Contains(e, "no column gradient") {
		t.Errorf("codes by gradient of a dump without: %s", e)
	}
}
