package eval

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
)

// The directions in which a metric may move freely.
const (
	Lower  = "lower"  // smaller is better: more than the tolerance above the baseline is a regression
	Higher = "higher" // larger is better
	Equal  = "equal"  // a move either way is a regression
	Ignore = "ignore" // shown, never a regression
)

// A Gate says by how much a metric may differ from its baseline value v:
// Absolute + Relative·|v| in the bad direction.
type Gate struct {
	Direction string
	Relative  float64
	Absolute  float64
}

// DefaultGate is the gate of a metric whose baseline does not set one; Ignore
// for most. The tolerances leave room for another seed of the same settings.
func DefaultGate(metric string) Gate {
	switch metric {
	case "fvu", "mse":
		return Gate{Lower, 0.02, 1e-6}
	case "recovered", "explained_variance", "cosine":
		return Gate{Higher, 0, 0.005}
	case "l2_ratio":
		return Gate{Equal, 0.02, 0}
	case "l0":
		return Gate{Equal, 0.05, 0}
	case "dead_latents":
		return Gate{Lower, 0.1, 2}
	case "dead_fraction":
		return Gate{Lower, 0.1, 0.01}
	case "coherence_max":
		return Gate{Lower, 0, 0.1}
	case "coherence_mean":
		return Gate{Lower, 0.1, 0}
	case "loss_change_first_order_abs":
		return Gate{Lower, 0.05, 0}
	}
	return Gate{Direction: Ignore}
}

// An Expectation is a metric of a baseline. The gate's fields are nil, or "",
// where the default holds.
type Expectation struct {
	Value     *float64 `json:"value"`
	Tolerance *float64 `json:"tolerance,omitempty"` // relative
	Absolute  *float64 `json:"absolute,omitempty"`
	Direction string   `json:"direction,omitempty"`

	Unit       string `json:"unit,omitempty"` // as in a report
	Rows       int64  `json:"rows,omitempty"`
	Definition string `json:"definition,omitempty"`
}

// A Baseline is the figures that a report is compared with: the JSON of a
// report, in which metrics may also have tolerance, absolute and direction.
type Baseline struct {
	SAE     SAEInfo                `json:"sae"`
	Dump    DumpInfo               `json:"dump"`
	Metrics map[string]Expectation `json:"metrics"`
}

// ReadBaseline reads a baseline file.
func ReadBaseline(path string) (*Baseline, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	var b Baseline
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("%s is no baseline, which is what eval --json prints for one autoencoder: %w", path, err)
	}
	if len(b.Metrics) == 0 {
		return nil, fmt.Errorf("%s has no metrics; a baseline is what eval --json prints", path)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Metrics)) {
		if err := b.Metrics[name].check(name); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return &b, nil
}

// check refuses what cannot be compared with.
func (e Expectation) check(name string) error {
	known := slices.IndexFunc(Definitions(), func(d Definition) bool { return d.Name == name }) >= 0
	switch {
	case !known:
		return fmt.Errorf("there is no metric %s; docs/metrics.md lists them", name)
	case e.Value == nil:
		return fmt.Errorf("%s has no value", name)
	case e.Tolerance != nil && !(*e.Tolerance >= 0), e.Absolute != nil && !(*e.Absolute >= 0):
		return fmt.Errorf("%s has a negative tolerance", name)
	case !slices.Contains([]string{"", Lower, Higher, Equal, Ignore}, e.Direction):
		return fmt.Errorf("%s has direction %q; give %s, %s, %s or %s", name, e.Direction, Lower, Higher, Equal, Ignore)
	}
	return nil
}

// gate is the gate of a metric, the default where the baseline sets none. A
// metric with a tolerance of its own and no direction must stay equal.
func (e Expectation) gate(name string) Gate {
	g := DefaultGate(name)
	if e.Tolerance != nil || e.Absolute != nil {
		if g.Direction == Ignore {
			g.Direction = Equal
		}
		g.Relative, g.Absolute = 0, 0
	}
	if e.Tolerance != nil {
		g.Relative = *e.Tolerance
	}
	if e.Absolute != nil {
		g.Absolute = *e.Absolute
	}
	if e.Direction != "" {
		g.Direction = e.Direction
	}
	return g
}

