package sae

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

// leaning is plain with a decoder that may start from rows.
type leaning struct{ plain }

func (l leaning) Build(b *Builder) Out {
	out := l.plain.Build(b)
	b.params[0].Flags.FromRows = true
	return out
}

func TestDecoderLeansOnRows(t *testing.T) {
	o := toyOptions(filepath.Join(t.TempDir(), "run"), 1)
	o.Plan.Variant, o.Plan.Model.DecoderInit = leaning{plain{3}}, "data"
	var first activations.Batch
	src := toyRows{batch: toyBatch, d: toyD}
	if err := src.Next(&first); err != nil {
		t.Fatal(err)
	}
	tr, err := NewTrainer(o.Plan)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	random := append([]float32{}, tr.Weights()["decoder.weight"]...)
	if err := tr.startFromData(&first); err != nil {
		t.Fatal(err)
	}
	dec, enc, mean := tr.Weights()["decoder.weight"], tr.Weights()["encoder.weight"], columnMeans(first.X, toyD)
	for f := range toyF {
		row := dec[f*toyD : (f+1)*toyD]
		if norm := math.Sqrt(kernel.SumSquares(row)); math.Abs(norm-1) > 1e-6 {
			t.Errorf("row %d has norm %g", f, norm)
		}
		if !halfWay(row, random[f*toyD:(f+1)*toyD], first.X, mean) {
			t.Errorf("row %d is not half way from where it was to a row of the batch", f)
		}
		for j := range row {
			if enc[f*toyD+j] != row[j] {
				t.Fatalf("row %d of the encoder is not the decoder's", f)
			}
		}
	}
	if err := Train(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	o.Plan.Model.DecoderInit = "dataa"
	o.Dir = filepath.Join(t.TempDir(), "other")
	if err := Train(context.Background(), o); err == nil {
		t.Error("an unknown decoder_init trains")
	}
}

// halfWay reports whether w has equal cosines with was and with some row of x
// less its mean.
func halfWay(w, was, x []float32, mean []float64) bool {
	cosine := func(a []float32, b func(j int) float64) float64 {
		dot, na, nb := 0.0, 0.0, 0.0
		for j, v := range a {
			dot, na, nb = dot+float64(v)*b(j), na+float64(v)*float64(v), nb+b(j)*b(j)
		}
		return dot / math.Sqrt(na*nb)
	}
	old := cosine(w, func(j int) float64 { return float64(was[j]) })
	for i := 0; i < len(x); i += len(w) {
		c := cosine(w, func(j int) float64 { return float64(x[i+j]) - mean[j] })
		if math.Abs(c-old) < 1e-5 && c > 0 {
			return true
		}
	}
	return false
}
