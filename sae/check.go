package sae

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
)

// A Slope is the derivative of the loss along one random direction of length
// 1 through one parameter: from backpropagation, and as a central difference.
type Slope struct {
	Param                string
	Backward, Difference float64
}

// slopeStep is half the distance of the two losses of a difference, which in
// float64 leaves an error of about 1e-10.
const slopeStep = 1e-5

// Slopes checks the gradient of the next step on a batch. It compiles the
// variant once more in float64, at the trainer's weights and state, and holds
// what no gradient flows through: selections, dead latents, stopped nodes. The
// trainer does not change.
func (t *Trainer) Slopes(in *activations.Batch) ([]Slope, error) {
	options := t.graph.options
	options.dtype = tensor.Float64
	g, err := compile(t.plan.Variant, t.graph.Dims, options, t.graph.Weights, t.graph.capacity)
	if err != nil {
		return nil, err
	}
	for i, s := range t.graph.States {
		copy(g.States[i].Data, s.Data)
	}
	copy(g.b.dead.Since, t.graph.b.dead.Since)
	if err := g.run(t.step, in); err != nil {
		return nil, err
	}
	g.m.held = true
	slopes := make([]Slope, len(g.Params))
	for i, p := range g.Params {
		slopes[i].Param = p.Name
		slopes[i].Backward, slopes[i].Difference, err = g.slope(i, direction(p))
		if err != nil {
			return nil, err
		}
	}
	return slopes, nil
}

// direction is a random vector of length 1, another for each parameter.
func direction(p *Param) []float64 {
	x := make([]float32, p.Len())
	data.NormalFill(x, 0, stream("slope of "+p.Name))
	u, squares := make([]float64, len(x)), 0.0
	for i, v := range x {
		u[i] = float64(v)
		squares += u[i] * u[i]
	}
	for i := range u {
		u[i] /= math.Sqrt(squares)
	}
	return u
}

// slope moves parameter i of a float64 graph along u and back.
func (g *Graph) slope(i int, u []float64) (backward, difference float64, err error) {
	for _, p := range g.parts[i] {
		for j, d := range g.m.value(p.dense).(*tensor.Dense).Float64s() {
			backward += d * u[j]
		}
	}
	w := g.wide(g.Params[i])
	if w == nil {
		return backward, 0, nil
	}
	start := append([]float64{}, w...)
	var losses [2]float64
	for k, h := range []float64{slopeStep, -slopeStep} {
		for j := range w {
			w[j] = start[j] + h*u[j]
		}
		if err := g.m.run(); err != nil {
			return 0, 0, err
		}
		losses[k] = scalarOf(g.m.value(g.out.Loss))
	}
	copy(w, start)
	return backward, (losses[0] - losses[1]) / (2 * slopeStep), g.m.run()
}

// wide is what a float64 graph holds of a parameter, nil if no op reads it.
func (g *Graph) wide(p *Param) []float64 {
	for _, n := range append([]*gorgonia.Node{p.node}, p.uses...) {
		if v := g.m.value(n); v != nil {
			return v.(*tensor.Dense).Float64s()
		}
	}
	return nil
}
