package mpsae

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

const (
	toyWidth   = 16
	toyLatents = 48
	toyRows    = 64
)

// trained is a trainer after some steps on toy rows.
func trained(t *testing.T, v *MPSAE, steps int) (*sae.Trainer, *saetest.Toy) {
	t.Helper()
	toy := saetest.NewToy(toyWidth, 24, 2, 7)
	p := sae.Plan{Variant: v, D: toyWidth, Threads: 2, Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer()}
	p.Model.Latents, p.Train.Batch, p.Train.Steps = toyLatents, toyRows, 300
	p.Optimizer.LR, p.Optimizer.Warmup = 1e-2, 10
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	for i := range steps {
		if err := tr.Step(toy.Batch(i, toyRows)); err != nil {
			t.Fatal(err)
		}
	}
	return tr, toy
}

// evaluate encodes fresh rows with the trained weights and other settings.
func evaluate(t *testing.T, tr *sae.Trainer, toy *saetest.Toy, v sae.Variant) (*sae.Model, sae.Encoded, float64) {
	t.Helper()
	d := sae.Dims{D: toyWidth, F: toyLatents, DOut: toyWidth}
	m, err := sae.NewModel(v, d, tr.Weights(), nil, sae.ModelOptions{Rows: toyRows, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	b := toy.Batch(1_000_000, toyRows)
	e, err := m.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, v := range m.Recon() {
		d := float64(v) - float64(b.X[i])
		sum += d * d
	}
	return m, e, sum / toyRows
}

// TestMoreSteps: after training with 2 steps, the error falls with every step
// more, and no row takes more than were asked for.
func TestMoreSteps(t *testing.T) {
	v := small(func(*MPSAE) {})().(*MPSAE)
	tr, toy := trained(t, v, 300)
	_, same, before := evaluate(t, tr, toy, v)
	_, two, _ := evaluate(t, tr, toy, v.WithK(2))
	saetest.Same(t, "values of as many steps as in training", two.Value, same.Value)
	for _, k := range []int{3, 4, 8, 16, 40} {
		m, e, after := evaluate(t, tr, toy, v.WithK(k))
		if !(after < before) {
			t.Errorf("the error goes from %g to %g with %d steps", before, after, k)
		}
		before = after
		for i, n := range m.Extra("steps") {
			if index, _ := e.Row(i); int(n) > k || len(index) > int(n) {
				t.Errorf("row %d takes %v steps of %d and keeps %d latents", i, n, k, len(index))
			}
		}
	}
}

// TestTolerance: rows go on until little enough is left, and say whether it is.
func TestTolerance(t *testing.T) {
	v := small(func(*MPSAE) {})().(*MPSAE)
	tr, toy := trained(t, v, 300)
	l0 := 0.0
	for _, tolerance := range []float64{0.5, 0.3, 0.15} {
		m, e, _ := evaluate(t, tr, toy, v.WithTolerance(tolerance))
		met := 0
		x, recon := toy.Batch(1_000_000, toyRows).X, m.Recon()
		for i, converged := range m.Extra("converged") {
			sum := 0.0
			for j := i * toyWidth; j < (i+1)*toyWidth; j++ {
				d := float64(x[j]) - float64(recon[j])
				sum += d * d
			}
			if below := sum < tolerance*tolerance; below != (converged == 1) {
				t.Errorf("row %d: the squared error is %g, converged %v", i, sum, converged)
			}
			met += int(converged)
		}
		if met < toyRows*9/10 || e.L0() <= l0 {
			t.Errorf("tolerance %g: %d rows meet it with %v latents on average", tolerance, met, e.L0())
		}
		l0 = e.L0()
	}
	v.Tolerance = 0.3
	_, in, _ := evaluate(t, tr, toy, v)
	_, off, _ := evaluate(t, tr, toy, v.WithK(2))
	if in.L0() > 2 || off.L0() != 2 {
		t.Errorf("with the tolerance of training %v latents, with 2 steps %v", in.L0(), off.L0())
	}
}

// TestOrthogonalIsCloser: with the same number of latents, least squares
// leave no more than the plain pursuit does.
func TestOrthogonalIsCloser(t *testing.T) {
	v := small(func(*MPSAE) {})().(*MPSAE)
	tr, toy := trained(t, v, 300)
	o := *v
	o.Inference = "orthogonal"
	for _, k := range []int{2, 4, 8} {
		_, _, plain := evaluate(t, tr, toy, v.WithK(k))
		_, _, best := evaluate(t, tr, toy, o.WithK(k))
		if !(best < plain) {
			t.Errorf("%d steps: an error of %g, the pursuit has %g", k, best, plain)
		}
	}
}

func state(t *testing.T, tr *sae.Trainer) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	if err := tr.Save(path, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestForwardsTrainAlike: both ways to have scores train to the same bits.
func TestForwardsTrainAlike(t *testing.T) {
	var states [][]byte
	for _, forward := range []string{"direct", "gram", "auto"} {
		tr, _ := trained(t, small(func(v *MPSAE) { v.K, v.Forward = 6, forward })().(*MPSAE), 50)
		states = append(states, state(t, tr))
	}
	if !bytes.Equal(states[0], states[1]) || !bytes.Equal(states[0], states[2]) {
		t.Error("direct, gram and auto end with other weights")
	}
}

// TestDropout: latents left out are not used; a share of 0 is no dropout, to
// the last bit; and it ends when it should.
func TestDropout(t *testing.T) {
	var p *pursuit
	v := small(func(v *MPSAE) { v.Dropout, v.DropoutSteps = 0.5, 20 })().(*MPSAE)
	v.watch = func(made *pursuit) { p = made }
	tr, toy := trained(t, v, 0)
	shares := map[string]bool{}
	for i := range 25 {
		if err := tr.Step(toy.Batch(i, toyRows)); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for f, keep := range p.mask {
			kept += int(keep)
			for _, used := range tr.Codes().Index {
				if keep == 0 && int(used) == f {
					t.Fatalf("step %d: latent %d is dropped and used", i, f)
				}
			}
		}
		if i < 20 && (kept < toyLatents/4 || kept > toyLatents*3/4) || i >= 20 && kept != toyLatents {
			t.Errorf("step %d: %d of %d latents are kept", i, kept, toyLatents)
		}
		shares[fmt.Sprint(p.mask)] = true
	}
	if len(shares) < 15 {
		t.Errorf("%d different masks in 20 steps", len(shares)-1)
	}
	without, _ := trained(t, small(func(*MPSAE) {})().(*MPSAE), 20)
	all := small(func(v *MPSAE) { v.Dropout = 0.5 })().(*MPSAE)
	all.mask = func(dst []float32, _ int) {
		for i := range dst {
			dst[i] = 1
		}
	}
	with, _ := trained(t, all, 20)
	if !bytes.Equal(state(t, without), state(t, with)) {
		t.Error("dropout that drops nothing changes bits")
	}
}

// TestRevive: more unused latents come into use with the term than without.
func TestRevive(t *testing.T) {
	used := func(coefficient float64) int {
		v := small(func(v *MPSAE) { v.ReviveCoefficient, v.ReviveOver = coefficient, 0 })().(*MPSAE)
		tr, toy := trained(t, v, 0)
		w := tr.Weights()["decoder.weight"]
		for i := range w[:toyWidth*24] { // 24 latents that point away from all rows
			w[i] = 0
			if i%toyWidth == 0 {
				w[i] = 1
			}
		}
		batch := func(i int) {
			b := toy.Batch(i, toyRows)
			for j := 0; j < len(b.X); j += toyWidth {
				b.X[j] = -1
			}
			if err := tr.Step(b); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 300 {
			batch(i)
		}
		n := 0
		for _, rows := range tr.Since()[:24] {
			if rows < 640 {
				n++
			}
		}
		return n
	}
	if without, with := used(0), used(1); with < without+8 {
		t.Errorf("%d latents are revived without the term, %d with it", without, with)
	}
}
