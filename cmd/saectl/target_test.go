package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// TestTargetL0 trains what is steered on the sample, for a short while: rows keep
// what was asked for within 5 %, in the last steps of training and on the rows
// held out. scripts/gate.sh asks it of all targets.
func TestTargetL0(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		variant, setting string
		target           float64
	}{{"relu", "8", 8}, {"gated", "16", 16}, {"jumprelu", "16", 16}, {"jumprelu", "32", 32}} {
		dir := c.variant + c.setting
		want(t, 0, "train", "--quiet", "--config", c.variant, "--dump", "sample", "--set", c.variant+".target_l0="+c.setting,
			"--set", "train.steps=400", "--set", "train.log_every=1", "--set", "train.keep_checkpoint=false", "--out", dir)
		out, _ := want(t, 0, "eval", "--sae", dir, "--json")
		var r struct {
			Metrics map[string]struct{ Value float64 }
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		trained, coefficients := 0.0, map[float64]bool{}
		lines := strings.Split(strings.TrimSpace(string(read(t, dir+"/metrics.jsonl"))), "\n")
		for i, line := range lines {
			var m struct {
				L0          float64 `json:"metrics/l0"`
				Coefficient float64 `json:"sparsity/coefficient"`
			}
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			coefficients[m.Coefficient] = true
			if i >= len(lines)-20 {
				trained += m.L0 / 20
			}
		}
		for where, l0 := range map[string]float64{"the last steps of training": trained, "evaluation": r.Metrics["l0"].Value} {
			if !(math.Abs(l0-c.target) <= 0.05*c.target) {
				t.Errorf("%s: rows keep %.2f latents in %s, want %v", dir, l0, where, c.target)
			}
		}
		if len(coefficients) < 200 {
			t.Errorf("%s: the coefficient took %d values in %d steps", dir, len(coefficients), len(lines))
		}
	}
}
