package eval

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func reportWith(values map[string]float64) *Report {
	r := NewReport()
	for name, v := range values {
		r.Set(name, v, 100)
	}
	r.Dump.Rows = 100
	return r
}

func writeBaseline(t *testing.T, v any) string {
	t.Helper()
	raw, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		raw = string(b)
	}
	path := filepath.Join(t.TempDir(), "baseline.json")
	if err := os.WriteFile(path, []byte(raw), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRawReportIsABaseline reads what eval --json prints as a baseline.
func TestRawReportIsABaseline(t *testing.T) {
	b, err := ReadBaseline(writeBaseline(t, reportWith(map[string]float64{"fvu": 0.2, "l0": 32, "cosine": 0.9, "l1": 5})))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		now       map[string]float64
		regressed bool
		verdict   string // of the metric that moved
	}{
		{"fvu", map[string]float64{"fvu": 0.2, "l0": 32, "cosine": 0.9, "l1": 5}, false, "ok"},
		{"fvu", map[string]float64{"fvu": 0.2039, "l0": 32, "cosine": 0.9, "l1": 5}, false, "ok"},
		{"fvu", map[string]float64{"fvu": 0.2041, "l0": 32, "cosine": 0.9, "l1": 5}, true, "worse"},
		{"fvu", map[string]float64{"fvu": 0.1, "l0": 32, "cosine": 0.9, "l1": 5}, false, "better"},
		{"l0", map[string]float64{"fvu": 0.2, "l0": 30, "cosine": 0.9, "l1": 5}, true, "worse"},
		{"cosine", map[string]float64{"fvu": 0.2, "l0": 32, "cosine": 0.894, "l1": 5}, true, "worse"},
		{"l1", map[string]float64{"fvu": 0.2, "l0": 32, "cosine": 0.9, "l1": 50}, false, "ok"},
		{"fvu", map[string]float64{"l0": 32, "cosine": 0.9, "l1": 5}, true, "absent"},
	} {
		got := Compare(reportWith(c.now), b)
		if got.Regressed != c.regressed {
			t.Errorf("%v: regressed is %v", c.now, got.Regressed)
		}
		for _, x := range got.Changes {
			if x.Metric == c.name && x.Verdict != c.verdict {
				t.Errorf("%v: %s is %s, want %s", c.now, c.name, x.Verdict, c.verdict)
			}
		}
	}
}

func TestBaselineSetsItsOwnGates(t *testing.T) {
	b, err := ReadBaseline(writeBaseline(t, `{"metrics": {
		"fvu": {"value": 0.2, "tolerance": 0.5}, "l1": {"value": 5, "absolute": 1},
		"cosine": {"value": 0.9, "direction": "ignore"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if Compare(reportWith(map[string]float64{"fvu": 0.29, "l1": 5.9, "cosine": 0}), b).Regressed {
		t.Error("moves within the tolerances count as a regression")
	}
	if !Compare(reportWith(map[string]float64{"fvu": 0.31, "l1": 5, "cosine": 0}), b).Regressed {
		t.Error("fvu beyond its tolerance is no regression")
	}
	if !Compare(reportWith(map[string]float64{"fvu": 0.2, "l1": 3.9, "cosine": 0}), b).Regressed {
		t.Error("l1 must stay equal once it has a tolerance")
	}
	b.Update(reportWith(map[string]float64{"fvu": 0.4, "l1": 7, "cosine": 1, "mse": 3}))
	if *b.Metrics["fvu"].Value != 0.4 || *b.Metrics["fvu"].Tolerance != 0.5 || b.Metrics["cosine"].Direction != Ignore {
		t.Errorf("the update gives %+v", b.Metrics)
	}
	if _, ok := b.Metrics["mse"]; ok {
		t.Error("a baseline with gates of its own took in another metric")
	}
}

func TestBadBaselines(t *testing.T) {
	for raw, want := range map[string]string{
		`[]`:                                     "is no baseline",
		`{}`:                                     "has no metrics",
		`{"metrics": {"fvuu": {"value": 1}}}`:    "there is no metric fvuu",
		`{"metrics": {"fvu": {"tolerance": 1}}}`: "fvu has no value",
		`{"metrics": {"fvu": {"value": 1, "tolerance": -1}}}`:   "negative",
		`{"metrics": {"fvu": {"value": 1, "direction": "up"}}}`: `direction "up"`,
	} {
		if _, err := ReadBaseline(writeBaseline(t, raw)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %q", raw, err, want)
		}
	}
}

func TestComparisonText(t *testing.T) {
	b := BaselineOf(reportWith(map[string]float64{"fvu": 0.2, "l1": 5, "l0": 32}))
	var out strings.Builder
	if err := Compare(reportWith(map[string]float64{"fvu": 0.25, "l1": 5, "l0": 32}), b).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"fvu", "0.200000", "0.250000", "+0.05", "worse", "\nregression\n", "l0 "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "l1 ") {
		t.Errorf("l1, which has no gate and did not move, is in\n%s", text)
	}
}

// TestComparisonOrder wants what regressed first, and figures without a gate
// only in the details.
func TestComparisonOrder(t *testing.T) {
	b, err := ReadBaseline(writeBaseline(t, reportWith(map[string]float64{"fvu": 0.2, "l1": 5, "l0": 32, "l2_norm_in": 1})))
	if err != nil {
		t.Fatal(err)
	}
	c := Compare(reportWith(map[string]float64{"fvu": 0.2, "l1": 6, "l0": 40, "l2_norm_in": 1}), b)
	var short, long strings.Builder
	if err := c.WriteText(&short); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteDetails(&long); err != nil {
		t.Fatal(err)
	}
	if text := short.String(); strings.Index(text, "l0 ") > strings.Index(text, "fvu ") || strings.Contains(text, "l1 ") || !strings.Contains(text, "1 figure without a gate moved") {
		t.Errorf("the table is\n%s", text)
	}
	if text := long.String(); !strings.Contains(text, "l1 ") || strings.Contains(text, "l2_norm_in") {
		t.Errorf("the details are\n%s", text)
	}
}

// TestBaselineOf writes the gates out and no path of the machine.
func TestBaselineOf(t *testing.T) {
	r := reportWith(map[string]float64{"fvu": 0.2, "l1": 5})
	r.SAE.Path, r.Dump.Path = "/home/run", "/home/dump"
	raw, err := json.Marshal(BaselineOf(r))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(raw); strings.Contains(text, "home") || strings.Contains(text, "l1") || !strings.Contains(text, `"tolerance":0.02`) || !strings.Contains(text, `"direction":"lower"`) {
		t.Errorf("the baseline is %s", text)
	}
}
