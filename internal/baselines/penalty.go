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
// ln L0 less its aim, at most 1 in size, the coefficient is base·exp(i + gain·e),
// and i grows by e·rate each step. The aim falls in a straight line from the
// first step's to the target's, and a run of any length can move i by the same:
// a coefficient that overshoots while L0 still falls leaves an L1 dictionary
// worse for good. Chosen on the sample for targets of 8 and 32, 400 and 1,500
// steps.
const (
	controlDescent = 0.2 // share of the run over which the aim falls
	controlGain    = 0.3
	controlSpan    = 25
	controlLeast   = 0.002             // rate
	controlMost    = 0.04              // rate
	controlReach   = 9.210340371976182 // ln 10⁴: the coefficient stays within 10⁴ of its start
	controlMark    = 2.302585092994046 // ln 10: L0 is compared over so large a change of the coefficient
	controlSame    = 0.05              // a change of ln L0 that is none, or an error that is
	controlStart   = 0.1               // of a variant whose coefficient is 0
)

// control weighs the penalty of a graph.
type control struct {
	Penalty
	b     *sae.Builder
	state *sae.State // see the places below; nil where the coefficient is given
}

// Places of the state.
const (
	stateI     = iota
	stateE     // error of the last step
	stateMark  // i at the last comparison
	stateL0    // ln L0 there
	stateStuck // 1 when the coefficient changed tenfold since and L0 did not
	stateFirst // ln L0 of the first step
	states
)

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
	c.state = b.State("coefficient", states, 0)
	out.After = func(int) { c.steer(b.L0()) }
	out.Figures["sparsity/coefficient_saturated"] = func() float64 {
		if c.saturated() {
			return 1
		}
		return 0
	}
	out.Warning = c.warning
}

// weight is the penalty's at the step under way.
func (c *control) weight() float64 {
	weight := c.Coefficient
	if c.state != nil {
		weight = c.base() * math.Exp(c.state.Data[stateI]+controlGain*c.state.Data[stateE])
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
	d, l := c.state.Data, math.Log(max(l0, 1e-3))
	if c.b.Step() == 0 {
		d[stateFirst] = l
	}
	e := l - c.aim()
	d[stateE] = min(max(e, -1), 1)
	if float64(c.b.Step()) < c.Warmup*float64(c.b.Steps()) {
		d[stateL0] = l
		return
	}
	rate := min(max(controlSpan/float64(c.b.Steps()), controlLeast), controlMost)
	d[stateI] = min(max(d[stateI]+rate*d[stateE], -controlReach), controlReach)
	switch {
	case math.Abs(e) <= controlSame:
		d[stateMark], d[stateL0], d[stateStuck] = d[stateI], l, 0
	case math.Abs(d[stateI]-d[stateMark]) >= controlMark:
		stuck := 0.0
		if math.Abs(l-d[stateL0]) < controlSame {
			stuck = 1
		}
		d[stateMark], d[stateL0], d[stateStuck] = d[stateI], l, stuck
	}
}

// aim is ln L0 of the step under way: it falls, or rises, in a straight line to
// the target's.
func (c *control) aim() float64 {
	target, first := math.Log(c.TargetL0), c.state.Data[stateFirst]
	left := 1 - float64(c.b.Step())/(controlDescent*float64(c.b.Steps()))
	return target + max(left, 0)*(first-target)
}

// saturated reports whether the coefficient is at a bound, or changed tenfold
// without effect, and rows do not keep what they should.
func (c *control) saturated() bool {
	d := c.state.Data
	return math.Abs(d[stateE]) > controlSame && (d[stateStuck] != 0 || math.Abs(d[stateI]) >= controlReach)
}

func (c *control) warning() string {
	l0, why := c.b.L0(), "is still moving; give the run more steps"
	switch {
	case math.Abs(c.state.Data[stateE]) <= controlSame:
		return ""
	case c.saturated():
		why = "is saturated: to change it makes no difference; give another target_l0, or a coefficient in its place"
	}
	return fmt.Sprintf("rows keep %.1f latents where target_l0 is %g, and the coefficient (%.3g now) %s", l0, c.TargetL0, c.weight(), why)
}
