package saetest

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// Tolerances of a replay in float32, as the READMEs of the golden cases
// suggest: relative for losses, relative by norm for gradients and moments,
// absolute for each step that weights went through.
const (
	lossTolerance     = 1e-5
	gradientTolerance = 1e-5
	weightTolerance   = 1e-6
	outputTolerance   = 2e-5
)

// A Trajectory is a golden case that a trainer of dictionary_learning 0.1.0
// left: batches, weights at the start, and what each step gave.
type Trajectory struct {
	Config    TrajectoryConfig
	Optimizer struct {
		Betas []float64
		Eps   float64
	}
	Clip  float64 `json:"clip_grad_norm"`
	Steps []TrajectoryStep

	c *Case
}

// TrajectoryConfig is the reference trainer's settings.
type TrajectoryConfig struct {
	D, F, B, K     int
	LR             float64
	AuxCoefficient float64   `json:"auxk_alpha"`
	Warmup         int       `json:"warmup_steps"`
	DecayStart     *int      `json:"decay_start"`
	ThresholdBeta  float64   `json:"threshold_beta"`
	ThresholdStart int       `json:"threshold_start_step"`
	DeadAfter      int64     `json:"dead_feature_threshold"`
	AuxK           int       `json:"top_k_aux"`
	GroupSizes     []int     `json:"group_sizes"`   // of Matryoshka
	GroupWeights   []float64 `json:"group_weights"` // of Matryoshka
}

// TrajectoryStep is what one step gave.
type TrajectoryStep struct {
	LR        float64
	Loss      float64
	L2        float64 `json:"l2_loss"`
	AuxK      float64 `json:"auxk_loss"`
	Norm      float64 `json:"grad_norm"`
	Clip      float64 `json:"clip_coef"`
	Dead      int     `json:"num_dead"`
	L0        float64
	Threshold float64
	GroupL2   []float64 `json:"group_l2"` // of Matryoshka: terms mse_1, mse_2, ...
}

// NewTrajectory reads a case.
func NewTrajectory(c *Case) *Trajectory {
	r := &Trajectory{c: c}
	c.JSON(r)
	return r
}

// Plan is the reference trainer's run, with v as the variant. A latent fires
// by value; change what differs.
func (r *Trajectory) Plan(v sae.Variant) sae.Plan {
	p := sae.Plan{
		Variant: v, D: r.Config.D, Threads: 2, Init: map[string][]float32{},
		Model:     sae.ModelSettings{Latents: r.Config.F, DecoderBias: "geometric-median"},
		Train:     sae.DefaultTrain(),
		Optimizer: sae.DefaultOptimizer(),
	}
	p.Train.Batch, p.Train.Steps = r.Config.B, len(r.Steps)
	o := &p.Optimizer
	o.LR, o.Warmup, o.DecayStart, o.Clip = r.Config.LR, r.Config.Warmup, 1, r.Clip
	o.Beta1, o.Beta2, o.Epsilon = r.Optimizer.Betas[0], r.Optimizer.Betas[1], r.Optimizer.Eps
	if r.Config.DecayStart != nil {
		o.DecayStart = float64(*r.Config.DecayStart) / float64(len(r.Steps))
	}
	for ours, theirs := range Names() {
		if ours != "decoder.bias" { // set from the first batch
			p.Init[ours] = r.c.Floats("init." + theirs)
		}
	}
	return p
}

// Names gives the reference's name for each parameter of ours.
func Names() map[string]string {
	return map[string]string{
		"encoder.weight": "W_enc", "encoder.bias": "b_enc", "decoder.weight": "W_dec", "decoder.bias": "b_dec",
	}
}

// Replay trains through the case's batches and compares every number that it
// holds. l2 names the term that the case calls l2_loss.
func (r *Trajectory) Replay(t *testing.T, p sae.Plan, l2 string) *sae.Trainer {
	t.Helper()
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	x := r.c.Floats("x")
	rows := r.Config.B * r.Config.D
	for i := range r.Steps {
		b := &activations.Batch{N: r.Config.B, D: r.Config.D, X: x[i*rows : (i+1)*rows]}
		if err := tr.Step(b); err != nil {
			t.Fatal(err)
		}
		r.step(t, tr, i, l2)
	}
	r.moments(t, tr)
	r.startBias(t, p)
	return tr
}

// startBias looks at the decoder bias after a step too small to move it.
func (r *Trajectory) startBias(t *testing.T, p sae.Plan) {
	t.Helper()
	p.Optimizer.LR = 1e-30
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Step(&activations.Batch{N: r.Config.B, D: r.Config.D, X: r.c.Floats("x")[:r.Config.B*r.Config.D]}); err != nil {
		t.Fatal(err)
	}
	Within(t, "decoder bias at the start", tr.Weights()["decoder.bias"], r.c.Floats("b_dec_median"), weightTolerance)
}

