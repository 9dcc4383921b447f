package saetest

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// gradient compares backpropagation with central differences in float64, at
// weights that have left their start, where some latents may be dead.
func (c *conformance) gradient(t *testing.T) {
	tr := c.trainer(t, 1, c.Steps, 1)
	c.advance(t, tr, 30)
	slopes, err := tr.Slopes(c.fresh(toyRows))
	if err != nil {
		t.Fatal(err)
	}
	steepest := 0.0
	for _, s := range slopes {
		steepest = max(steepest, math.Abs(s.Backward))
	}
	if steepest == 0 {
		t.Fatal("no parameter has a gradient")
	}
	for _, s := range slopes {
		if slices.Contains(c.Straight, s.Param) {
			continue
		}
		if d := math.Abs(s.Backward - s.Difference); !(d <= 1e-6*math.Abs(s.Difference)+1e-8*steepest) {
			t.Errorf("%s: backpropagation gives a slope of %.10g, differences give %.10g", s.Param, s.Backward, s.Difference)
		}
	}
}

// decodes recomputes reconstructions from codes in plain Go.
func (c *conformance) decodes(t *testing.T) {
	m := c.model(t)
	e := c.encode(t, m, c.fresh(toyRows))
	dec, bias, d := m.Weight("decoder.weight"), m.Weight("decoder.bias"), c.toy.D
	want := make([]float64, e.N*d)
	for row := range e.N {
		x := want[row*d : (row+1)*d]
		for j, v := range bias {
			x[j] = float64(v)
		}
		index, value := e.Row(row)
		for i, f := range index {
			for j := range x {
				x[j] += float64(value[i]) * float64(dec[int(f)*d+j])
			}
		}
	}
	Within(t, "reconstruction", m.Recon(), want, 1e-5)
}

func (c *conformance) sparse(t *testing.T) {
	m := c.model(t)
	e := c.encode(t, m, c.fresh(toyRows))
	checkCodes(t, e, c.MaxL0)
	if e.L0() == 0 {
		t.Error("no latent is ever active")
	}
	trained := c.tr.Codes()
	checkCodes(t, trained, 0)
	if c.MeanL0 > 0 && trained.L0() > c.MeanL0 {
		t.Errorf("rows keep %v latents on average in training, at most %v are promised", trained.L0(), c.MeanL0)
	}
}

func (c *conformance) learns(t *testing.T) {
	last := 0.0
	for _, l := range c.losses[len(c.losses)-10:] {
		last += l / 10
	}
	if !(last <= c.losses[0]/2) {
		t.Errorf("the loss went from %v to %v in %d steps; it should halve", c.losses[0], last, len(c.losses))
	}
}

func (c *conformance) recovers(t *testing.T) {
	if got := c.toy.Recovered(c.tr.Weights()["decoder.weight"], 0.9); got < c.Recovered {
		t.Errorf("%.2f of the atoms are matched by a decoder row, want %.2f", got, c.Recovered)
	}
}

func (c *conformance) unit(t *testing.T) {
	for _, p := range c.tr.Params() {
		if !p.Flags.UnitRows {
			continue
		}
		w := c.tr.Weights()[p.Name]
		for i := range p.Rows {
			row := w[i*p.Cols : (i+1)*p.Cols]
			if n := math.Sqrt(dot(row, row)); math.Abs(n-1) > 1e-5 {
				t.Errorf("%s: row %d has norm %v, want 1", p.Name, i, n)
				break
			}
		}
	}
}

func dot(a, b []float32) (s float64) {
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}

