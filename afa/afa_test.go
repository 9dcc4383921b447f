package afa

import (
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// rows are normal deviates [n,d] scaled to unit variance.
func rows(seed uint64, n, d int) *activations.Batch {
	b := &activations.Batch{N: n, D: d, X: make([]float32, n*d)}
	data.NormalFill(b.X, seed, 1)
	s := data.Scale{Kind: data.ScaleRowNorm, Factor: 1}
	s.Apply(b)
	return b
}

func step(t *testing.T, tr *sae.Trainer, in *activations.Batch) {
	t.Helper()
	if err := tr.Step(in); err != nil {
		t.Fatal(err)
	}
}

// TestStart checks the initialisation: uniform within √(6/F), of the variance
// that goes with it, and a decoder at the encoder's directions.
func TestStart(t *testing.T) {
	const d, f = 48, 300
	p := plan(New().(*AFA), 8, d, f)
	p.Seed = 5
	w := newTrainer(t, p).Weights()
	enc, dec := w["encoder.weight"], w["decoder.weight"]
	bound, sum := math.Sqrt(6.0/f), 0.0
	for _, v := range enc {
		if math.Abs(float64(v)) > bound {
			t.Fatalf("encoder entry %v is outside of %v", v, bound)
		}
		sum += float64(v) * float64(v)
	}
	saetest.Near(t, "variance", sum/float64(len(enc)), 2.0/f, 0.03)
	for r := range f {
		a, b := enc[r*d:(r+1)*d], dec[r*d:(r+1)*d]
		saetest.Near(t, "decoder norm", kernel.SumSquares(b), 1, 1e-6)
		saetest.Near(t, "cosine", kernel.DotF64(a, b)/math.Sqrt(kernel.SumSquares(a)), 1, 1e-6)
	}
}

// TestRoomGrows starts with weights that keep about half of the latents, far
// more than the graph has room for at first, and compares with the picker.
func TestRoomGrows(t *testing.T) {
	const b, d, f = 16, 24, 1000
	p := plan(New().(*AFA), b, d, f)
	tr := newTrainer(t, p)
	s := scene{b: b, d: d, f: f, x: rows(3, b, d).X, norms: make([]float32, f)}
	s.w = append(s.w, tr.Weights()["encoder.weight"]...)
	for i := range s.norms {
		row := tr.Weights()["decoder.weight"][i*d : (i+1)*d]
		s.norms[i] = float32(math.Sqrt(kernel.SumSquares(row)))
	}
	step(t, tr, &activations.Batch{N: b, D: d, X: s.x})
	want, got := s.pick(t, 2, 0), tr.Codes()
	if room := startCapacity(sae.Dims{B: b, F: f}); len(want.Index) <= room {
		t.Fatalf("%d latents are kept, no more than the %d that fit at first; the test shows nothing", len(want.Index), room)
	}
	saetest.Same(t, "rows", got.RowPtr, want.RowPtr)
	saetest.Same(t, "latents", got.Index, want.Index)
	saetest.Same(t, "values", got.Value, want.Score)
}

// hurtful are batches that a careless rule divides by zero on.
func hurtful(d int) map[string]*activations.Batch {
	all := map[string]*activations.Batch{}
	for _, name := range []string{"a zero row", "only zero rows", "one active latent", "all positive", "norms apart", "equal rows"} {
		all[name] = rows(7, 12, d)
	}
	clear(all["a zero row"].X[3*d : 4*d])
	clear(all["only zero rows"].X)
	for i := range all["all positive"].X {
		all["all positive"].X[i] = float32(math.Abs(float64(all["all positive"].X[i])))
	}
	scaleRows(all["norms apart"].X, d, func(i int) float64 { return []float64{1, 1e6, 1e-6}[i%3] })
	for i := d; i < len(all["equal rows"].X); i++ {
		all["equal rows"].X[i] = all["equal rows"].X[i-d]
	}
	return all
}

// TestHurtfulRows trains on each, with all losses on and every latent dead at
// once, and looks at all that came out.
func TestHurtfulRows(t *testing.T) {
	const d, f = 16, 40
	for name, in := range hurtful(d) {
		for _, norm := range []string{"latents", "weighted"} {
			t.Run(name+"/"+norm, func(t *testing.T) {
				v := New().(*AFA)
				v.Norm, v.Target, v.L1Coefficient, v.DeadAfter = norm, "centered", 0.1, 1
				tr := newTrainer(t, plan(v, in.N, d, f))
				shape(tr, name, d)
				for range 3 {
					step(t, tr, in)
				}
				finite(t, tr)
			})
		}
	}
}

// shape gives the weights that make a batch what its name says.
func shape(tr *sae.Trainer, name string, d int) {
	enc := tr.Weights()["encoder.weight"]
	for i, v := range enc {
		switch {
		case name == "all positive":
			enc[i] = float32(math.Abs(float64(v)))
		case name == "one active latent" && i >= d:
			enc[i] = 0
		}
	}
}

func finite(t *testing.T, tr *sae.Trainer) {
	t.Helper()
	for name, w := range tr.Weights() {
		if i := kernel.AllFinite(w); i >= 0 {
			t.Errorf("%s: entry %d is %v", name, i, w[i])
		}
		if i := kernel.AllFinite(tr.RawGradient(name)); i >= 0 {
			t.Errorf("gradient of %s: entry %d is not finite", name, i)
		}
	}
	if i := kernel.AllFinite(tr.Recon()); i >= 0 {
		t.Errorf("recon: entry %d is not finite", i)
	}
	for name, v := range tr.Terms() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("term %s is %v", name, v)
		}
	}
}

