package mpsae

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// The tolerances and the margin of the cases' README: codes and what is left
// absolute, gradients relative to their largest entry. Picks count where no
// margin of the row so far is smaller than leastMargin.
const (
	codeTolerance     = 1e-5
	gradientTolerance = 1e-5
	weightTolerance   = 1e-5
	lossTolerance     = 1e-5
	leastMargin       = 1e-5
)

// reference is what the cases say, of whatever kind.
type reference struct {
	Kind      string
	K         int
	KList     []int `json:"k_list"`
	EvalKList []int `json:"eval_k_list"`
	Loss      any
	LossValue float64 `json:"loss_value"`

	Normalization string
	Dropout       *float64
	Multiplier    *float64

	Steps, Batch int
	Optimizer    struct {
		LR, Eps float64
		Betas   []float64
	}
	Clip float64 `json:"clip_grad_norm"`

	Iterations int     `json:"max_iter"`
	Mean       float64 `json:"loss_mean_all_entries"`

	Threshold     float64 `json:"residual_threshold"`
	MaxIterations *int    `json:"max_iterations"`
	StopOnRepeat  bool    `json:"stop_on_duplicate_support"`
	MaxL0         float64 `json:"max_l0"`
	MinL0         float64 `json:"min_l0"`
	NormMean      float64 `json:"residual_norm_mean"`
	Converged     float64 `json:"residual_threshold_converged_portion"`

	c *saetest.Case
	t *testing.T
}

func TestGolden(t *testing.T) {
	saetest.Golden(t, "mpsae", checkCase)
}

// TestSmall is one case that is kept here.
func TestSmall(t *testing.T) {
	saetest.Cases(t, "testdata", checkCase)
}

func checkCase(t *testing.T, c *saetest.Case) {
	r := &reference{c: c, t: t}
	c.JSON(r)
	switch r.Kind {
	case "encode":
		r.encode()
	case "grad":
		r.gradient()
	case "train":
		r.train()
	case "omp":
		r.orthogonal()
	case "residual_stop":
		r.residualStop()
	case "residual_stop_train":
		r.residualStopTrain()
	default:
		t.Fatalf("a case of kind %q, which this test does not know", r.Kind)
	}
}

// overcomplete is MpSAE: the largest score whatever its sign, latents that
// come up again add, and no bias.
func (r *reference) overcomplete() *MPSAE {
	v := New().(*MPSAE)
	v.K, v.Coefficient, v.UnitRows, v.Loss, v.ReviveCoefficient = r.K, "signed", "never", "mean", 0
	return v
}

// forwards runs f with each way to have scores, which give the same.
func forwards(t *testing.T, v *MPSAE, f func(t *testing.T, v *MPSAE)) {
	for _, forward := range []string{"direct", "gram"} {
		c := *v
		c.Forward = forward
		t.Run(forward, func(t *testing.T) { f(t, &c) })
	}
}

// model is v for evaluation on the given weights.
func (r *reference) model(v sae.Variant, weights map[string][]float32, f, d, rows int) *sae.Model {
	r.t.Helper()
	m, err := sae.NewModel(v, sae.Dims{D: d, F: f, DOut: d}, weights, nil, sae.ModelOptions{Rows: rows, Threads: 2})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(m.Close)
	return m
}

func (r *reference) run(m *sae.Model, x []float32, n, d int) sae.Encoded {
	r.t.Helper()
	e, err := m.Encode(&activations.Batch{N: n, D: d, X: x})
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r *reference) encode() {
	t, c := r.t, r.c
	x, w := c.Floats("x"), c.Floats("W")
	n, d, f := c.Shape("x")[0], c.Shape("x")[1], c.Shape("W")[0]
	forwards(t, r.overcomplete(), func(t *testing.T, v *MPSAE) {
		for _, k := range r.KList {
			v.K = k
			var p *pursuit
			v.watch = func(made *pursuit) { p = made }
			m := r.model(v, map[string][]float32{"decoder.weight": w}, f, d, n)
			codes := saetest.Dense(r.run(m, x, n, d))
			at := func(name string) []float32 { return c.Floats(fmt.Sprintf("%s_k%d", name, k)) }
			saetest.Within(t, "codes", codes, at("codes"), codeTolerance)
			saetest.Within(t, "what is left", p.single.residual, at("residual"), codeTolerance)
			saetest.Within(t, "reconstruction", m.Recon(), at("x_hat"), codeTolerance)
			if exact := strings.HasSuffix(c.Name, "_exact"); exact {
				saetest.Same(t, "codes", codes, at("codes"))
				saetest.Same(t, "what is left", p.single.residual, at("residual"))
			}
			r.picks(t, p, k, 0)
			r.encodeLosses(t, k, p.single.residual, n, d)
		}
		r.norms(t, v, w, x, n, d)
	})
	r.normalised(w, d)
	c.Used(t)
}

