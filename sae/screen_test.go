package sae

import (
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

// screened trains the variant plain for a few steps at a size that is worth
// screening.
func screened(t *testing.T, screen string, threads int) (kernel.Screen, []float32) {
	t.Helper()
	const d, f, batch = 128, 1024, 64
	p := Plan{Variant: plain{4}, D: d, Model: DefaultModel(), Train: DefaultTrain(), Optimizer: DefaultOptimizer(), Threads: threads}
	p.Model.Latents, p.Train.Batch, p.Train.Steps, p.Train.Screen, p.Optimizer.Warmup = f, batch, 3, screen, 0
	tr, err := NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	rows := &toyRows{batch: batch, d: d}
	for range p.Train.Steps {
		var b activations.Batch
		if err := rows.Next(&b); err != nil {
			t.Fatal(err)
		}
		if err := tr.Step(&b); err != nil {
			t.Fatal(err)
		}
	}
	return tr.graph.b.Selector().Screen, tr.Weights()["encoder.weight"]
}

// TestScreen: the setting reaches selections, and certified screening changes
// no bit of a run, on any number of threads.
func TestScreen(t *testing.T) {
	for name, want := range map[string]kernel.Screen{"auto": kernel.ScreenAuto, "off": kernel.ScreenOff, "statistical": kernel.ScreenStatistical} {
		if got, _ := screened(t, name, 1); got != want {
			t.Errorf("train.screen %s gives %v, want %v", name, got, want)
		}
	}
	_, off := screened(t, "off", 1)
	for _, threads := range []int{1, 3} {
		if _, auto := screened(t, "auto", threads); !slices.Equal(auto, off) {
			t.Errorf("with screening on %d threads the weights differ", threads)
		}
	}
}

// TestModelEndsTraining: the weights are then the model's, and stay.
func TestModelEndsTraining(t *testing.T) {
	p := Plan{Variant: plain{2}, D: 8, Model: DefaultModel(), Train: DefaultTrain(), Optimizer: DefaultOptimizer(), Threads: 1}
	p.Model.Latents, p.Train.Batch, p.Train.Steps = 16, 4, 3
	tr, err := NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	b := activations.Batch{N: 4, D: 8, X: make([]float32, 4*8)}
	for i := range b.X {
		b.X[i] = float32(i%5) - 2
	}
	if err := tr.Step(&b); err != nil {
		t.Fatal(err)
	}
	m, err := tr.Model(ModelOptions{Rows: 4, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	before := slices.Clone(m.Weight("encoder.weight"))
	if err := tr.Step(&b); err == nil || !strings.Contains(err.Error(), "training has ended") {
		t.Errorf("a step after Model says %v", err)
	}
	if !slices.Equal(before, m.Weight("encoder.weight")) {
		t.Error("the model's weights moved")
	}
}
