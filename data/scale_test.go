package data

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/saectl/saectl/activations"
)

// normalBatch is n rows of width d with mean 2, standard deviation 3.
func normalBatch(n, d int, stream uint64) *activations.Batch {
	b := &activations.Batch{N: n, D: d, X: make([]float32, n*d)}
	NormalFill(b.X, 21, stream)
	for i := range b.X {
		b.X[i] = 3*b.X[i] + 2
	}
	return b
}

func clone(b *activations.Batch) *activations.Batch {
	c := *b
	c.X = append([]float32(nil), b.X...)
	c.Gradient = append([]float32(nil), b.Gradient...)
	return &c
}

func TestScaleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(1, 9).Draw(t, "n"), rapid.IntRange(2, 40).Draw(t, "d")
		in := normalBatch(n, d, rapid.Uint64().Draw(t, "stream"))
		if rapid.Bool().Draw(t, "a row of equal numbers") {
			for j := range d {
				in.X[j] = 4
			}
		}
		s := Scale{
			Kind:   rapid.SampledFrom([]string{"", ScaleNone, ScaleMeanNorm, ScaleRowNorm}).Draw(t, "kind"),
			Factor: rapid.Float64Range(1e-3, 1e3).Draw(t, "factor"),
		}
		b := clone(in)
		s.Apply(b)
		recon := append([]float32(nil), b.X...)
		s.Undo(recon, b, 0, b.N)
		for i, v := range recon {
			// row-norm divides by s + 1e-5 and multiplies by s.
			if math.Abs(float64(v-in.X[i])) > 1e-4 {
				t.Fatalf("%s: value %d comes back as %v, was %v", s.Kind, i, v, in.X[i])
			}
		}
	})
}

// Row-norm by its formula, on numbers that can be followed: mean 3, squared
// deviations 4+1+0+1+4 = 10, over D-1 = 4.
func TestRowNormFormula(t *testing.T) {
	b := &activations.Batch{N: 1, D: 5, X: []float32{1, 2, 3, 4, 5}, Gradient: []float32{1, 0, 0, 0, -2}}
	s := Scale{Kind: ScaleRowNorm, Factor: 1}
	s.Apply(b)
	std := math.Sqrt(2.5)
	for j, v := range b.X {
		if want := float64(j-2) / (std + 1e-5); math.Abs(float64(v)-want) > 1e-7 {
			t.Errorf("value %d is %v, want %v", j, v, want)
		}
	}
	if math.Abs(float64(b.Gradient[4])+2*std) > 1e-6 {
		t.Errorf("gradient %v, want %v", b.Gradient[4], -2*std)
	}
	recon := []float32{1, 0, 0, 0, -1}
	s.Undo(recon, b, 0, b.N)
	for j, want := range []float64{3 + std, 3, 3, 3, 3 - std} {
		if math.Abs(float64(recon[j])-want) > 1e-6 {
			t.Errorf("reconstruction %d is %v, want %v", j, recon[j], want)
		}
	}
}

func TestMeanNormFactor(t *testing.T) {
	f := &fake{n: 300_000, d: 5} // several batches of a pass
	rows := every(2, f.n)
	s, err := FitScale(f, rows, ScaleMeanNorm)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := int64(3); i < f.n; i += 2 {
		for j := range int64(5) {
			sum += float64(10*i+j) * float64(10*i+j)
		}
	}
	if want := math.Sqrt(5 / (sum / float64(rows.Len()))); math.Abs(s.Factor/want-1) > 1e-12 {
		t.Errorf("factor %v, want %v", s.Factor, want)
	}
	for _, kind := range []string{ScaleNone, ScaleRowNorm} {
		if s, err := FitScale(f, rows, kind); err != nil || s.Kind != kind || s.Factor != 1 {
			t.Errorf("%s: %+v, %v", kind, s, err)
		}
	}
}

// The factors that the README of the real data gives.
func TestMeanNormRealDumps(t *testing.T) {
	for name, want := range map[string]float64{"babyllama105-l3": 23.214258414887368, "stories260k-l3": 0.8278780206612011} {
		d := openReal(t, name, "train")
		s, err := FitScale(d, activations.AllRows(d.Rows()), ScaleMeanNorm)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(s.Factor/want-1) > 1e-9 {
			t.Errorf("%s: factor %v, want %v", name, s.Factor, want)
		}
	}
}

