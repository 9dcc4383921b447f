package mpsae

import (
	"fmt"
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// orthogonal is OMPSAE: latents are chosen once, values are approximated, and
// dictionary rows have norm 1.
func (r *reference) orthogonal() {
	t, c := r.t, r.c
	x, w := c.Floats("x"), c.Floats("W")
	n, d, f := c.Shape("x")[0], c.Shape("x")[1], c.Shape("W")[0]
	v := r.overcomplete()
	v.Inference, v.InferenceIterations = "projected", r.Iterations
	forwards(t, v, func(t *testing.T, v *MPSAE) {
		for k := 1; k <= r.K; k++ {
			var p *pursuit
			v.K, v.watch = k, func(made *pursuit) { p = made }
			m := r.model(v, map[string][]float32{"decoder.weight": w}, f, d, n)
			codes := saetest.Dense(r.run(m, x, n, d))
			saetest.Within(t, fmt.Sprintf("codes of %d steps", k), codes, c.Floats(fmt.Sprintf("codes_k%d", k)), codeTolerance)
			saetest.Within(t, fmt.Sprintf("what %d steps leave", k), p.single.residual, c.Floats(fmt.Sprintf("residual_k%d", k)), codeTolerance)
			if k < r.K {
				continue
			}
			saetest.Within(t, "reconstruction", m.Recon(), c.Floats("x_hat"), codeTolerance)
			sum := 0.0
			for _, v := range p.single.residual {
				sum += float64(v) * float64(v)
			}
			saetest.Near(t, "mean error", sum/float64(n*d), r.Mean, lossTolerance)
			r.chosen(t, p)
		}
	})
	r.Normalization = "l2"
	r.normalised(w, d)
	c.Used(t)
}

// chosen compares latents in the order of their choice.
func (r *reference) chosen(t *testing.T, p *pursuit) {
	t.Helper()
	atom, margin := r.c.Indices("atom"), r.c.Floats("margin")
	for i := range len(p.path.ptr) - 1 {
		for s := range r.K {
			if margin[i*r.K+s] <= 1e-6 {
				break
			}
			if got := p.path.atom[int(p.path.ptr[i])+s]; got != atom[i*r.K+s] {
				t.Errorf("row %d, step %d: latent %d, want %d", i, s, got, atom[i*r.K+s])
				break
			}
		}
	}
}

// saelens is MatchingPursuitTrainingSAE.
func (r *reference) saelens() *MPSAE {
	v := New().(*MPSAE)
	v.K, v.Tolerance, v.Bias, v.UnitRows, v.ReviveCoefficient = 0, r.Threshold, true, "start", 0
	if r.MaxIterations != nil {
		v.K = *r.MaxIterations
	}
	if r.StopOnRepeat {
		v.Reselect = "stop"
	}
	return v
}

func (r *reference) residualStop() {
	t, c := r.t, r.c
	x := c.Floats("x")
	n, d := c.Shape("x")[0], c.Shape("x")[1]
	start := map[string][]float32{"decoder.weight": c.Floats("W_dec"), "decoder.bias": c.Floats("b_dec")}
	forwards(t, r.saelens(), func(t *testing.T, v *MPSAE) {
		var p *pursuit
		v.watch = func(made *pursuit) { p = made }
		tr := r.trainer(v, n, 1, d, start, func(*sae.Plan) {})
		if err := tr.Step(&activations.Batch{N: n, D: d, X: x}); err != nil {
			t.Fatal(err)
		}
		saetest.Near(t, "loss", tr.Loss(), r.Loss.(float64), lossTolerance)
		saetest.Within(t, "codes", saetest.Dense(tr.Codes()), c.Floats("acts"), codeTolerance)
		saetest.Within(t, "what is left", p.single.residual, c.Floats("residual"), codeTolerance)
		saetest.Within(t, "reconstruction", tr.Recon(), c.Floats("sae_out"), codeTolerance)
		r.picks(t, p, p.steps, 0)
		r.stops(t, p, n)
		withinLargest(t, "gradient of the dictionary", tr.RawGradient("decoder.weight"), c.Floats("grad_W_dec"))
		withinLargest(t, "gradient of the bias", tr.RawGradient("decoder.bias"), c.Floats("grad_b_dec"))
	})
	r.lengths(n, d)
	c.Used(t)
}

// stops compares when rows end: after as many steps that take something as in
// the reference, some below the tolerance.
func (r *reference) stops(t *testing.T, p *pursuit, n int) {
	t.Helper()
	coef, norms := r.c.Floats("coef"), r.c.Floats("residual_norm")
	done, sweeps := r.c.Ints("done"), r.c.Shape("coef")[1]
	met := 0
	for i := range n {
		taken, quiet := 0, false
		for s := range sweeps {
			if coef[i*sweeps+s] != 0 {
				taken = s + 1
			}
		}
		quiet = norms[i*(sweeps+1)+sweeps] < 1e-5 // nothing but rounding is left
		if got := int(p.path.ptr[i+1] - p.path.ptr[i]); got != taken && !quiet {
			t.Errorf("row %d takes %d steps, want %d", i, got, taken)
		}
		if r.StopOnRepeat && taken > 0 && taken < sweeps && !quiet && done[i*sweeps+taken-1] == 0 && done[i*sweeps+taken] == 0 {
			t.Errorf("row %d of the case is not done after its last step", i)
		}
		if p.met[i] {
			met++
		}
	}
	saetest.Near(t, "share of rows below the tolerance", float64(met)/float64(n), r.Converged, 1e-6)
}

// lengths compares what the case says of rows as a whole.
func (r *reference) lengths(n, d int) {
	t, c := r.t, r.c
	t.Helper()
	m := r.model(r.saelens(), map[string][]float32{"decoder.weight": c.Floats("W_dec"), "decoder.bias": c.Floats("b_dec")}, c.Shape("W_dec")[0], d, n)
	e := r.run(m, c.Floats("x"), n, d)
	least, most := math.Inf(1), 0.0
	for i := range n {
		index, _ := e.Row(i)
		least, most = min(least, float64(len(index))), max(most, float64(len(index)))
	}
	if least != r.MinL0 || most != r.MaxL0 {
		t.Errorf("rows keep %v to %v latents, want %v to %v", least, most, r.MinL0, r.MaxL0)
	}
	norms, x, recon := c.Floats("residual_norm"), c.Floats("x"), m.Recon()
	width, mean := c.Shape("residual_norm")[1], 0.0
	for i := range n {
		sum := 0.0
		for j := i * d; j < (i+1)*d; j++ {
			e := float64(x[j]) - float64(recon[j])
			sum += e * e
		}
		saetest.Within(t, "norm of what is left", []float64{math.Sqrt(sum)}, norms[(i+1)*width-1:(i+1)*width], codeTolerance)
		mean += math.Sqrt(sum) / float64(n)
	}
	saetest.Near(t, "mean norm of what is left", mean, r.NormMean, lossTolerance)
}

func (r *reference) residualStopTrain() {
	t, c := r.t, r.c
	d := c.Shape("X")[2]
	start := map[string][]float32{"decoder.weight": c.Floats("W_dec_init"), "decoder.bias": c.Floats("b_dec_init")}
	forwards(t, r.saelens(), func(t *testing.T, v *MPSAE) {
		tr := r.optimised(v, start, d)
		for s := range r.Steps {
			r.step(t, tr, s, d)
			saetest.Near(t, fmt.Sprintf("step %d: loss", s), tr.Loss(), float64(c.Floats("loss")[s]), lossTolerance)
			saetest.Near(t, fmt.Sprintf("step %d: L0", s), tr.Codes().L0(), float64(c.Floats("l0")[s]), lossTolerance)
			suffix := ""
			switch s + 1 {
			case 1:
				suffix = "_step1"
			case r.Steps:
				suffix = "_final"
			default:
				continue
			}
			saetest.Within(t, "dictionary"+suffix, tr.Weights()["decoder.weight"], c.Floats("W_dec"+suffix), weightTolerance)
			saetest.Within(t, "bias"+suffix, tr.Weights()["decoder.bias"], c.Floats("b_dec"+suffix), weightTolerance)
		}
	})
	c.Used(t)
}
