package eval

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestDefinitionsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Definitions() {
		if seen[d.Name] {
			t.Errorf("%s is defined twice", d.Name)
		}
		seen[d.Name] = true
		if d.Family == "" || d.Formula == "" || d.Source == "" {
			t.Errorf("%s lacks its family, formula or source", d.Name)
		}
	}
}

// TestReportNames evaluates something that has every metric of the rows and
// the weights, and wants each of them defined.
func TestReportNames(t *testing.T) {
	r := evaluate(t, randomSubject(96, 24, 3), randomRows(300, 24), 64)
	for _, warning := range r.Warnings {
		if strings.Contains(warning, "no definition") {
			t.Error(warning)
		}
	}
	for _, name := range []string{"fvu", "explained_variance", "mse", "cosine", "l2_ratio", "l0", "l1", "dead_fraction",
		"dead_latents", "coherence_max", "coherence_mean", "babel_k"} {
		if _, ok := r.Metrics[name]; !ok {
			t.Errorf("%s, on which scripts rely, is absent", name)
		}
	}
}

func TestReportJSON(t *testing.T) {
	r := evaluate(t, randomSubject(96, 24, 3), randomRows(300, 24), 64)
	r.SAE.Path, r.Dump.Split = "runs/x", "test"
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		SAE, Dump map[string]any
		Metrics   map[string]struct {
			Value      float64
			Unit       *string
			Rows       int64
			Definition string
		}
		Warnings []string
	}
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	fvu := back.Metrics["fvu"]
	if fvu.Value != r.Metrics["fvu"].Value || fvu.Unit == nil || fvu.Rows != 300 || fvu.Definition == "" {
		t.Errorf("fvu came back as %+v", fvu)
	}
	if back.Dump["split"] != "test" || back.Dump["rows"] != 300.0 || back.Warnings == nil {
		t.Errorf("dump came back as %v, warnings as %v", back.Dump, back.Warnings)
	}
}

func TestSetLeavesOutWhatIsNoNumber(t *testing.T) {
	r := NewReport()
	r.Set("fvu", math.NaN(), 5)
	r.Set("mse", math.Inf(1), 5)
	if len(r.Metrics) != 0 {
		t.Errorf("the report holds %v", r.Metrics)
	}
}

func TestWriteText(t *testing.T) {
	r := evaluate(t, constant([]float32{3, 0}), []float32{3, 4, 0, 0}, 1)
	r.SAE.Path, r.Dump.Path, r.Dump.Split, r.Dump.RowsTotal = "runs/x", "dumps/y", "test", 12345
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"runs/x", "2 rows of 12,345, split test", "\nreconstruction\n  fvu ", "dead_latents", "warning: rows that are all zero: 1"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}
