package baselines

import (
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// Tolerances that the README of the golden cases suggests.
const (
	scalarTolerance   = 1e-6
	gradientTolerance = 1e-5
)

// saelens is a golden case of JumpReLUTrainingSAE of SAELens 6.54.12: one
// forward and backward pass, and the exported model.
type saelens struct {
	Config struct {
		Arch          string
		D, F, B       int
		Mode          string
		L0, Bandwidth float64
		PreAct        *float64 `json:"pre_act"`
		TanhScale     float64  `json:"tanh_scale"`
		STE           bool
		TargetL0      *float64 `json:"target_l0"`
		InputBias     bool     `json:"apply_b_dec_to_input"`
	}
	Batches []struct {
		Loss   float64
		MSE    float64 `json:"mse_loss"`
		L0     float64 `json:"l0_loss"`
		PreAct float64 `json:"pre_act_loss"`
		Kept   float64 `json:"l0_nonzero"`
	}

	c *saetest.Case
}

// TestGoldenSAELensJumpReLU runs the cases of JumpReLU; those of TopK and
// BatchTopK are in topk.
func TestGoldenSAELensJumpReLU(t *testing.T) {
	ran := 0
	saetest.Golden(t, "saelens-topk", func(t *testing.T, c *saetest.Case) {
		s := &saelens{c: c}
		c.JSON(s)
		if s.Config.Arch != "jumprelu" {
			t.Skip("a case of the package topk")
		}
		ran++
		s.training(t)
		s.inference(t)
		c.Used(t, "batch0.hidden_pre")
	})
	if ran == 0 && !t.Skipped() {
		t.Error("the folder holds no case of JumpReLU")
	}
}

func (s *saelens) variant() *JumpReLU {
	v := NewJumpReLU().(*JumpReLU)
	v.Penalty = Penalty{Coefficient: s.Config.L0}
	v.Decoder, v.InputBias = "free", s.Config.InputBias
	v.Sparsity, v.Bandwidth, v.TanhScale, v.STEToInput = s.Config.Mode, s.Config.Bandwidth, s.Config.TanhScale, s.Config.STE
	if s.Config.TargetL0 != nil {
		v.QuadraticL0 = *s.Config.TargetL0
	}
	if s.Config.PreAct != nil {
		v.PreActivation, v.DeadAfter = *s.Config.PreAct, 1
	}
	return v
}

func parameters() map[string]string {
	names := saetest.Names()
	names["threshold"] = "threshold"
	return names
}

func (s *saelens) weights(prefix string) map[string][]float32 {
	w := map[string][]float32{}
	for ours, theirs := range parameters() {
		w[ours] = s.c.Floats(prefix + theirs)
	}
	return w
}

// training makes one step too small to move a weight.
func (s *saelens) training(t *testing.T) {
	p := sae.Plan{
		Variant: s.variant(), D: s.Config.D, Threads: 2, Init: s.weights(""),
		Model: sae.ModelSettings{Latents: s.Config.F, DecoderBias: "zero"}, Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Train.Batch, p.Train.Steps, p.Train.DeadMask = s.Config.B, 1, "before"
	p.Optimizer.LR, p.Optimizer.Warmup, p.Optimizer.Clip = 1e-30, 0, 0
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if s.c.Has("dead_mask") {
		copy(tr.Since(), s.c.Ints("dead_mask"))
	}
	x := s.c.Floats("x_raw")[:s.Config.B*s.Config.D]
	saetest.Same(t, "rows", x, s.c.Floats("batch0.sae_in"))
	if err := tr.Step(&activations.Batch{N: s.Config.B, D: s.Config.D, X: x}); err != nil {
		t.Fatal(err)
	}
	want, got := s.Batches[0], tr.Terms()
	saetest.Near(t, "loss", tr.Loss(), want.Loss, scalarTolerance)
	saetest.Near(t, "mse", got["mse"], want.MSE, scalarTolerance)
	saetest.Near(t, "l0", s.Config.L0*got["l0"], want.L0, scalarTolerance)
	saetest.Near(t, "pre_activation", got["pre_activation"], want.PreAct, scalarTolerance)
	saetest.Near(t, "latents of a row", tr.Codes().L0(), want.Kept, scalarTolerance)
	saetest.WithinNorm(t, "latents", saetest.Dense(tr.Codes()), s.c.Floats("batch0.feature_acts"), gradientTolerance)
	saetest.WithinNorm(t, "reconstruction", tr.Recon(), s.c.Floats("batch0.sae_out"), gradientTolerance)
	saetest.Within(t, "thresholds", tr.Weights()["threshold"], s.c.Floats("threshold_after_clamp"), 1e-20)
	for ours, theirs := range parameters() {
		saetest.WithinNorm(t, "gradient of "+ours, tr.RawGradient(ours), s.c.Floats("batch0.grad."+theirs), gradientTolerance)
	}
}

// inference evaluates the exported weights.
func (s *saelens) inference(t *testing.T) {
	x := s.c.Floats("inference.x")
	rows := len(x) / s.Config.D
	m, err := sae.NewModel(s.variant(), sae.Dims{D: s.Config.D, F: s.Config.F, DOut: s.Config.D}, s.weights("inference."),
		nil, sae.ModelOptions{Rows: rows, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	codes, err := m.Encode(&activations.Batch{N: rows, D: s.Config.D, X: x})
	if err != nil {
		t.Fatal(err)
	}
	saetest.WithinNorm(t, "latents after export", saetest.Dense(codes), s.c.Floats("inference.feature_acts"), gradientTolerance)
	saetest.WithinNorm(t, "reconstruction after export", m.Recon(), s.c.Floats("inference.sae_out"), gradientTolerance)
}
