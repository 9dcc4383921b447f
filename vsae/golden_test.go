package vsae

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// The tolerances that the README of the golden cases suggests: relative for
// losses, relative by norm for gradients and moments, absolute for weights and
// what they give.
const (
	lossTolerance     = 1e-5
	gradientTolerance = 1e-5
	outputTolerance   = 2e-5
)

// golden is a case of kind vsae_train: a run of one of the trainers P (commit
// 8e1581a), masked or feature_penalty (commit ad03f7a) of
// ZachData/SPAR-Variational-Sparse-Autoencoders.
type golden struct {
	Kind   string
	Config struct {
		Model     string
		B, D, F   int
		K         int
		Learned   int     `json:"var_flag"`
		Untied    bool    `json:"april"`
		KL        float64 `json:"kl_coeff"`
		KLWarmup  int     `json:"kl_warmup_steps"`
		AuxK      int     `json:"top_k_aux"`
		Aux       float64 `json:"auxk_alpha"`
		DeadAfter int64   `json:"dead_feature_threshold"`
		Penalty   float64
		Beta      float64 `json:"threshold_beta"`
		Start     int     `json:"threshold_start_step"`
	}
	Clip  *float64 `json:"clip_grad_norm"`
	Steps []goldenStep

	c         *saetest.Case
	threshold float64
}

type goldenStep struct {
	LR        float64
	Loss      float64
	Recon     float64 `json:"recon_loss"`
	Length    float64 `json:"l2_norm_mean"`
	AuxK      float64 `json:"auxk_loss"`
	Dead      int     `json:"num_dead"`
	Norm      float64 `json:"grad_norm"`
	L0        float64 `json:"l0_nonzero"`
	Negative  float64 `json:"negative_selected"`
	KL        float64 `json:"kl_loss"`
	KLScale   float64 `json:"kl_scale"`
	KLWeight  float64 `json:"kl_weight"`
	Cost      float64 `json:"activation_cost"`
	HalfMu    float64 `json:"mean_mu_sq_half"` // of all latents
	Threshold float64
}

// TestGoldenVSAE runs every case of the folder by its kind.
func TestGoldenVSAE(t *testing.T) {
	saetest.Golden(t, "vsae", runCase)
}

// TestTrajectory replays the first five steps of the case learned_var_aux, which
// are kept here with what a test of them needs.
func TestTrajectory(t *testing.T) { saetest.Cases(t, "testdata", runCase) }

func runCase(t *testing.T, c *saetest.Case) {
	g := &golden{c: c, threshold: -1}
	c.JSON(g)
	switch g.Kind {
	case "vsae_train":
		g.replay(t)
	case "vsae_equivalence":
		equivalence(t, c)
	case "vsae_schedules":
		schedules(t, c)
	default:
		t.Fatalf("a case of kind %q", g.Kind)
	}
}

// variant is the settings that make the case's trainer. masked has no ReLU and
// penalises the latents it kept; feature_penalty adds squares, with no warm-up.
func (g *golden) variant() *VSAE {
	v, c := New().(*VSAE), g.Config
	v.K, v.Variance, v.ReluMu = c.K, "none", c.Model != "masked"
	v.KLCoefficient, v.KLWarmup = c.KL, float64(c.KLWarmup)/float64(len(g.Steps))
	v.AuxK, v.AuxCoefficient, v.DeadAfter, v.AuxBias = 0, c.Aux, c.DeadAfter, c.Untied
	if c.Aux > 0 {
		v.AuxK = c.AuxK
	}
	if c.Learned == 1 {
		v.Variance = "learned"
		v.given = func(step int) []float32 { return g.at("eps", step) }
	}
	switch c.Model {
	case "masked":
		v.KLScope = "selected"
	case "feature_penalty":
		v.KLCoefficient, v.KLWarmup, v.Penalty = c.Penalty, 0, "squares"
	}
	if !c.Untied {
		v.Bias, v.Constraint, v.ProjectGrad = "tied", "unit", c.Model == "feature_penalty"
	}
	return v
}

// at is step i of a tensor [T,...].
func (g *golden) at(name string, i int) []float32 {
	n := 1
	for _, s := range g.c.Shape(name)[1:] {
		n *= s
	}
	return g.c.Floats(name)[i*n : (i+1)*n]
}