// saved is the trainer's whole state as a file holds it.
func saved(t *testing.T, tr *sae.Trainer) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.safetensors")
	if err := tr.Save(path, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// repeats asks for the same bits from the same seed, whatever the threads,
// and for others from another seed.
func (c *conformance) repeats(t *testing.T) {
	state := func(seed uint64, threads int) []byte {
		tr := c.trainer(t, seed, c.Steps, threads)
		c.advance(t, tr, 40)
		return saved(t, tr)
	}
	one := state(1, 1)
	if !bytes.Equal(one, state(1, 1)) {
		t.Error("the same seed gives other bits")
	}
	if !bytes.Equal(one, state(1, 2)) {
		t.Error("two threads give other bits than one")
	}
	if bytes.Equal(one, state(2, 1)) {
		t.Error("another seed gives the same bits")
	}
}

// resumes compares 100 steps with 50, a save, a restore and 50 more.
func (c *conformance) resumes(t *testing.T) {
	straight, first := c.trainer(t, 1, 100, 1), c.trainer(t, 1, 100, 1)
	c.advance(t, straight, 100)
	c.advance(t, first, 50)
	path := filepath.Join(t.TempDir(), "half.safetensors")
	if err := first.Save(path, nil); err != nil {
		t.Fatal(err)
	}
	second := c.trainer(t, 1, 100, 1)
	if _, err := second.Restore(path); err != nil {
		t.Fatal(err)
	}
	c.advance(t, second, 100)
	if !bytes.Equal(saved(t, straight), saved(t, second)) {
		t.Error("50 steps, a save, a restore and 50 steps give other bits than 100 steps")
	}
}

// roundtrip evaluates what was saved and loaded.
func (c *conformance) roundtrip(t *testing.T) {
	dir := t.TempDir()
	if err := c.tr.SaveWeights(filepath.Join(dir, "weights.safetensors"), nil); err != nil {
		t.Fatal(err)
	}
	loaded, err := sae.Load(dir, c.newVariant(), sae.ModelOptions{Rows: toyRows, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	want := c.model(t)
	b := c.fresh(toyRows)
	sameCodes(t, c.encode(t, loaded, b), c.encode(t, want, b))
	Same(t, "reconstruction", loaded.Recon(), want.Recon())
}

func sameCodes(t *testing.T, got, want sae.Encoded) {
	t.Helper()
	Same(t, "rows", got.RowPtr, want.RowPtr)
	Same(t, "latents", got.Index, want.Index)
	Same(t, "values", got.Value, want.Value)
}

// evaluates: outputs are finite and the same each time, and a row's latents
// are its own, also in a short batch.
func (c *conformance) evaluates(t *testing.T) {
	m, b := c.model(t), c.fresh(toyRows)
	first := clone(c.encode(t, m, b))
	recon := append([]float32{}, m.Recon()...)
	for i, v := range recon {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("reconstruction: entry %d is %v", i, v)
		}
	}
	sameCodes(t, c.encode(t, m, b), first)
	Same(t, "reconstruction", m.Recon(), recon)
	if c.BatchDependent {
		return
	}
	const n = toyRows - 5
	short := &activations.Batch{N: n, D: b.D, X: b.X[:n*b.D], Gradient: b.Gradient[:n*b.D]}
	e := c.encode(t, m, short)
	entries := first.RowPtr[n]
	sameCodes(t, e, sae.Encoded{RowPtr: first.RowPtr[:n+1], Index: first.Index[:entries], Value: first.Value[:entries]})
	Same(t, "reconstruction of a short batch", m.Recon(), recon[:n*b.D])
}

func clone(e sae.Encoded) sae.Encoded {
	e.RowPtr, e.Index, e.Value = append([]int32{}, e.RowPtr...), append([]int32{}, e.Index...), append([]float32{}, e.Value...)
	return e
}

// refuses: a row that is not a number stops training and changes nothing.
func (c *conformance) refuses(t *testing.T) {
	tr := c.trainer(t, 1, c.Steps, 1)
	c.advance(t, tr, 3)
	before := saved(t, tr)
	b := c.toy.Batch(3, toyRows)
	b.X[5*c.toy.D] = float32(math.NaN())
	if err := tr.Step(b); err == nil {
		t.Fatal("a step on a row with NaN gives no error")
	}
	if !bytes.Equal(saved(t, tr), before) {
		t.Error("a step that failed changed the state")
	}
	if err := tr.Step(c.toy.Batch(3, toyRows)); err != nil {
		t.Errorf("the next step fails too: %v", err)
	}
}
