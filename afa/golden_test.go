package afa

import (
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// golden is a case of the reference SewoongLee/top-afa-sae. Its README states
// one step and the tolerances used here.
type golden struct {
	Kind   string
	Config struct {
		D, H, B, Steps int
		LR             float64
		L1             float64 `json:"l1_coeff"`
		Clip           float64 `json:"max_grad_norm"`
		UnitNorm       bool    `json:"input_unit_norm"`
		AuxK           int     `json:"top_k_aux"`
		DeadAfter      int64   `json:"n_batches_to_dead"`
		Aux            float64 `json:"aux_penalty"`
		AFA            float64 `json:"afa_coeff"`
	}
	Optimizer struct {
		Betas []float64
		Eps   float64
	}
	Scalars      goldenStep
	Alternatives map[string]float64
	Steps        []goldenStep
	Cases        []goldenSelection
}

// goldenStep is what the reference logged of a step, losses with their
// weights.
type goldenStep struct {
	Loss         float64
	L2           float64 `json:"l2_loss"`
	L1           float64 `json:"l1_loss"`
	L1Norm       float64 `json:"l1_norm"`
	L0           float64 `json:"l0_norm"`
	Aux          float64 `json:"aux_loss"`
	AFA          float64 `json:"afa_loss"`
	Dead         float64 `json:"num_dead_features"` // forward cases
	DeadLogged   float64 `json:"num_dead_logged"`
	DeadAux      float64 `json:"num_dead_aux"`
	GradientNorm float64 `json:"grad_norm"`
}

type goldenSelection struct {
	A       []float32
	DecNorm []float32 `json:"dec_norm"`
	Target  float64
	Kept    []int32
	F       []float32
	Why     string
}

// TestGolden runs every case of the folder. The one of kind zf holds norms of
// plain and JumpReLU autoencoders; TestGoldenZF of package eval runs it.
func TestGolden(t *testing.T) {
	saetest.Golden(t, "afa", runCase)
}

// TestHandStep is one step with D 4, F 6, B 3, kept here.
func TestHandStep(t *testing.T) {
	saetest.Cases(t, "testdata", runCase)
}

func runCase(t *testing.T, c *saetest.Case) {
	var g golden
	c.JSON(&g)
	switch {
	case g.Kind == "forward_grad":
		g.forward(t, c)
	case g.Kind == "train":
		g.train(t, c)
	case len(g.Cases) > 0:
		g.selections(t)
	case g.Kind == "zf":
		t.Skip("norms of other kinds of autoencoder: TestGoldenZF in eval and TestGoldenViolins in internal/report run it")
	default:
		t.Fatalf("a case of unknown kind %q", g.Kind)
	}
}

// references are the names of the parameters there and here.
var references = map[string]string{"W_enc": "encoder.weight", "W_dec": "decoder.weight", "b_dec": "decoder.bias"}

func (g *golden) variant() *AFA {
	return &AFA{
		Coefficient: g.Config.AFA, Target: "input", Norm: "latents", L1Coefficient: g.Config.L1,
		AuxK: g.Config.AuxK, AuxCoefficient: g.Config.Aux, DeadAfter: g.Config.DeadAfter,
	}
}

// trainer starts the real trainer as the reference does, from the tensors
// prefix+name.
func (g *golden) trainer(t *testing.T, c *saetest.Case, v *AFA, prefix string, lr float64) *sae.Trainer {
	t.Helper()
	start := map[string][]float32{}
	for there, here := range references {
		start[here] = c.Floats(prefix + there)
	}
	p := plan(v, g.Config.B, g.Config.D, g.Config.H)
	p.Init, p.Optimizer.LR, p.Optimizer.Clip = start, lr, g.Config.Clip
	if len(g.Optimizer.Betas) == 2 {
		p.Optimizer.Beta1, p.Optimizer.Beta2, p.Optimizer.Epsilon = g.Optimizer.Betas[0], g.Optimizer.Betas[1], g.Optimizer.Eps
	}
	return newTrainer(t, p)
}

// plan is the reference's order of a step.
func plan(v *AFA, b, d, f int) sae.Plan {
	p := sae.Plan{Variant: v, D: d, Model: sae.DefaultModel(), Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(), Threads: 2}
	p.Model.Latents, p.Model.DecoderBias = f, "zero"
	p.Train.Batch, p.Train.Steps, p.Train.DeadUnit = b, 1000, "batches"
	p.Optimizer.Beta2, p.Optimizer.Warmup, p.Optimizer.DecayStart = 0.99, 0, 1
	p.Optimizer.ClipOrder, p.Optimizer.UnitRows = "before-projection", "between"
	return p
}

func newTrainer(t *testing.T, p sae.Plan) *sae.Trainer {
	t.Helper()
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// batch is rows x [B,D], scaled as the case says, and the scale that undoes
// it.
func (g *golden) batch(x []float32) (*activations.Batch, *data.Scale) {
	b := &activations.Batch{N: len(x) / g.Config.D, D: g.Config.D, X: slices.Clone(x)}
	s := &data.Scale{Kind: data.ScaleNone, Factor: 1}
	if g.Config.UnitNorm {
		s.Kind = data.ScaleRowNorm
	}
	s.Apply(b)
	return b, s
}

// step trains and compares what the reference logged before the update.
func (g *golden) step(t *testing.T, tr *sae.Trainer, in *activations.Batch, want goldenStep) {
	t.Helper()
	if err := tr.Step(in); err != nil {
		t.Fatal(err)
	}
	terms := tr.Terms()
	saetest.Near(t, "loss", tr.Loss(), want.Loss, 1e-5)
	saetest.Near(t, "l2_loss", terms["normalized_mse"], want.L2, 1e-5)
	saetest.Near(t, "afa_loss", g.Config.AFA*terms["afa"], want.AFA, 1e-4)
	saetest.Near(t, "aux_loss", g.Config.Aux*terms["auxk"], want.Aux, 1e-5)
	saetest.Near(t, "l1_loss", g.Config.L1*terms["l1"], want.L1, 1e-5)
	codes := tr.Codes()
	saetest.Near(t, "l0_norm", codes.L0(), want.L0, 1e-6)
	sum := 0.0
	for _, v := range codes.Value {
		sum += float64(v)
	}
	saetest.Near(t, "l1_norm", sum/float64(codes.N), want.L1Norm, 1e-5)
}

// overdue counts the latents that are dead as the reference logs them, which
// is one batch later than for its loss.
func overdue(tr *sae.Trainer, after int64) (n float64) {
	for _, since := range tr.Since() {
		if since > after {
			n++
		}
	}
	return n
}

// dense is codes as a matrix [N,F].
func dense(c sae.Encoded) []float32 {
	z := make([]float32, c.N*c.F)
	for i := range c.N {
		index, value := c.Row(i)
		for e, f := range index {
			z[i*c.F+int(f)] = value[e]
		}
	}
	return z
}

func mask(c sae.Encoded) []int64 {
	m := make([]int64, c.N*c.F)
	for i, v := range dense(c) {
		if v != 0 {
			m[i] = 1
		}
	}
	return m
}

// train follows the whole trajectory.
func (g *golden) train(t *testing.T, c *saetest.Case) {
	tr := g.trainer(t, c, g.variant(), "init.", g.Config.LR)
	rows, masks, counters := c.Floats("x"), c.Ints("mask"), c.Ints("counters")
	b, d, f := g.Config.B, g.Config.D, g.Config.H
	tolerance := map[int]float64{1: 2e-6, 5: 5e-6, 20: 2e-5}
	for i, want := range g.Steps {
		in, _ := g.batch(rows[i*b*d : (i+1)*b*d])
		g.step(t, tr, in, want)
		saetest.Same(t, "mask", mask(tr.Codes()), masks[i*b*f:(i+1)*b*f])
		saetest.Same(t, "counters", tr.Since(), counters[i*f:(i+1)*f])
		saetest.Near(t, "num_dead_aux", float64(tr.Dead()), want.DeadAux, 0)
		saetest.Near(t, "num_dead_logged", overdue(tr, g.Config.DeadAfter), want.DeadLogged, 0)
		saetest.Near(t, "grad_norm", tr.GradientNorm(), want.GradientNorm, 1e-5)
		if tol, ok := tolerance[i+1]; ok {
			g.weights(t, c, tr, i+1, tol)
		}
		if t.Failed() {
			t.Fatalf("at step %d", i)
		}
	}
	for there, here := range references {
		m, v := tr.Moments(here)
		saetest.WithinNorm(t, "adam_m."+there, m, c.Floats("adam_m."+there), 1e-5)
		saetest.WithinNorm(t, "adam_v."+there, v, c.Floats("adam_v."+there), 2e-5)
	}
}

func (g *golden) weights(t *testing.T, c *saetest.Case, tr *sae.Trainer, steps int, tol float64) {
	t.Helper()
	for there, here := range references {
		name := map[int]string{1: "after1.", 5: "after5.", 20: "after20."}[steps] + there
		saetest.Within(t, name, tr.Weights()[here], c.Floats(name), tol)
	}
}
