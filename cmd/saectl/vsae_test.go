package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestVSAECommands trains each form on the sample, for a short while, and
// evaluates it: posteriors are measured for all, draws where there are some.
func TestVSAECommands(t *testing.T) {
	t.Chdir(t.TempDir())
	for preset, draws := range map[string]bool{"vsae": true, "vsae-learned": true, "vsae-deterministic": false} {
		want(t, 0, "train", "--quiet", "--config", preset, "--dump", "sample", "--set", "sae.latents=96", "--set", "vsae.k=8", "--set", "train.batch=256", "--set", "train.steps=60", "--out", preset)
		out, _ := want(t, 0, "eval", "--sae", preset, "--json")
		var r struct {
			Metrics map[string]struct{ Value float64 }
			Series  map[string]struct{ Y []float64 }
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		if kl := r.Metrics["kl"].Value; !(kl > 0) || len(r.Series["kl_by_latent"].Y) != 96 {
			t.Errorf("%s: the divergence is %v, of %d latents", preset, kl, len(r.Series["kl_by_latent"].Y))
		}
		for _, name := range []string{"selection_jaccard", "fvu_sampled", "posterior_variance_mean"} {
			if m, ok := r.Metrics[name]; ok != draws || ok && !(m.Value > 0) {
				t.Errorf("%s: %s is %v, in the report %v", preset, name, m.Value, ok)
			}
		}
		if draws && !(r.Metrics["selection_jaccard"].Value > r.Metrics["selection_jaccard_chance"].Value) {
			t.Errorf("%s: two draws have %v in common, chance gives %v", preset, r.Metrics["selection_jaccard"], r.Metrics["selection_jaccard_chance"])
		}
	}
	quiet, _ := want(t, 0, "eval", "--sae", "vsae", "--json", "--set", "vsae.sigma=0")
	if strings.Contains(quiet, `"selection_jaccard"`) {
		t.Error("with sigma 0 draws are compared")
	}
}