// picks compares latents and coefficients of each step with those from row
// first of the case on, where the choice is not a matter of rounding.
func (r *reference) picks(t *testing.T, p *pursuit, k, first int) {
	t.Helper()
	shape := r.c.Shape("atom")
	width := shape[len(shape)-1]
	atom, coef, margin := r.c.Indices("atom"), r.c.Floats("coef"), r.c.Floats("margin")
	compared := 0
	for i := range len(p.path.ptr) - 1 {
		lo, hi := int(p.path.ptr[i]), int(p.path.ptr[i+1])
		for s := range min(k, width) {
			at := (first+i)*width + s
			if margin[at] <= leastMargin {
				break
			}
			if lo+s >= hi { // the row was done: what the reference takes is nothing
				if coef[at] != 0 {
					t.Errorf("row %d, step %d: no step, want latent %d with %v", i, s, atom[at], coef[at])
				}
				continue
			}
			if got := p.path.atom[lo+s]; got != atom[at] {
				t.Errorf("row %d, step %d: latent %d, want %d", i, s, got, atom[at])
				break
			}
			saetest.Within(t, fmt.Sprintf("row %d, step %d: coefficient", i, s), p.single.coefficient[lo+s:lo+s+1], coef[at:at+1], codeTolerance)
			compared++
		}
	}
	if compared == 0 {
		t.Error("no step was compared")
	}
}

// encodeLosses are the scalars of a number of steps.
func (r *reference) encodeLosses(t *testing.T, k int, left []float32, n, d int) {
	t.Helper()
	all := map[string]any{}
	r.c.JSON(&all)
	want := all[fmt.Sprintf("k%d", k)].(map[string]any)
	sum := 0.0
	for _, v := range left {
		sum += float64(v) * float64(v)
	}
	saetest.Near(t, "mean error", sum/float64(n*d), want["loss_mean_all_entries"].(float64), lossTolerance)
	saetest.Near(t, "summed error", sum/float64(n), want["loss_sum_d_mean_rows"].(float64), lossTolerance)
}

// norms are those of what is left after each step.
func (r *reference) norms(t *testing.T, v *MPSAE, w, x []float32, n, d int) {
	t.Helper()
	want, width := r.c.Floats("residual_norm"), r.c.Shape("residual_norm")[1]
	for k := range width {
		got, theirs := make([]float64, n), make([]float32, n)
		var p *pursuit
		if k > 0 {
			v.K, v.watch = k, func(made *pursuit) { p = made }
			r.run(r.model(v, map[string][]float32{"decoder.weight": w}, len(w)/d, d, n), x, n, d)
		}
		for i := range n {
			row := x[i*d : (i+1)*d]
			if k > 0 {
				row = p.single.residual[i*d : (i+1)*d]
			}
			for _, v := range row {
				got[i] += float64(v) * float64(v)
			}
			got[i], theirs[i] = math.Sqrt(got[i]), want[i*width+k]
		}
		saetest.Within(t, fmt.Sprintf("norms after %d steps", k), got, theirs, codeTolerance)
	}
}

// normalised looks at the dictionary after a step too small to move it. The
// normalisation max_l2, which is none of ours, is checked to be what the README
// says.
func (r *reference) normalised(w []float32, d int) {
	r.t.Helper()
	v := r.overcomplete()
	v.K = 1
	switch r.Normalization {
	case "l2":
		v.UnitRows = "step"
	case "identity":
	case "max_l2":
		r.divided(w, d)
		return
	default:
		r.t.Fatalf("a normalisation %q, which this test does not know", r.Normalization)
	}
	tr := r.trainer(v, 1, 1, d, map[string][]float32{"decoder.weight": r.c.Floats("W_init")}, func(p *sae.Plan) { p.Optimizer.LR = 1e-30 })
	x := make([]float32, d)
	x[0] = 1
	if err := tr.Step(&activations.Batch{N: 1, D: d, X: x}); err != nil {
		r.t.Fatal(err)
	}
	saetest.Within(r.t, "dictionary", tr.Weights()["decoder.weight"], w, 1e-6)
}

// divided: all rows were divided by the largest norm.
func (r *reference) divided(w []float32, d int) {
	r.t.Helper()
	start, largest := append([]float32{}, r.c.Floats("W_init")...), 0.0
	for i := 0; i < len(start); i += d {
		largest = max(largest, kernel.SumSquares(start[i:i+d]))
	}
	kernel.Scale(start, float32(1/math.Sqrt(largest)))
	saetest.Within(r.t, "dictionary", start, w, 1e-6)
}

// trainer is that of a reference's optimiser: a constant rate, no warm-up, and
// rows brought to norm 1 before the forward pass.
func (r *reference) trainer(v sae.Variant, rows, steps, d int, start map[string][]float32, change func(p *sae.Plan)) *sae.Trainer {
	r.t.Helper()
	p := sae.Plan{
		Variant: v, D: d, Threads: 2, Init: start,
		Model: sae.ModelSettings{Latents: len(start["decoder.weight"]) / d, DecoderBias: "zero"},
		Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Train.Batch, p.Train.Steps = rows, steps
	p.Optimizer.Warmup, p.Optimizer.DecayStart, p.Optimizer.Clip, p.Optimizer.UnitRows = 0, 1, 0, "before"
	change(&p)
	tr, err := sae.NewTrainer(p)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(tr.Close)
	return tr
}
