package interop

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/saetest"
)

// TestGoldenGemmaScope reads the file that has the names and layouts of Gemma
// Scope and holds the latents against the formula.
func TestGoldenGemmaScope(t *testing.T) {
	path := filepath.Join(saetest.Folder(t, "formats/arrays"), "npz/params_jumprelu.npz")
	s, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Format != "gemma-scope" || s.InputBias || len(s.Threshold) != s.F {
		t.Errorf("read as %+v", s)
	}
	x := make([]float32, 8*s.D)
	for i := range x {
		x[i] = float32(math.Sin(float64(3 * i)))
	}
	z, recon := encode(t, s, x)
	fired := 0
	for i := range 8 {
		want := make([]float64, s.DOut)
		for j := range want {
			want[j] = float64(s.DecoderBias[j])
		}
		for f := range s.F {
			a := preActivation(s, x[i*s.D:(i+1)*s.D], f)
			if a <= float64(s.Threshold[f]) || a <= 0 {
				a = 0
			} else {
				fired++
			}
			if math.Abs(a-float64(z[i*s.F+f])) > 1e-5 {
				t.Errorf("latent %d of row %d is %g, want %g", f, i, z[i*s.F+f], a)
			}
			for j := range want {
				want[j] += a * float64(s.Decoder[f*s.DOut+j])
			}
		}
		for j, w := range want {
			if math.Abs(w-float64(recon[i*s.DOut+j])) > 1e-4 {
				t.Errorf("x̂[%d,%d] is %g, want %g", i, j, recon[i*s.DOut+j], w)
			}
		}
	}
	if fired == 0 {
		t.Error("no latent fires: the test shows nothing")
	}
	roundTrip(t, s)
	back, err := exported(t, s, "saelens")
	if err != nil {
		t.Fatal(err)
	}
	back.Format, back.Architecture = s.Format, s.Architecture
	if d := difference(computation(s), computation(back)); d != "" {
		t.Errorf("exported to SAELens: %s differs", d)
	}
}

func preActivation(s *foreign.SAE, x []float32, f int) float64 {
	a := float64(s.EncoderBias[f])
	for j, v := range x {
		a += float64(v) * float64(s.Encoder[f*s.D+j])
	}
	return a
}