// Update sets the values of a baseline to those of a report. Gates stay as
// they are; a metric that the report lacks is dropped, and a baseline without
// any gate of its own takes in all metrics.
func (b *Baseline) Update(r *Report) {
	own := false
	for _, e := range b.Metrics {
		own = own || e.Tolerance != nil || e.Absolute != nil || e.Direction != ""
	}
	updated := map[string]Expectation{}
	for name, v := range r.Metrics {
		e, ok := b.Metrics[name]
		if own && !ok {
			continue
		}
		value := v.Value
		e.Value, e.Unit, e.Rows, e.Definition = &value, v.Unit, v.Rows, v.Definition
		updated[name] = e
	}
	b.SAE, b.Dump, b.Metrics = r.SAE, r.Dump, updated
	b.SAE.Path, b.Dump.Path = "", "" // a baseline is kept beside the code, for other machines too
}

// BaselineOf is a baseline of those metrics of a report that have a default
// gate, with their gates written out, so that they can be changed.
func BaselineOf(r *Report) *Baseline {
	b := &Baseline{Metrics: map[string]Expectation{}}
	for name := range r.Metrics {
		if g := DefaultGate(name); g.Direction != Ignore {
			b.Metrics[name] = Expectation{Direction: g.Direction, Tolerance: &g.Relative, Absolute: &g.Absolute}
		}
	}
	b.Update(r)
	return b
}

// A Change is a metric against its baseline.
type Change struct {
	Metric   string   `json:"metric"`
	Baseline float64  `json:"baseline"`
	Value    *float64 `json:"value"` // nil when the report lacks it
	Allowed  float64  `json:"allowed"`
	Gate     string   `json:"direction"`
	Verdict  string   `json:"verdict"` // ok, better, worse, absent
}

// A Comparison is a report against a baseline.
type Comparison struct {
	Changes   []Change `json:"changes"` // in the order of Definitions
	Regressed bool     `json:"regressed"`
	Warnings  []string `json:"warnings"`
}

// Compare sets a report against a baseline. It regresses when a metric with a
// gate is worse than its tolerance allows, or absent.
func Compare(r *Report, b *Baseline) *Comparison {
	c := &Comparison{Warnings: []string{}}
	for _, d := range Definitions() {
		e, ok := b.Metrics[d.Name]
		if !ok {
			continue
		}
		change := e.change(d.Name, r)
		c.Changes = append(c.Changes, change)
		if change.Verdict == "worse" || change.Verdict == "absent" {
			c.Regressed = true
		}
	}
	if b.Dump.Fingerprint != "" && r.Dump.Fingerprint != "" && b.Dump.Fingerprint != r.Dump.Fingerprint {
		c.Warnings = append(c.Warnings, "the baseline is of another dump; its figures may differ for that alone")
	} else if b.Dump.Rows != 0 && b.Dump.Rows != r.Dump.Rows {
		c.Warnings = append(c.Warnings, fmt.Sprintf("the baseline is of %d rows, the report of %d", b.Dump.Rows, r.Dump.Rows))
	}
	return c
}

func (e Expectation) change(name string, r *Report) Change {
	g, base := e.gate(name), *e.Value
	c := Change{Metric: name, Baseline: base, Allowed: g.Absolute + g.Relative*math.Abs(base), Gate: g.Direction, Verdict: "ok"}
	v, ok := r.Metrics[name]
	if !ok {
		if g.Direction != Ignore {
			c.Verdict = "absent"
		}
		return c
	}
	value := v.Value
	c.Value = &value
	up := value - base
	switch worse := map[string]float64{Lower: up, Higher: -up, Equal: math.Abs(up)}[g.Direction]; {
	case g.Direction == Ignore:
	case worse > c.Allowed:
		c.Verdict = "worse"
	case worse < -c.Allowed:
		c.Verdict = "better"
	}
	return c
}
