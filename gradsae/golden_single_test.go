package gradsae

import (
	"math"
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// single is one forward and backward pass.
func (g *golden) single(t *testing.T) {
	in := &activations.Batch{N: g.n, D: g.d, X: g.c.Floats("x"), Gradient: g.c.Floats("g")}
	w := g.weights("")
	if !g.UseDecoder {
		g.c.Floats("b_dec") // the model has none
	}
	tr := g.step(t, w, in)
	codes, recon := tr.Codes(), tr.Recon()
	saetest.Same(t, "index", codes.Index, sorted(g.c.Indices("index"), g.K))
	saetest.Within(t, "y", saetest.Dense(codes), g.c.Floats("y"), outputTolerance*size(g.c.Floats("y")))
	g.reconstruction(t, "", in, recon)
	g.near(t, "loss_value", tr.Loss())
	g.near(t, "aux_value", tr.Terms()["auxk"])
	g.near(t, "l0_nonzero_mean", codes.L0())
	g.near(t, "l0_positive_mean", positive(codes))
	g.near(t, "first_order_mean_abs_gradient_rows_reversed", meanAbs(changes(reversed(in), recon)))
	g.gradients(t, tr)
	g.counts(t, codes)
	g.scores(t, w, in)
	g.plain(t, w, in)
	g.atEvaluation(t, w, in, codes)
}

// step is a training step from weights w, too small to move them. Dead are the
// latents that the case says.
func (g *golden) step(t *testing.T, w map[string][]float32, in *activations.Batch) *sae.Trainer {
	t.Helper()
	p := g.plan(g.variant(), w)
	p.Optimizer.LR = 1e-30
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	if g.c.Has("dead") {
		copy(tr.Since(), g.c.Ints("dead"))
	}
	if err := tr.Step(in); err != nil {
		t.Fatal(err)
	}
	return tr
}

// size is the largest absolute value, at least 1.
func size(x []float32) float64 {
	largest := 1.0
	for _, v := range x {
		largest = max(largest, math.Abs(float64(v)))
	}
	return largest
}

// changes is <g, x̂ - x> of each row.
func changes(in *activations.Batch, recon []float32) []float64 {
	c := make([]float64, in.N)
	for i, v := range in.Gradient {
		c[i/in.D] += float64(v) * (float64(recon[i]) - float64(in.X[i]))
	}
	return c
}

// errors is the squared error of each row.
func errors(in *activations.Batch, recon []float32) []float64 {
	e := make([]float64, in.N)
	for i, v := range in.X {
		e[i/in.D] += (float64(v) - float64(recon[i])) * (float64(v) - float64(recon[i]))
	}
	return e
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

func meanAbs(x []float64) float64 {
	y := slices.Clone(x)
	for i, v := range y {
		y[i] = math.Abs(v)
	}
	return mean(y)
}

// reversed is in with the gradients of its rows the other way round.
func reversed(in *activations.Batch) *activations.Batch {
	r := *in
	r.Gradient = nil
	for i := in.N - 1; i >= 0; i-- {
		r.Gradient = append(r.Gradient, in.Gradient[i*in.D:(i+1)*in.D]...)
	}
	return &r
}

func positive(e sae.Encoded) float64 {
	n := 0
	for _, v := range e.Value {
		if v > 0 {
			n++
		}
	}
	return float64(n) / float64(e.N)
}

// reconstruction compares x̂ and what the case makes of it. prefix is "" or
// "plain_".
func (g *golden) reconstruction(t *testing.T, prefix string, in *activations.Batch, recon []float32) {
	t.Helper()
	saetest.Within(t, prefix+"x_hat", recon, g.c.Floats(prefix+"x_hat"), outputTolerance*size(g.c.Floats(prefix+"x_hat")))
	along, missed := changes(in, recon), errors(in, recon)
	saetest.Within(t, prefix+"first_order_row", along, g.c.Floats(prefix+"first_order_row"), outputTolerance*size(g.c.Floats(prefix+"first_order_row")))
	saetest.Within(t, prefix+"row_sq_error", missed, g.c.Floats(prefix+"row_sq_error"), outputTolerance*size(g.c.Floats(prefix+"row_sq_error")))
	g.near(t, prefix+"first_order_mean", mean(along))
	g.near(t, prefix+"first_order_mean_abs", meanAbs(along))
}

// gradients compares those of all parameters with what backward gave.
func (g *golden) gradients(t *testing.T, tr *sae.Trainer) {
	t.Helper()
	for ours, theirs := range g.names() {
		want := g.c.Floats("grad_" + theirs)
		largest := 0.0
		for _, v := range want {
			largest = max(largest, math.Abs(float64(v)))
		}
		saetest.Within(t, "gradient of "+ours, tr.RawGradient(ours), want, relativeTolerance*largest)
	}
	if !g.UseDecoder {
		saetest.Same(t, "grad_b_dec", g.c.Floats("grad_b_dec"), make([]float32, g.d))
	}
}

// counts compares how often each latent was chosen.
func (g *golden) counts(t *testing.T, codes sae.Encoded) {
	t.Helper()
	count, never := make([]float32, g.f), 0
	for _, f := range codes.Index {
		count[f]++
	}
	for _, n := range count {
		if n == 0 {
			never++
		}
	}
	saetest.Same(t, "selection_count", count, g.c.Floats("selection_count"))
	g.near(t, "never_selected", float64(never))
}

// scores compares all z, |<g,d>| and scores, and the distances of the best
// score that is not chosen from the worst that is.
func (g *golden) scores(t *testing.T, w map[string][]float32, in *activations.Batch) {
	t.Helper()
	z, along := g.everything(t, "raw", w, in)
	s, _ := g.everything(t, "scored", w, in)
	for i, v := range along {
		along[i] = max(v, -v)
	}
	saetest.Within(t, "z", z, g.c.Floats("z"), outputTolerance*size(z))
	saetest.Within(t, "a", along, g.c.Floats("a"), outputTolerance*size(along))
	saetest.Within(t, "s", s, g.c.Floats("s"), outputTolerance*size(s))
	g.margins(t, "margin", "min_margin", s)
	g.margins(t, "plain_margin", "min_plain_margin", z)
	sum := 0.0
	for _, v := range along {
		sum += float64(v)
	}
	g.near(t, "mean_a_all", sum/float64(len(along)))
}

func (g *golden) margins(t *testing.T, rows, least string, s []float32) {
	t.Helper()
	margin := make([]float64, g.n)
	for i := range margin {
		row := slices.Clone(s[i*g.f : (i+1)*g.f])
		slices.Sort(row)
		margin[i] = float64(row[g.f-g.K]) - float64(row[g.f-g.K-1])
	}
	saetest.Within(t, rows, margin, g.c.Floats(rows), outputTolerance*size(s))
	g.near(t, least, slices.Min(margin))
}

// plain is the evaluation that sees no gradient.
func (g *golden) plain(t *testing.T, w map[string][]float32, in *activations.Batch) {
	t.Helper()
	blind := &activations.Batch{N: in.N, D: in.D, X: in.X}
	codes, m := g.encode(t, g.variant(), w, blind)
	want, index := g.c.Floats("plain_y"), g.c.Indices("plain_index")
	saetest.Within(t, "plain_y", saetest.Dense(codes), want, outputTolerance*size(want))
	var kept []int32 // where a value cannot be negative, one that is 0 is left out
	for i, f := range sorted(index, g.K) {
		if !g.ReluBefore && !g.ReluAfter || want[i/g.K*g.f+int(f)] != 0 {
			kept = append(kept, f)
		}
	}
	saetest.Same(t, "plain_index", codes.Index, kept)
	g.reconstruction(t, "plain_", in, m.Recon())
	loss := mean(errors(in, m.Recon()))
	if g.Loss == "fvu" {
		loss *= float64(g.n) / variance(in.X, g.d)
	}
	g.near(t, "plain_loss_value", loss)
}

// variance is Σ(x - column mean)² over the entries of x [.,d].
func variance(x []float32, d int) (sum float64) {
	for j := range d {
		var column []float64
		for i := j; i < len(x); i += d {
			column = append(column, float64(x[i]))
		}
		m := mean(column)
		for _, v := range column {
			sum += (v - m) * (v - m)
		}
	}
	return sum
}

// atEvaluation: chosen by the gradient after training, rows keep what they do
// in training, less what is 0 because it would be negative.
func (g *golden) atEvaluation(t *testing.T, w map[string][]float32, in *activations.Batch, trained sae.Encoded) {
	t.Helper()
	v := g.variant()
	v.EvalScore = "gradient"
	if v.Beta == 0 {
		v.Beta = 0x1p-100
	}
	codes, m := g.encode(t, v, w, in)
	saetest.Same(t, "latents of an evaluation", saetest.Dense(codes), saetest.Dense(trained))
	saetest.Within(t, "x_hat of an evaluation", m.Recon(), g.c.Floats("x_hat"), outputTolerance*size(g.c.Floats("x_hat")))
	g.selected(t, in, w["decoder.weight"], trained)
	differs, plain := 0, sorted(g.c.Indices("plain_index"), g.K)
	for i := range g.n {
		index, _ := trained.Row(i)
		if !slices.Equal(index, plain[i*g.K:(i+1)*g.K]) {
			differs++
		}
	}
	g.near(t, "rows_where_selection_differs_from_plain", float64(differs))
	if g.c.Has("aux_index") {
		g.aux(t, w, in)
	}
}

// selected compares the mean and the median of |<g,d>| over what was chosen.
func (g *golden) selected(t *testing.T, in *activations.Batch, decoder []float32, codes sae.Encoded) {
	t.Helper()
	var sizes []float64
	for i := range codes.N {
		index, _ := codes.Row(i)
		for _, f := range index {
			along := 0.0
			for j := range g.d {
				along += float64(in.Gradient[i*g.d+j]) * float64(decoder[int(f)*g.d+j])
			}
			sizes = append(sizes, math.Abs(along))
		}
	}
	slices.Sort(sizes)
	g.near(t, "mean_a_selected", mean(sizes))
	g.near(t, "median_a_selected", (sizes[(len(sizes)-1)/2]+sizes[len(sizes)/2])/2)
}

// aux encodes by z alone with all but the dead latents out of reach, which is
// what AuxK chooses from.
func (g *golden) aux(t *testing.T, w map[string][]float32, in *activations.Batch) {
	t.Helper()
	v, masked := g.variant(), map[string][]float32{}
	for name, x := range w {
		masked[name] = slices.Clone(x)
	}
	for f, dead := range g.c.Ints("dead") {
		if dead == 0 {
			masked["encoder.bias"][f] = -1e6
		}
	}
	v.K, v.Relu = g.AuxK, "none"
	codes, _ := g.encode(t, v, masked, in)
	saetest.Same(t, "aux_index", codes.Index, sorted(g.c.Indices("aux_index"), g.AuxK))
}
