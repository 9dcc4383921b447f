package sae

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

// A Builder is what a variant writes its formulas on. Its methods panic on a
// mistake in the graph.
type Builder struct {
	Dims
	Train bool            // false for evaluation: no loss is needed, nothing is sampled
	G     *sparseop.Graph // the ops; Gorgonia's own may be used beside them
	Seed  uint64          // of the run, for counter-based noise

	x, gradient, target *gorgonia.Node
	params              []*Param
	states              []*State
	feeds               []*feed
	selects             []*sparseop.Support
	capacity            map[int]int // of the n-th selection, where it had to grow
	asked               []int       // capacity that each selection was declared with
	dead                *Dead
	settings            TrainSettings
	optimizer           OptimizerSettings
	step                int // of the run under way, for schedules
	last                func() Encoded
	rows                func() []float32 // [B,D] of the last run
}

// A State is a small array that a variant updates in Out.After. It is saved
// with the weights and restored on resume.
type State struct {
	Name string
	Data []float64
}

// A Fill sets an input before each step: noise, or a schedule. dst has the
// shape the input was declared with.
type Fill func(dst []float32, step int, in *activations.Batch) error

type feed struct {
	node *gorgonia.Node
	fill Fill
	buf  []float32
}

// X is the batch, [B,D], scaled.
func (b *Builder) X() *gorgonia.Node { return b.x }

// Gradient is d(model loss)/dx of each row, [B,D].
func (b *Builder) Gradient() *gorgonia.Node {
	if b.gradient == nil {
		b.gradient = b.G.Input("gradient", b.B, b.D)
	}
	return b.gradient
}

// Target is what a transcoder predicts, [B,DOut].
func (b *Builder) Target() *gorgonia.Node {
	if b.target == nil {
		b.target = b.G.Input("target", b.B, b.DOut)
	}
	return b.target
}

// Matrix declares a trained [rows,cols] tensor.
func (b *Builder) Matrix(name string, rows, cols int, init Init, f Flags) *Param {
	return b.param(&Param{Name: name, Rows: rows, Cols: cols, Init: init, Flags: f})
}

// Vector declares a trained [n] tensor.
func (b *Builder) Vector(name string, n int, init Init, f Flags) *Param {
	return b.param(&Param{Name: name, Rows: 1, Cols: n, Vector: true, Init: init, Flags: f})
}

func (b *Builder) param(p *Param) *Param {
	p.b = b
	p.node = b.G.Input(p.Name, p.shape()...)
	b.params = append(b.params, p)
	return p
}

// State declares an array of n numbers that start at init.
func (b *Builder) State(name string, n int, init float64) *State {
	s := &State{Name: name, Data: make([]float64, n)}
	for i := range s.Data {
		s.Data[i] = init
	}
	b.states = append(b.states, s)
	return s
}

// Feed declares an input of the given shape (none for a scalar) that fill
// sets before each run.
func (b *Builder) Feed(name string, fill Fill, shape ...int) *gorgonia.Node {
	n := b.G.Input(name, shape...)
	size := tensor.Shape(shape).TotalSize()
	if len(shape) == 0 {
		size = 1
	}
	b.feeds = append(b.feeds, &feed{node: n, fill: fill, buf: make([]float32, size)})
	return n
}

// Step is the number of the step under way, for coefficients that follow a
// schedule. It is 0 in evaluation.
func (b *Builder) Step() int { return b.step }

// Steps is the length of the run, for the same.
func (b *Builder) Steps() int { return b.settings.TotalSteps() }

// Covered is how far the run is before the step under way, from 0 to 1, in what
// moves weights: the sum of the learning rates of the steps before it, as a share
// of all steps'.
func (b *Builder) Covered() float64 { return b.optimizer.covered(b.step, b.Steps()) }

// Rate is the learning rate of the step under way.
func (b *Builder) Rate() float64 { return b.optimizer.rate(b.step, b.Steps()) }

// Variance is that of the rows of the last run about their mean, summed over
// coordinates, for Out.After of a training step, whose batch is full.
func (b *Builder) Variance() float64 {
	x := b.rows()
	mean, sum := make([]float64, b.D), 0.0
	for i, v := range x {
		mean[i%b.D] += float64(v) / float64(b.B)
	}
	for i, v := range x {
		d := float64(v) - mean[i%b.D]
		sum += d * d / float64(b.B)
	}
	return sum
}

// L0 is the mean number of values of a row that are not zero, of the last run
// of a training step, for Out.After.
func (b *Builder) L0() float64 { return b.last().L0() }

// Select adds a selection among the latents with weights w [F,D] and bias
// [F] (nil for none) for rows x [B,D], with room for capacity entries to
// start with. rule is asked before each run. after names nodes that must
// have run before.
func (b *Builder) Select(x, w, bias *gorgonia.Node, capacity int, rule func() kernel.Rule, after ...*gorgonia.Node) *sparseop.Support {
	return b.SelectBy(x, w, bias, capacity, b.Picker(rule), after...)
}

// Selector is a new one that screens as the settings say. Weights change in
// training only.
func (b *Builder) Selector() *kernel.Selector {
	s := kernel.NewSelector(b.G.Pool)
	s.Screen, s.Fixed = b.screen(), !b.Train
	return s
}

// screen is how selections screen.
func (b *Builder) screen() kernel.Screen {
	switch b.settings.Screen {
	case "off":
		return kernel.ScreenOff
	case "statistical":
		return kernel.ScreenStatistical
	}
	return kernel.ScreenAuto
}

// Picker picks by a rule that is asked before each run.
func (b *Builder) Picker(rule func() kernel.Rule) sparseop.Picker {
	selector := b.Selector()
	return func(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
		return selector.Select(dst, x, w, bias, rows, d, f, rule())
	}
}

// SelectBy is Select with a picker of the variant's own.
func (b *Builder) SelectBy(x, w, bias *gorgonia.Node, capacity int, pick sparseop.Picker, after ...*gorgonia.Node) *sparseop.Support {
	return b.selected(b.G.Select(x, w, bias, b.room(capacity), pick, after...))
}

// SelectWith is SelectBy for a picker that reads the nodes more too.
func (b *Builder) SelectWith(x, w, bias *gorgonia.Node, more []*gorgonia.Node, capacity int, pick sparseop.WidePicker, after ...*gorgonia.Node) *sparseop.Support {
	return b.selected(b.G.SelectWith(x, w, bias, more, b.room(capacity), pick, after...))
}

// room is the capacity of the next selection: what it asks for, or what it
// turned out to need.
func (b *Builder) room(capacity int) int {
	b.asked = append(b.asked, capacity)
	return max(capacity, b.capacity[len(b.selects)])
}

func (b *Builder) selected(s *sparseop.Support) *sparseop.Support {
	b.selects = append(b.selects, s)
	return s
}

// MeanSquared adds the mean over rows of the squared error summed over
// coordinates, for y and x [B,D].
func (b *Builder) MeanSquared(y, x *gorgonia.Node) *gorgonia.Node {
	return b.G.SquaredError(y, x, 1/float64(b.B))
}

// Constant is a coefficient that does not change.
func Constant(c float64) sparseop.Coefficient { return func() float64 { return c } }