// The gradient of a scaled row against a central difference of the loss of
// what is put back into the model: dL(Undo(x'))/dx' where x' is the scaled row.
func TestScaleGradient(t *testing.T) {
	const n, d = 3, 6
	w := normalBatch(1, d, 9).X
	loss := func(row []float32) float64 {
		sum := 0.0
		for j, v := range row {
			sum += math.Sin(float64(v)) * float64(w[j])
		}
		return sum
	}
	for _, s := range []Scale{{Kind: ScaleNone, Factor: 1}, {Kind: ScaleMeanNorm, Factor: 0.3}, {Kind: ScaleRowNorm, Factor: 1}} {
		b := normalBatch(n, d, 1)
		b.Gradient = make([]float32, n*d)
		for i, v := range b.X {
			b.Gradient[i] = float32(math.Cos(float64(v))) * w[i%d]
		}
		s.Apply(b)
		for i := range b.X {
			const h = 1e-2
			at := func(step float32) float64 {
				recon := append([]float32(nil), b.X...)
				recon[i] += step
				s.Undo(recon, b, 0, b.N)
				return loss(recon[i/d*d : (i/d+1)*d])
			}
			if got, want := float64(b.Gradient[i]), (at(h)-at(-h))/(2*h); math.Abs(got-want) > 2e-2*math.Max(1, math.Abs(want)) {
				t.Errorf("%s: gradient %d is %v, central difference %v", s.Kind, i, got, want)
			}
		}
	}
}

func TestScaleTarget(t *testing.T) {
	for _, s := range []Scale{{Kind: ScaleMeanNorm, Factor: 0.3}, {Kind: ScaleRowNorm, Factor: 1}} {
		b := normalBatch(2, 4, 1)
		b.DOut, b.Target = 3, []float32{1, 2, 3, -4, 5, 6}
		s.Apply(b)
		got := append([]float32(nil), b.Target...)
		s.Undo(got, b, 0, b.N)
		for i, want := range []float32{1, 2, 3, -4, 5, 6} {
			if math.Abs(float64(got[i]-want)) > 1e-4 {
				t.Errorf("%s: target %d comes back as %v, was %v", s.Kind, i, got[i], want)
			}
		}
	}
}

func TestScaleCopiesAreTheirOwn(t *testing.T) {
	a := Scale{Kind: ScaleRowNorm, Factor: 1}
	first, second := normalBatch(2, 8, 1), normalBatch(2, 8, 2)
	want := append([]float32(nil), first.X...)
	a.Apply(first)
	b := a
	b.Apply(second)
	a.Undo(first.X, first, 0, first.N)
	for i, v := range first.X {
		if math.Abs(float64(v-want[i])) > 1e-3 {
			t.Fatalf("value %d is %v after a copy was used, want %v", i, v, want[i])
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Undo of a batch that was not scaled does not panic")
		}
	}()
	c := a
	c.Undo(first.X, first, 0, first.N)
}

func TestScaleMetadata(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Scale{Kind: ScaleMeanNorm, Factor: rapid.Float64Range(1e-300, 1e300).Draw(t, "factor")}
		back, err := ParseScale(s.Metadata())
		if err != nil || back != s {
			t.Fatalf("%+v comes back as %+v, %v", s, back, err)
		}
	})
	for _, kind := range []string{ScaleNone, ScaleRowNorm} {
		if back, err := ParseScale(Scale{Kind: kind, Factor: 1}.Metadata()); err != nil || back.Kind != kind || back.Factor != 1 {
			t.Errorf("%s comes back as %+v, %v", kind, back, err)
		}
	}
	for _, meta := range []map[string]string{nil, {"variant": "topk"}, (Scale{}).Metadata()} {
		if s, err := ParseScale(meta); err != nil || s.Kind != ScaleNone || s.Factor != 1 {
			t.Errorf("metadata %v gives %+v, %v", meta, s, err)
		}
	}
	for _, factor := range []string{"", "x", "0", "-2", "NaN", "Inf"} {
		if _, err := ParseScale(map[string]string{"scale": ScaleMeanNorm, "scale_factor": factor}); err == nil || !strings.Contains(err.Error(), "scale_factor") {
			t.Errorf("factor %q: error %v", factor, err)
		}
	}
	if _, err := ParseScale(map[string]string{"scale": "unit"}); err == nil || !strings.Contains(err.Error(), "unit") {
		t.Errorf("kind unit: error %v", err)
	}
}

type zeros struct{ fake }

func (z *zeros) Read(b *activations.Batch, rows []int64, cols activations.Columns) error {
	err := z.fake.Read(b, rows, cols)
	clear(b.X)
	return err
}

func TestFitScaleErrors(t *testing.T) {
	all := activations.AllRows(10)
	for want, err := range map[string]error{
		"every training row is zero":      second(FitScale(&zeros{fake{n: 10, d: 3}}, all, ScaleMeanNorm)),
		"rows of 2 numbers or more":       second(FitScale(&fake{n: 10, d: 1}, all, ScaleRowNorm)),
		"want none, mean-norm or row-nor": second(FitScale(&fake{n: 10, d: 1}, all, "unit")),
		"row 6 cannot be read":            second(FitScale(&fake{n: 10, d: 1, fail: 6}, all, ScaleMeanNorm)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func second(_ Scale, err error) error { return err }