func (g *golden) plan(v sae.Variant) sae.Plan {
	p := saetest.NewTrajectory(g.c).Plan(v)
	p.Train.Fired = "sum"
	if g.Config.Model == "feature_penalty" {
		p.Train.Fired = "index"
	}
	if g.Config.Untied {
		p.Init["decoder.bias"] = g.c.Floats("init.b_dec")
	} else {
		g.c.Floats("init.b_dec") // replaced by the median of the first batch
	}
	for _, name := range []string{"weight", "bias"} {
		if g.Config.Learned == 1 {
			p.Init["log_variance."+name] = g.c.Floats("init." + g.names()["log_variance."+name])
		}
	}
	return p
}

// names gives the case's name of each parameter.
func (g *golden) names() map[string]string {
	names := saetest.Names()
	if g.Config.Learned == 1 {
		names["log_variance.weight"], names["log_variance.bias"] = "W_var", "b_var"
	}
	return names
}

func (g *golden) batch(i int) *activations.Batch {
	return &activations.Batch{N: g.Config.B, D: g.Config.D, X: g.at("x", i)}
}

func (g *golden) replay(t *testing.T) {
	tr := g.trainer(t, g.plan(g.variant()))
	for i := range g.Steps {
		if err := tr.Step(g.batch(i)); err != nil {
			t.Fatal(err)
		}
		g.step(t, tr, i)
	}
	for ours, theirs := range g.names() {
		if !g.c.Has("adam_m." + theirs) {
			continue
		}
		m, v := tr.Moments(ours)
		saetest.WithinNorm(t, "first moment of "+ours, m, g.c.Floats("adam_m."+theirs), gradientTolerance)
		saetest.WithinNorm(t, "second moment of "+ours, v, g.c.Floats("adam_v."+theirs), gradientTolerance)
	}
	if !g.Config.Untied {
		g.startBias(t)
	}
	if g.c.Has("step0.mu") {
		g.start(t)
	}
	if g.c.Has("eval.x") {
		g.evaluate(t, tr)
	}
	g.c.Used(t)
}

func (g *golden) trainer(t *testing.T, p sae.Plan) *sae.Trainer {
	t.Helper()
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

func (g *golden) step(t *testing.T, tr *sae.Trainer, i int) {
	t.Helper()
	want, at := g.Steps[i], func(what string) string { return fmt.Sprintf("step %d: %s", i, what) }
	terms := tr.Terms()
	saetest.Near(t, at("learning rate"), tr.Rate(), want.LR, 1e-12)
	saetest.Near(t, at("loss"), tr.Loss(), want.Loss, lossTolerance)
	saetest.Near(t, at("mse"), terms["mse"], want.Recon, lossTolerance)
	if g.Config.Model == "feature_penalty" {
		saetest.Near(t, at("squares"), terms["scaled_squares"], want.Cost, lossTolerance)
	} else {
		saetest.Near(t, at("kl"), terms["kl"], want.KL, lossTolerance)
		saetest.Near(t, at("scaled kl"), terms["scaled_kl"], want.KLWeight*want.KL, lossTolerance)
		saetest.Near(t, at("kl weight"), want.KLWeight, want.KLScale*g.Config.KL, 1e-12)
	}
	if g.Config.Model != "masked" {
		saetest.Near(t, at("gradient norm"), tr.GradientNorm(), want.Norm, gradientTolerance)
	}
	saetest.Near(t, at("auxk"), terms["auxk"], want.AuxK, lossTolerance)
	if g.Config.Aux > 0 {
		if tr.Dead() != want.Dead {
			t.Errorf("step %d: %d latents are dead, want %d", i, tr.Dead(), want.Dead)
		}
		f := g.Config.F
		saetest.Same(t, at("counters"), tr.Since(), g.c.Ints("tokens_since_fired")[i*f:(i+1)*f])
	}
	n := g.Config.B * g.Config.K
	saetest.Same(t, at("selection"), tr.Codes().Index, g.c.Indices("selected")[i*n:(i+1)*n])
	g.codes(t, tr, want, i)
	for ours, theirs := range g.names() {
		if name := "after" + strconv.Itoa(i+1) + "." + theirs; g.c.Has(name) {
			saetest.Within(t, name, tr.Weights()[ours], g.c.Floats(name), map[int]float64{0: 2e-6, 4: 5e-6, 19: 2e-5}[i])
		}
		if i == 0 && g.c.Has("grad0_final."+theirs) {
			saetest.WithinNorm(t, "gradient of "+ours, tr.Gradient(ours), g.c.Floats("grad0_final."+theirs), gradientTolerance)
		}
	}
}