// TestAllPositiveKeepsNotAll is p = F: the sentinel forbids the last latent.
func TestAllPositiveKeepsNotAll(t *testing.T) {
	const d, f = 16, 40
	tr := newTrainer(t, plan(New().(*AFA), 12, d, f))
	shape(tr, "all positive", d)
	for i := range tr.Weights()["encoder.weight"] {
		tr.Weights()["encoder.weight"][i] *= 1e-3 // no prefix reaches the row
	}
	step(t, tr, hurtful(d)["all positive"])
	for i := range 12 {
		if index, _ := tr.Codes().Row(i); len(index) != f-1 {
			t.Errorf("row %d keeps %d of %d positive latents, want all but one", i, len(index), f)
		}
	}
}

// TestNormIdentity is section 7.4: ||ẑ||² = ||f~||² + Σ f~_i f~_j <w_i,w_j>
// (equation 1) with the bias as a latent more, and the bound that follows on
// the coherence of the directions.
func TestNormIdentity(t *testing.T) {
	const b, d, f = 20, 24, 64
	tr := newTrainer(t, plan(New().(*AFA), b, d, f))
	for i := range 10 {
		step(t, tr, rows(uint64(i), b, d))
	}
	// Rows must be those of the last forward pass: no update follows.
	model, err := tr.Model(sae.ModelOptions{Rows: b, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	codes, err := model.Encode(rows(99, b, d))
	if err != nil {
		t.Fatal(err)
	}
	directions, coherence := dictionary(model, d, f)
	recon := model.Recon()
	for i := range b {
		lengths := folded(model, codes, i, d)
		own, cross := 0.0, 0.0
		for j, u := range lengths {
			own += u * u
			for k, v := range lengths {
				if j != k {
					cross += u * v * float64(kernel.DotF64(directions[j], directions[k]))
				}
			}
		}
		z := kernel.SumSquares(recon[i*d : (i+1)*d])
		saetest.Near(t, "equation 1", own+cross, z, 1e-5)
		if eps := math.Abs(z-own) / ((f - 1) * own); eps > coherence*f/(f-1) {
			t.Errorf("row %d: eps_lbo %v is more than the coherence %v allows", i, eps, coherence)
		}
	}
}

// dictionary is the F+1 unit directions, the bias last, and the largest
// absolute cosine of two.
func dictionary(m *sae.Model, d, f int) (rows [][]float32, coherence float64) {
	all := append(append([]float32{}, m.Weight("decoder.weight")...), m.Weight("decoder.bias")...)
	for i := range f + 1 {
		row := all[i*d : (i+1)*d]
		kernel.Scale(row, float32(1/math.Sqrt(kernel.SumSquares(row))))
		for _, other := range rows {
			coherence = max(coherence, math.Abs(kernel.DotF64(row, other)))
		}
		rows = append(rows, row)
	}
	return rows, coherence
}

// folded is f~ of a row by latent: values times decoder norms, then the norm
// of the bias.
func folded(m *sae.Model, c sae.Encoded, row, d int) map[int]float64 {
	lengths := map[int]float64{c.F: math.Sqrt(kernel.SumSquares(m.Weight("decoder.bias")))}
	index, value := c.Row(row)
	for e, f := range index {
		w := m.Weight("decoder.weight")[int(f)*d : (int(f)+1)*d]
		lengths[int(f)] = float64(value[e]) * math.Sqrt(kernel.SumSquares(w))
	}
	return lengths
}