func (r *Trajectory) step(t *testing.T, tr *sae.Trainer, i int, l2 string) {
	t.Helper()
	want, at := r.Steps[i], func(what string) string { return fmt.Sprintf("step %d: %s", i, what) }
	Near(t, at("learning rate"), tr.Rate(), want.LR, 1e-12)
	Near(t, at("loss"), tr.Loss(), want.Loss, lossTolerance)
	Near(t, at(l2), tr.Terms()[l2], want.L2, lossTolerance)
	Near(t, at("auxk"), tr.Terms()["auxk"], want.AuxK, lossTolerance)
	Near(t, at("gradient norm"), tr.GradientNorm(), want.Norm, gradientTolerance)
	Near(t, at("clip factor"), tr.ClipFactor(), want.Clip, gradientTolerance)
	Near(t, at("L0"), tr.Codes().L0(), want.L0, 1e-6)
	Near(t, at("threshold"), tr.State("threshold")[0], want.Threshold, lossTolerance)
	if tr.Dead() != want.Dead {
		t.Errorf("step %d: %d latents are dead, want %d", i, tr.Dead(), want.Dead)
	}
	for g, l2 := range want.GroupL2 {
		term := fmt.Sprintf("mse_%d", g+1)
		Near(t, at(term), tr.Terms()[term], l2, lossTolerance)
	}
	f := r.Config.F
	Same(t, at("counters"), tr.Since(), r.c.Ints("tokens_since_fired")[i*f:(i+1)*f])
	r.selection(t, tr, i)
	if i == 0 {
		Within(t, "values", tr.Codes().Value, r.c.Floats("step0.values"), weightTolerance)
		r.gradients(t, tr)
	}
	r.weights(t, tr, i+1)
}

// selection compares what was kept: latents of each row [T,B,k], or positions
// in the flattened batch [T,B·k].
func (r *Trajectory) selection(t *testing.T, tr *sae.Trainer, i int) {
	t.Helper()
	shape, codes := r.c.Shape("selected"), tr.Codes()
	got := codes.Index
	if len(shape) == 2 {
		got = nil
		for row := range codes.N {
			index, _ := codes.Row(row)
			for _, f := range index {
				got = append(got, int32(row*r.Config.F)+f)
			}
		}
	}
	n := r.Config.B * r.Config.K
	Same(t, fmt.Sprintf("step %d: selection", i), got, r.c.Indices("selected")[i*n:(i+1)*n])
}

func (r *Trajectory) gradients(t *testing.T, tr *sae.Trainer) {
	t.Helper()
	for ours, theirs := range Names() {
		if !r.c.Has("grad0_raw." + theirs) {
			continue
		}
		WithinNorm(t, "gradient of "+ours, tr.RawGradient(ours), r.c.Floats("grad0_raw."+theirs), gradientTolerance)
		WithinNorm(t, "projected and clipped gradient of "+ours, tr.Gradient(ours), r.c.Floats("grad0_final."+theirs), gradientTolerance)
	}
}

// weights compares the weights after so many steps, if the case holds them.
func (r *Trajectory) weights(t *testing.T, tr *sae.Trainer, steps int) {
	t.Helper()
	prefix := "after" + strconv.Itoa(steps) + "."
	for ours, theirs := range Names() {
		if r.c.Has(prefix + theirs) {
			Within(t, prefix+ours, tr.Weights()[ours], r.c.Floats(prefix+theirs), weightTolerance*float64(steps))
		}
	}
}

func (r *Trajectory) moments(t *testing.T, tr *sae.Trainer) {
	t.Helper()
	for ours, theirs := range Names() {
		if !r.c.Has("adam_m." + theirs) {
			continue
		}
		m, v := tr.Moments(ours)
		WithinNorm(t, "first moment of "+ours, m, r.c.Floats("adam_m."+theirs), gradientTolerance)
		WithinNorm(t, "second moment of "+ours, v, r.c.Floats("adam_v."+theirs), gradientTolerance)
	}
}

// Evaluate compares latents and reconstructions of rows that were not trained
// on, with v set to the case's inference of that name, such as "threshold".
func (r *Trajectory) Evaluate(t *testing.T, tr *sae.Trainer, v sae.Variant, inference string) {
	t.Helper()
	rows := r.c.Shape("eval.x")[0]
	m, err := sae.NewModel(v, sae.Dims{D: r.Config.D, F: r.Config.F, DOut: r.Config.D}, tr.Weights(),
		map[string][]float64{"threshold": tr.State("threshold")}, sae.ModelOptions{Rows: rows, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	codes, err := m.Encode(&activations.Batch{N: rows, D: r.Config.D, X: r.c.Floats("eval.x")})
	if err != nil {
		t.Fatal(err)
	}
	Within(t, inference+": latents", Dense(codes), r.c.Floats("eval.f_"+inference), outputTolerance)
	Within(t, inference+": reconstruction", m.Recon(), r.c.Floats("eval.x_hat_"+inference), outputTolerance)
}

// Dense writes codes as [N,F].
func Dense(e sae.Encoded) []float32 {
	f := make([]float32, e.N*e.F)
	for i := range e.N {
		index, value := e.Row(i)
		for j, l := range index {
			f[i*e.F+int(l)] = value[j]
		}
	}
	return f
}
