package mpsae

import (
	"fmt"
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// lossOf sets the loss that a case names. The library sums |z| over rows; here
// it is their mean.
func (r *reference) lossOf(v *MPSAE, name string, n int) {
	switch name {
	case "mse_mean":
	case "mse_sum_d_mean_rows":
		v.Loss = "sum"
	case "mse_l1_1e-3":
		v.L1Coefficient = 1e-3 * float64(n)
	case "mse_mean_revive":
		v.ReviveCoefficient, v.ReviveBelow, v.ReviveOver = 0.01, 0.01, 10
	default:
		r.t.Fatalf("a loss %q, which this test does not know", name)
	}
}

// gradient is one forward and backward pass. A bias that starts at 0 is added:
// its gradient is minus the sum of those by the rows.
func (r *reference) gradient() {
	t, c := r.t, r.c
	x, w := c.Floats("x"), c.Floats("W")
	n, d := c.Shape("x")[0], c.Shape("x")[1]
	v := r.overcomplete()
	v.Bias, v.UnitRows = true, "never"
	r.lossOf(v, r.Loss.(string), n)
	start := map[string][]float32{"decoder.weight": c.Floats("W_init"), "decoder.bias": make([]float32, d)}
	if r.Normalization == "l2" {
		v.UnitRows = "step"
	}
	if r.Multiplier != nil {
		v.Scale = true
		start["decoder.log_scale"] = []float32{float32(*r.Multiplier)}
	}
	if r.Dropout != nil {
		v.Dropout = *r.Dropout
		v.mask = func(dst []float32, _ int) { copy(dst, c.Floats("mask")) }
	}
	forwards(t, v, func(t *testing.T, v *MPSAE) {
		var p *pursuit
		v.watch = func(made *pursuit) { p = made }
		tr := r.trainer(v, n, 1, d, start, func(p *sae.Plan) { p.Optimizer.LR = 1e-30 })
		if err := tr.Step(&activations.Batch{N: n, D: d, X: x}); err != nil {
			t.Fatal(err)
		}
		r.forward(t, tr, p, n, d, w)
		r.gradients(t, tr, n, d)
	})
	c.Used(t)
}

// forward compares what the pass computed.
func (r *reference) forward(t *testing.T, tr *sae.Trainer, p *pursuit, n, d int, w []float32) {
	t.Helper()
	factor := 1.0
	if m := tr.Weights()["decoder.log_scale"]; m != nil {
		factor = math.Exp(float64(m[0]))
	}
	codes, used := saetest.Dense(tr.Codes()), append([]float32{}, tr.Weights()["decoder.weight"]...)
	for i := range codes {
		codes[i] /= float32(factor)
	}
	for i := range used {
		used[i] *= float32(factor)
	}
	saetest.Within(t, "dictionary", used, w, 1e-6)
	saetest.Near(t, "loss", tr.Loss(), r.LossValue, lossTolerance)
	saetest.Within(t, "codes", codes, r.c.Floats("codes"), codeTolerance)
	saetest.Within(t, "what is left", p.single.residual, r.c.Floats("residual"), codeTolerance)
	saetest.Within(t, "reconstruction", tr.Recon(), r.c.Floats("x_hat"), codeTolerance)
	r.picks(t, p, r.K, 0)
}

func (r *reference) gradients(t *testing.T, tr *sae.Trainer, n, d int) {
	t.Helper()
	withinLargest(t, "gradient of the dictionary", tr.RawGradient("decoder.weight"), r.c.Floats("grad_W"))
	sum := make([]float32, d)
	for i, v := range r.c.Floats("grad_x") {
		sum[i%d] -= v
	}
	withinLargest(t, "gradient of the bias", tr.RawGradient("decoder.bias"), sum)
	if r.Multiplier != nil {
		withinLargest(t, "gradient of the scale", tr.RawGradient("decoder.log_scale"), r.c.Floats("grad_multiplier"))
	}
}

// withinLargest compares gradients relative to the largest entry.
func withinLargest(t *testing.T, what string, got, want []float32) {
	t.Helper()
	top := 0.0
	for _, v := range want {
		top = max(top, math.Abs(float64(v)))
	}
	saetest.Within(t, what, got, want, gradientTolerance*top)
}

// train replays a run of overcomplete's train_sae and encodes with what it
// left.
func (r *reference) train() {
	t, c := r.t, r.c
	d, f := c.Shape("W_init")[1], c.Shape("W_init")[0]
	v := r.overcomplete()
	v.K = c.Shape("atom")[2]
	r.lossOf(v, r.Loss.(string), r.Batch)
	if r.Normalization == "l2" {
		v.UnitRows = "step"
	}
	if r.Dropout != nil {
		v.Dropout = *r.Dropout
		masks := c.Floats("masks")
		v.mask = func(dst []float32, step int) { copy(dst, masks[step*f:(step+1)*f]) }
	}
	forwards(t, v, func(t *testing.T, v *MPSAE) {
		var p *pursuit
		v.watch = func(made *pursuit) { p = made }
		tr := r.optimised(v, map[string][]float32{"decoder.weight": c.Floats("W_init")}, d)
		for s := range r.Steps {
			r.step(t, tr, s, d)
			r.picks(t, p, v.K, s*r.Batch)
			want, norm := c.Floats("loss")[s], c.Floats("grad_norm_before_clip")[s]
			saetest.Near(t, fmt.Sprintf("step %d: loss", s), tr.Loss(), float64(want), lossTolerance)
			saetest.Near(t, fmt.Sprintf("step %d: gradient norm", s), tr.GradientNorm(), float64(norm), gradientTolerance)
			if s == 0 {
				withinLargest(t, "first gradient", tr.RawGradient("decoder.weight"), c.Floats("grad_W_step1"))
			}
			if name := fmt.Sprintf("W_after_step%d", s+1); c.Has(name) {
				saetest.Within(t, name, tr.Weights()["decoder.weight"], c.Floats(name), weightTolerance)
			}
		}
		first, second := tr.Moments("decoder.weight")
		saetest.Within(t, "first moment", first, c.Floats("adam_m"), 1e-6)
		saetest.Within(t, "second moment", second, c.Floats("adam_v"), 1e-6)
		saetest.Within(t, "dictionary at the end", tr.Weights()["decoder.weight"], c.Floats("W_final_raw"), weightTolerance)
	})
	for _, k := range r.EvalKList {
		r.after(v, k, f, d)
	}
	c.Used(t)
}

// optimised is a trainer with the case's Adam.
func (r *reference) optimised(v *MPSAE, start map[string][]float32, d int) *sae.Trainer {
	return r.trainer(v, r.Batch, r.Steps, d, start, func(p *sae.Plan) {
		o := &p.Optimizer
		o.LR, o.Beta1, o.Beta2, o.Epsilon, o.Clip = r.Optimizer.LR, r.Optimizer.Betas[0], r.Optimizer.Betas[1], r.Optimizer.Eps, r.Clip
	})
}

func (r *reference) step(t *testing.T, tr *sae.Trainer, s, d int) {
	t.Helper()
	rows := r.Batch * d
	if err := tr.Step(&activations.Batch{N: r.Batch, D: d, X: r.c.Floats("X")[s*rows : (s+1)*rows]}); err != nil {
		t.Fatal(err)
	}
}

// after encodes the first batch with the dictionary at the end, in k steps.
func (r *reference) after(v *MPSAE, k, f, d int) {
	r.t.Helper()
	var p *pursuit
	v = v.WithK(k).(*MPSAE)
	v.watch = func(made *pursuit) { p = made }
	m := r.model(v, map[string][]float32{"decoder.weight": r.c.Floats("W_final_eval")}, f, d, r.Batch)
	codes := saetest.Dense(r.run(m, r.c.Floats("X")[:r.Batch*d], r.Batch, d))
	saetest.Within(r.t, "codes", codes, r.c.Floats(fmt.Sprintf("eval_codes_k%d", k)), codeTolerance)
	saetest.Within(r.t, "what is left", p.single.residual, r.c.Floats(fmt.Sprintf("eval_residual_k%d", k)), codeTolerance)
	if r.Normalization == "l2" {
		r.normalisedEnd(d)
	}
}

// normalisedEnd is the dictionary that an evaluation uses: that of the end
// with rows of norm 1.
func (r *reference) normalisedEnd(d int) {
	r.t.Helper()
	w := append([]float32{}, r.c.Floats("W_final_raw")...)
	for i := 0; i < len(w); i += d {
		sum := 0.0
		for _, v := range w[i : i+d] {
			sum += float64(v) * float64(v)
		}
		for j := range w[i : i+d] {
			w[i+j] /= float32(math.Sqrt(sum))
		}
	}
	saetest.Within(r.t, "dictionary of the evaluation", w, r.c.Floats("W_final_eval"), 1e-6)
}
