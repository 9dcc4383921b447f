package eval

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/sae"
)

// TestZFRows takes the rows of the ZF plot from a decoder with a bias and a
// row that is not of norm 1: z = (3,4), f = (1,1), ẑ = (1,0)+(0,2)+(1,1) =
// (2,3), ‖f̃‖² = 1+4+2.
func TestZFRows(t *testing.T) {
	m := &stored{z: []float32{1, 1, 2, 0}, f: 2, d: 2, xHat: []float32{2, 3, 3, 1},
		weights: map[string][]float32{"decoder.weight": {1, 0, 0, 2}, "decoder.bias": {1, 1}}}
	r := evaluate(t, Subject{Model: m, Dims: sae.Dims{D: 2, F: 2, B: 2}}, []float32{3, 4, 0, 1}, 2)
	want := map[int64]ZFRow{
		0: {Row: 0, Z: 5, F: math.Sqrt(7), Recon: math.Sqrt(13), Error: 2},
		1: {Row: 1, Z: 1, F: math.Sqrt(6), Recon: math.Sqrt(10), Error: 9},
	}
	if len(r.ZF) != 2 || len(r.Series["zf"].X) != 2 {
		t.Fatalf("%d rows, %d points", len(r.ZF), len(r.Series["zf"].X))
	}
	for i, got := range r.ZF {
		w := want[got.Row]
		for _, pair := range [][2]float64{{got.Z, w.Z}, {got.F, w.F}, {got.Recon, w.Recon}, {got.Error, w.Error}, {r.Series["zf"].X[i], w.Z}, {r.Series["zf"].Y[i], w.F}} {
			near(t, "zf row", pair[0], pair[1], 1e-6)
		}
	}
}

// TestPublishedRows has the norms of the first rows of the authors' own tables
// (top-afa-sae 1c7a683, visualization/output_csv): GPT-2 small layer 1 and
// Gemma 2 2B layer 1.
func TestPublishedRows(t *testing.T) {
	for _, x := range []struct {
		latents                   int
		z, tilde, err, eps, error float64
	}{
		{24576, 19.033733, 17.208841, 0.013940393, 4.31511e-6, 7.32405e-4},
		{16384, 2756.664, 2746.438, 19.561352, 2.2728e-7, 7.09602e-3},
	} {
		m := &quasiOrthogonality{s: Subject{Dims: sae.Dims{F: x.latents}}, points: 1, bound: newSampled(1), zf: &drawn[ZFRow]{most: 4}}
		m.addRow(norms{z: x.z, tilde: x.tilde, err: x.err, directions: 1})
		r := NewReport()
		m.Report(r)
		r.want(t, "eps_lbo_median", x.eps, 1e-4*x.eps) // norms are printed with seven digits
		near(t, "NMSE", r.ZF[0].Error/(r.ZF[0].Z*r.ZF[0].Z), x.error, 1e-5*x.error)
	}
}

// TestBoundsHold: on reconstructions, no row proves more coherence than the
// F+1 directions have, by ε_LBO with h/(h-1) and by the sharper bounds; and
// equation 1 holds to rounding.
func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f, d := rapid.IntRange(2, 20).Draw(rt, "F"), rapid.IntRange(2, 9).Draw(rt, "D")
		s := randomSubject(f, d, rapid.Uint64Range(0, 1000).Draw(rt, "seed"))
		data.NormalFill(s.Weight("decoder.bias"), 4, 4)
		r := evaluate(t, s, randomRows(40, d), 16)
		w, coherence := s.Weight("decoder.weight"), 0.0
		directions := append(append([]float32{}, w...), s.Weight("decoder.bias")...)
		for i := 0; i < len(directions); i += d {
			for j := 0; j < i; j += d {
				coherence = max(coherence, abs(cosineOf(directions[i:i+d], directions[j:j+d])))
			}
		}
		top := coherence * (1 + 1e-5)
		for _, row := range r.ZF {
			if e := abs(row.Recon*row.Recon-row.F*row.F) / (float64(f-1) * row.F * row.F); e > top*float64(f)/float64(f-1) {
				rt.Errorf("a row proves %v, the coherence is %v", e, coherence)
			}
		}
		for _, name := range []string{"eps_sharp_mean", "eps_sharp_k_mean"} {
			if v := r.Metrics[name].Value; v > top {
				rt.Errorf("%s is %v, the coherence is %v", name, v, coherence)
			}
		}
		if e := r.Metrics["norm_identity_error"].Value; e > 1e-3 { // ẑ may nearly vanish
			rt.Errorf("equation 1 misses by %v", e)
		}
	})
}

// TestOneRowApart has rows that the bound is 0 for but for two: one far beyond
// the 0.99 quantile, however small that is.
func TestOneRowApart(t *testing.T) {
	m := &quasiOrthogonality{s: Subject{Dims: sae.Dims{F: 2}}, points: 1, bound: newSampled(1000), zf: &drawn[ZFRow]{most: 4}}
	for i := range 150 {
		z := 1.0
		if i == 0 {
			z = 1 + 1e-15
		}
		m.addRow(norms{z: z, tilde: 1, directions: 1, row: int64(i)})
	}
	m.addRow(norms{z: 1, tilde: 1e-300, directions: 1, row: 150})
	r := NewReport()
	m.Report(r)
	sum := 0.0
	for _, n := range r.Series["eps_lbo_histogram"].Y {
		sum += n
	}
	if sum != 151 {
		t.Errorf("the histogram holds %v of 151 rows", sum)
	}
}
