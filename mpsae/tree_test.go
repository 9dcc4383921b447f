package mpsae

import (
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/sae"
)

// TestTree trains on the tree of the paper, its features orthogonal, with the
// settings of the authors' code: parents and children are found exactly, and
// rows keep as many latents as they have features.
func TestTree(t *testing.T) {
	if testing.Short() {
		t.Skip("15,000 steps")
	}
	const batch, steps, fresh = 200, 15_000, 4000
	settings := data.DefaultTree()
	settings.Rows = batch*steps + fresh
	g, err := data.NewTreeGenerator(settings)
	if err != nil {
		t.Fatal(err)
	}
	v := New().(*MPSAE)
	v.K, v.Tolerance, v.Reselect, v.UnitRows, v.ReviveCoefficient = data.TreeFeatures+1, 0.05, "stop", "start", 0
	p := sae.Plan{Variant: v, D: data.TreeFeatures, Threads: 1, Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer()}
	p.Model.Latents, p.Train.Batch, p.Train.Steps = data.TreeFeatures, batch, steps
	p.Optimizer.LR, p.Optimizer.Beta1, p.Optimizer.Beta2, p.Optimizer.Warmup = 0.03, 0.5, 0.9375, 100
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	read := func(b *activations.Batch, first, n int) {
		rows := make([]int64, n)
		for i := range rows {
			rows[i] = int64(first + i)
		}
		if err := g.Read(b, rows, 0); err != nil {
			t.Fatal(err)
		}
	}
	b := &activations.Batch{}
	for i := range steps {
		if read(b, i*batch, batch); tr.Step(b) != nil {
			t.Fatalf("step %d fails", i)
		}
	}
	m, err := tr.Model(sae.ModelOptions{Rows: fresh, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	read(b, steps*batch, fresh)
	e, err := m.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	checkTree(t, g, m, e, b)
}

func checkTree(t *testing.T, g *data.TreeGenerator, m *sae.Model, e sae.Encoded, b *activations.Batch) {
	t.Helper()
	for i, c := range data.Recovery(g.Dictionary(), m.Weight("decoder.weight"), data.TreeFeatures).MaxCosine {
		if c < 0.999 {
			t.Errorf("feature %d is found with cosine %g", i, c)
		}
	}
	if l0 := e.L0(); l0 < 1.34 || l0 > 1.38 {
		t.Errorf("rows keep %g latents, want 1.34 to 1.38", l0)
	}
	sum := 0.0
	for i, v := range m.Recon() {
		d := float64(v) - float64(b.X[i])
		sum += d * d
	}
	if mse := sum / float64(b.N); mse > 1e-4 {
		t.Errorf("the squared error of a row is %g", mse)
	}
}
