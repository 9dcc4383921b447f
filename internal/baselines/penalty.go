package baselines

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// Penalty is the settings of what makes latents sparse: a term of the loss and
// its weight, which is given, or steered so that rows keep TargetL0 latents.
type Penalty struct {
	TargetL0    float64 `yaml:"target_l0" range:"[0,)" doc:"latents that a row keeps on average: training steers the coefficient there; 0 leaves it as it is"`
	Coefficient float64 `yaml:"coefficient" range:"[0,)" needs:"target_l0=0" doc:"weight of the penalty"`
	Warmup      float64 `yaml:"sparsity_warmup" range:"[0,1]" doc:"share of the run over which the penalty's weight rises linearly from 0"`
}

// The controller is proportional and integral in logarithms: with the error e =
// ln(L0/target), at most 1 in size, the coefficient is base·exp(i + gain·e), and
// i grows by e·rate each step. Both are chosen on the sample and two real dumps
// (docs/experiments/pareto.md). It is saturated where i has come to a bound.
const (
	controlGain  = 0.5
	controlRate  = 0.01
	controlReach = 9.210340371976182 // ln 10⁴: the coefficient stays within 10⁴ of its start
	controlStart = 0.1               // of a variant whose coefficient is 0
)

// control weighs the penalty of a graph.
type control struct {
	Penalty
	b     *sae.Builder
	state *sae.State // i and e; nil where the coefficient is given
}

// add makes penalty, a scalar, a term of out's loss beside the given terms,
// which have weight 1.
func (p Penalty) add(b *sae.Builder, out *sae.Out, name string, penalty *gorgonia.Node, terms map[string]*gorgonia.Node) {
	c := &control{Penalty: p, b: b}
	nodes, weights := []*gorgonia.Node{penalty}, []sparseop.Coefficient{c.weight}
	out.Terms = map[string]*gorgonia.Node{name: penalty}
	for _, key := range []string{"mse", "gated_auxiliary", "pre_activation"} {
		if n := terms[key]; n != nil {
			nodes, weights, out.Terms[key] = append(nodes, n), append(weights, sae.Constant(1)), n
		}
	}
	out.Loss = b.G.Weighted(weights, nodes...)
	out.Figures = map[string]func() float64{"sparsity/coefficient": c.weight}
	if p.TargetL0 == 0 {
		return
	}
	c.state = b.State("coefficient", 2, 0)
	out.After = func(int) { c.steer(b.L0()) }
	out.Figures["sparsity/coefficient_saturated"] = func() float64 { return float64(len(c.saturated())) }
	out.Warning = c.warning
}

// weight is the penalty's at the step under way.
func (c *control) weight() float64 {
	weight := c.Coefficient
	if c.state != nil {
		weight = c.base() * math.Exp(c.state.Data[0]+controlGain*c.state.Data[1])
	}
	warmup := c.Warmup * float64(c.b.Steps())
	if at := float64(c.b.Step()); at < warmup {
		weight *= at / warmup
	}
	return weight
}

func (c *control) base() float64 {
	if c.Coefficient == 0 {
		return controlStart
	}
	return c.Coefficient
}

// steer takes the L0 of a batch. While the penalty warms up, only what is
// proportional to the error acts, or the warm-up would be steered against.
func (c *control) steer(l0 float64) {
	e := math.Log(max(l0, 1e-3) / c.TargetL0)
	e = min(max(e, -1), 1)
	c.state.Data[1] = e
	if float64(c.b.Step()) >= c.Warmup*float64(c.b.Steps()) {
		c.state.Data[0] = min(max(c.state.Data[0]+controlRate*e, -controlReach), controlReach)
	}
}

// saturated names the bound that the coefficient is at, "" for none.
func (c *control) saturated() string {
	switch i := c.state.Data[0]; {
	case i >= controlReach:
		return "largest"
	case i <= -controlReach:
		return "smallest"
	}
	return ""
}

func (c *control) warning() string {
	if at := c.saturated(); at != "" {
		return fmt.Sprintf("the coefficient of the penalty is saturated at its %s, %.3g, and rows keep %.1f latents where target_l0 is %g; give another target_l0, or a coefficient in its place",
			at, c.weight(), c.b.L0(), c.TargetL0)
	}
	if l0 := c.b.L0(); math.Abs(l0-c.TargetL0) > 0.05*c.TargetL0 {
		return fmt.Sprintf("rows keep %.1f latents where target_l0 is %g, and the coefficient (%.3g now) is still moving; give the run more steps", l0, c.TargetL0, c.weight())
	}
	return ""
}
