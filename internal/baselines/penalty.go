package baselines

import (
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

// A kind of penalty: what it counts and how it is steered.
type kind struct {
	name  string
	count bool // latents, so that the coefficient has the units of a squared error; else it has those of a value
	gains
}

var (
	byNumber = kind{name: "l0", count: true, gains: gains{part: 4, most: 6, near: 0.25, growth: 16, ahead: 80, fast: 0.8}}
	byValue  = kind{name: "l1", gains: gains{part: 1, most: 1, near: 0.3, growth: 22, ahead: 40, fast: 0.9}}
)

// add makes penalty, a scalar, a term of out's loss beside the given terms,
// which have weight 1.
func (p Penalty) add(b *sae.Builder, out *sae.Out, k kind, penalty *gorgonia.Node, terms map[string]*gorgonia.Node) {
	weight := func() float64 { return p.Coefficient * p.warm(b) }
	if p.TargetL0 > 0 {
		c := newControl(b, k, p.TargetL0)
		weight = func() float64 { return c.coefficient() * p.warm(b) }
		out.After = func(int) { c.steer(b.L0()) }
		out.Warning = c.warning
		out.Figures = map[string]func() float64{"sparsity/coefficient_saturated": func() float64 {
			if c.saturated() {
				return 1
			}
			return 0
		}}
	} else {
		out.Figures = map[string]func() float64{}
	}
	out.Figures["sparsity/coefficient"] = weight
	nodes, weights := []*gorgonia.Node{penalty}, []sparseop.Coefficient{weight}
	out.Terms = map[string]*gorgonia.Node{k.name: penalty}
	for _, key := range []string{"mse", "gated_auxiliary", "pre_activation"} {
		if n := terms[key]; n != nil {
			nodes, weights, out.Terms[key] = append(nodes, n), append(weights, sae.Constant(1)), n
		}
	}
	out.Loss = b.G.Weighted(weights, nodes...)
}

// warm is the share of the weight that the step under way has.
func (p Penalty) warm(b *sae.Builder) float64 {
	warmup := p.Warmup * float64(b.Steps())
	if at := float64(b.Step()); at < warmup {
		return at / warmup
	}
	return 1
}
