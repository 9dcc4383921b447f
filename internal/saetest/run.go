package saetest

import (
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// Options are what a variant promises, and the sizes it is tried at. The zero
// value of each stands for its default.
type Options struct {
	Latents int     // of the autoencoder; 48
	LR      float64 // 1e-2
	Steps   int     // of training; 400

	// Most latents of a row with a value that is not zero, after training;
	// 0 promises nothing. MeanL0 is the same for the mean over rows in
	// training.
	MaxL0  int
	MeanL0 float64

	// Share of toy atoms that a decoder row must match with cosine 0.9; 0.8.
	Recovered float64

	// The latents of a row depend on the other rows of its batch, also after
	// training.
	BatchDependent bool

	// Parameters whose gradient stands in for one that does not exist, so that
	// differences do not give it. Their variant's own test checks it.
	Straight []string

	// Settings of the trainer that the variant needs; nil for the defaults.
	Adjust func(p *sae.Plan)
}

const (
	toyRows  = 64
	toyWidth = 16
	toyAtoms = 24
	toyKept  = 2
)

// Run asks of a variant what every variant promises. newVariant returns it
// with settings that suit toy rows: sums of 2 of 24 atoms of width 16. Where
// latents can die, let them do so after a few batches of 64 rows, so that
// their loss is tried too.
func Run(t *testing.T, newVariant func() sae.Variant, o Options) {
	c := newConformance(newVariant, o)
	c.train(t)
	for _, check := range []struct {
		name string
		f    func(*testing.T)
	}{
		{"gradient", c.gradient}, {"decodes", c.decodes}, {"sparse", c.sparse}, {"learns", c.learns}, {"recovers", c.recovers},
		{"unit", c.unit}, {"repeats", c.repeats}, {"resumes", c.resumes}, {"roundtrip", c.roundtrip},
		{"evaluates", c.evaluates}, {"refuses", c.refuses},
	} {
		t.Run(check.name, check.f)
	}
}

func (o Options) withDefaults() Options {
	if o.Latents == 0 {
		o.Latents = 48
	}
	if o.LR == 0 {
		o.LR = 1e-2
	}
	if o.Steps == 0 {
		o.Steps = 400
	}
	if o.Recovered == 0 {
		o.Recovered = 0.8
	}
	return o
}

// conformance is one variant under test, with a trainer that is done.
type conformance struct {
	Options
	newVariant func() sae.Variant
	toy        *Toy
	tr         *sae.Trainer
	losses     []float64
}

func newConformance(newVariant func() sae.Variant, o Options) *conformance {
	return &conformance{Options: o.withDefaults(), newVariant: newVariant, toy: NewToy(toyWidth, toyAtoms, toyKept, 7)}
}

func (c *conformance) plan(seed uint64, steps, threads int) sae.Plan {
	p := sae.Plan{
		Variant: c.newVariant(), D: c.toy.D, Seed: seed, Threads: threads,
		Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Model.Latents, p.Train.Batch, p.Train.Steps = c.Latents, toyRows, steps
	p.Optimizer.LR, p.Optimizer.Warmup = c.LR, 10
	if c.Adjust != nil {
		c.Adjust(&p)
	}
	return p
}

func (c *conformance) trainer(t *testing.T, seed uint64, steps, threads int) *sae.Trainer {
	t.Helper()
	tr, err := sae.NewTrainer(c.plan(seed, steps, threads))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// advance trains up to the given number of steps done and lists the losses.
func (c *conformance) advance(t *testing.T, tr *sae.Trainer, to int) (losses []float64) {
	t.Helper()
	for tr.Done() < to {
		if err := tr.Step(c.toy.Batch(tr.Done(), toyRows)); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, tr.Loss())
	}
	return losses
}

func (c *conformance) train(t *testing.T) {
	c.tr = c.trainer(t, 1, c.Steps, 2)
	c.losses = c.advance(t, c.tr, c.Steps)
}

// fresh is a batch that no trainer sees.
func (c *conformance) fresh(n int) *activations.Batch { return c.toy.Batch(1_000_000, n) }

// model is the trained autoencoder for batches of up to toyRows rows.
func (c *conformance) model(t *testing.T) *sae.Model {
	t.Helper()
	states := map[string][]float64{}
	for _, name := range c.tr.StateNames() {
		states[name] = c.tr.State(name)
	}
	d := sae.Dims{D: c.toy.D, F: c.Latents, DOut: c.toy.D}
	m, err := sae.NewModel(c.newVariant(), d, c.tr.Weights(), states, sae.ModelOptions{Rows: toyRows, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func (c *conformance) encode(t *testing.T, m *sae.Model, b *activations.Batch) sae.Encoded {
	t.Helper()
	e, err := m.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// checkCodes fails unless codes are well formed: latents ascend in a row,
// values are finite, and no row keeps more than limit (0 for no limit).
func checkCodes(t *testing.T, e sae.Encoded, limit int) {
	t.Helper()
	for row := range e.N {
		index, value := e.Row(row)
		kept := 0
		for i, f := range index {
			if f < 0 || int(f) >= e.F || i > 0 && f <= index[i-1] {
				t.Fatalf("row %d: latents %v do not ascend within [0,%d)", row, index, e.F)
			}
			if math.IsNaN(float64(value[i])) || math.IsInf(float64(value[i]), 0) {
				t.Fatalf("row %d: latent %d is %v", row, f, value[i])
			}
			if value[i] != 0 {
				kept++
			}
		}
		if limit > 0 && kept > limit {
			t.Fatalf("row %d keeps %d latents, at most %d are promised", row, kept, limit)
		}
	}
}

// L0 trains the variant as Run does and counts the latents that a row keeps
// on average, of rows that were not trained on.
func L0(t *testing.T, newVariant func() sae.Variant) float64 {
	t.Helper()
	c := newConformance(newVariant, Options{})
	c.train(t)
	return c.encode(t, c.model(t), c.fresh(toyRows)).L0()
}
