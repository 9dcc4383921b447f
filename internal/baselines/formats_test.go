package baselines

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/sae"
)

// TestGoldenFormats evaluates the ReLU, gated and JumpReLU folders that SAELens
// wrote. Those whose rows are changed before or after, or that predict other
// rows, are for internal/interop, which reads all.
func TestGoldenFormats(t *testing.T) {
	saetest.FolderCases(t, "formats/saelens", func(t *testing.T, c *saetest.Case, dir string) {
		var config struct {
			Architecture string
			Normalize    any    `json:"normalize_activations"`
			Reshape      string `json:"reshape_activations"`
			InputBias    *bool  `json:"apply_b_dec_to_input"`
		}
		b, err := os.ReadFile(filepath.Join(dir, "sae", "cfg.json"))
		if err == nil {
			err = json.Unmarshal(b, &config)
		}
		variants := map[string]func(bias bool) sae.Variant{
			"standard": func(bias bool) sae.Variant { return relu(func(v *ReLU) { v.InputBias = bias })() },
			"gated":    func(bias bool) sae.Variant { return gated(func(v *Gated) { v.InputBias = bias })() },
			"jumprelu": func(bias bool) sae.Variant { return jumpReLU(func(v *JumpReLU) { v.InputBias = bias })() },
		}
		variant := variants[config.Architecture]
		if err != nil || variant == nil || config.Normalize != "none" || config.Reshape != "none" || config.InputBias == nil {
			t.Skip("not a plain folder of this package's variants")
		}
		forward(t, c, filepath.Join(dir, "sae", "sae_weights.safetensors"), variant(*config.InputBias))
	})
}

// forward encodes and decodes the case's rows.
func forward(t *testing.T, c *saetest.Case, path string, v sae.Variant) {
	shape := c.Shape("x")
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	weights, latents := map[string][]float32{}, 0
	for ours, theirs := range map[string]string{
		"encoder.weight": "W_enc", "encoder.bias": "b_enc", "decoder.weight": "W_dec", "decoder.bias": "b_dec",
		"threshold": "threshold", "gate.bias": "b_gate", "magnitude.bias": "b_mag", "magnitude.log_scale": "r_mag",
	} {
		info, ok := f.Info(theirs)
		if !ok {
			continue
		}
		w, err := f.Float32(theirs)
		if err != nil {
			t.Fatal(err)
		}
		if theirs == "W_enc" { // [D,F]
			latents = info.Shape[1]
			w = transposed(w, info.Shape[0], latents)
		}
		weights[ours] = w
	}
	m, err := sae.NewModel(v, sae.Dims{D: shape[1], F: latents, DOut: shape[1]}, weights, nil, sae.ModelOptions{Rows: shape[0], Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	codes, err := m.Encode(&activations.Batch{N: shape[0], D: shape[1], X: c.Floats("x")})
	if err != nil {
		t.Fatal(err)
	}
	saetest.Within(t, "latents", saetest.Dense(codes), c.Floats("z"), 5e-5)
	saetest.Within(t, "reconstruction", m.Recon(), c.Floats("x_hat"), 5e-5)
}

func transposed(w []float32, rows, cols int) []float32 {
	x := make([]float32, len(w))
	for i := range rows {
		for j := range cols {
			x[j*rows+i] = w[i*cols+j]
		}
	}
	return x
}
