package eval

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/internal/roc"
	"github.com/saectl/saectl/sae"
)

func TestGoldenMetricsHandCases(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(shared(t, "SAECTL_GOLDEN", "golden"), "metrics", "hand_cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var hand struct {
		ROC map[string]struct {
			ID, OOD   []float64
			AUROC     float64
			Threshold float64 `json:"fpr95_threshold"`
			FPR95     float64
			First     float64 `json:"fpr_at_first_tpr_ge_0.95"`
			AUPR      float64 `json:"aupr_id_positive"`
			Other     float64 `json:"aupr_ood_positive_of_negated_score"`
		}
		Bound struct {
			Z, F  []float32
			Norms []float32 `json:"decoder_row_norms"`
			Bias  []float32 `json:"b_dec"`
			Value float64   `json:"eps_lbo"`
		} `json:"eps_lbo"`
		Gini []struct {
			V    []float64
			Gini float64
		}
	}
	if err := json.Unmarshal(raw, &hand); err != nil {
		t.Fatal(err)
	}
	for name, c := range hand.ROC {
		got := roc.New(c.ID, c.OOD)
		near(t, name+" auroc", got.AUROC, c.AUROC, 1e-12)
		near(t, name+" fpr95", got.FPR95, c.FPR95, 1e-12)
		near(t, name+" threshold", got.Threshold, c.Threshold, 0)
		near(t, name+" fpr at the first threshold", got.AtTPR95, c.First, 1e-12)
		near(t, name+" aupr", got.AUPR, c.AUPR, 1e-12)
		near(t, name+" aupr of ood", roc.New(negated(c.OOD), negated(c.ID)).AUPR, c.Other, 1e-12)
	}
	b := hand.Bound
	m := &stored{z: b.F, xHat: b.Z, f: len(b.F), d: len(b.Z), weights: map[string][]float32{"decoder.bias": b.Bias}}
	for _, n := range b.Norms {
		m.weights["decoder.weight"] = append(m.weights["decoder.weight"], n, 0)
	}
	evaluate(t, Subject{Model: m, Dims: sae.Dims{D: m.d, F: m.f, B: 1}}, b.Z, 1).want(t, "eps_lbo_mean", b.Value, 1e-12)
	for _, c := range hand.Gini {
		var values []float64
		for _, v := range c.V {
			if v != 0 {
				values = append(values, abs(v))
			}
		}
		near(t, "gini", gini(values, len(c.V)), c.Gini, 1e-15)
		s := newSpread()
		for _, v := range values {
			s.add(float32(v))
		}
		near(t, "gini by bins", s.gini(int64(len(c.V))), c.Gini, 1e-7)
	}
}

func negated(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = -v
	}
	return out
}
