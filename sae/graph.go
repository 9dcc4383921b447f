package sae

import (
	"errors"
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

// A Graph is a variant compiled for one size of batch, with the weights it
// runs on. It is not safe for concurrent use.
type Graph struct {
	Dims
	Params  []*Param
	Weights map[string][]float32 // by parameter name; shared with the trainer
	States  []*State

	b        *Builder
	out      Out
	m        *machine
	parts    [][]part // of each parameter's gradient
	variant  Variant
	options  compileOptions
	capacity map[int]int
	copier   kernel.Copier
	roomy    int  // runs in a row that filled little of a selection's room
	waiting  bool // what follows the codes has not been computed for the last batch
}

type compileOptions struct {
	train    bool
	dtype    tensor.Dtype
	seed     uint64
	settings TrainSettings
	pool     *kernel.Pool

	optimizer OptimizerSettings // of training
}

// A part is one term of a parameter's gradient: an SpMMT left unevaluated,
// or a node of the parameter's shape.
type part struct {
	v, x    *gorgonia.Node
	support *sparseop.Support
	dense   *gorgonia.Node
}

// compile builds v's graph. Weights and states that exist already keep their
// values, so that a graph can be compiled again with more capacity.
func compile(v Variant, d Dims, o compileOptions, weights map[string][]float32, capacity map[int]int) (g *Graph, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sae: building the graph of %T: %v", v, p)
		}
	}()
	sg := sparseop.NewGraph(o.dtype, o.pool)
	b := &Builder{Dims: d, Train: o.train, G: sg, Seed: o.seed, capacity: capacity, settings: o.settings, optimizer: o.optimizer}
	b.x = sg.Input("x", d.B, d.D)
	g = &Graph{Dims: d, b: b, variant: v, options: o, Weights: weights, capacity: capacity}
	g.out = v.Build(b)
	b.rows = func() []float32 { return float32s(g.m.value(b.x)) }
	b.last = func() Encoded { return g.encoded(g.out.Codes.Support.Rows) }
	if o.train && b.dead == nil {
		b.Dead(g.out.Codes, 0)
	}
	g.Params, g.States = b.params, b.states
	if weights == nil {
		g.Weights = map[string][]float32{}
	}
	g.initialise()
	if err := g.differentiate(); err != nil {
		return nil, err
	}
	g.m = newMachine(sg, g.bindings(), g.roots()...)
	if !o.train {
		g.m.bringForward(sg, g.codes())
	}
	return g, nil
}

// codes are the nodes that make the codes, and whatever else selects latents:
// what comes after them fails on no batch.
func (g *Graph) codes() []*gorgonia.Node {
	nodes := []*gorgonia.Node{g.out.Codes.Values}
	for _, s := range g.b.selects {
		nodes = append(nodes, s.Node)
	}
	return nodes
}

// initialise gives a value to each parameter that has none.
func (g *Graph) initialise() {
	for _, p := range g.Params {
		if _, ok := g.Weights[p.Name]; ok {
			continue
		}
		w := kernel.Floats(p.Len())
		p.Init(w, p, g.options.seed, g.Weights)
		g.Weights[p.Name] = w
	}
}

func (g *Graph) differentiate() error {
	if !g.options.train {
		return nil
	}
	var wrt []*gorgonia.Node
	for _, p := range g.Params {
		wrt = append(wrt, p.uses...)
	}
	grads, err := sparseop.Grad(g.out.Loss, wrt...)
	if err != nil {
		return fmt.Errorf("sae: differentiating %T: %w", g.variant, err)
	}
	for _, p := range g.Params {
		var parts []part
		for i := range p.uses {
			if grads[i] != nil {
				parts = append(parts, g.partOf(grads[i]))
			}
		}
		grads = grads[len(p.uses):]
		g.parts = append(g.parts, parts)
	}
	return nil
}

// partOf leaves an SpMMT to the optimiser in float32; a float64 graph, which
// only checks gradients, evaluates it.
func (g *Graph) partOf(n *gorgonia.Node) part {
	if v, x, s, ok := sparseop.TransposeTerm(n); ok && g.options.dtype == tensor.Float32 {
		return part{v: v, x: x, support: s}
	}
	return part{dense: n}
}

func (g *Graph) roots() []*gorgonia.Node {
	roots := []*gorgonia.Node{g.out.Codes.Values, g.out.Recon}
	for _, n := range g.out.Extra {
		roots = append(roots, n)
	}
	if !g.options.train {
		return roots
	}
	roots = append(roots, g.out.Loss, g.b.dead.Node)
	for _, n := range g.out.Terms {
		roots = append(roots, n)
	}
	for _, parts := range g.parts {
		for _, p := range parts {
			if p.dense != nil {
				roots = append(roots, p.dense)
			} else {
				roots = append(roots, p.v, p.x)
			}
		}
	}
	return roots
}

// bindings gives parameters and their aliases the weights themselves; a
// float64 graph gets copies.
func (g *Graph) bindings() map[*gorgonia.Node]gorgonia.Value {
	bound := map[*gorgonia.Node]gorgonia.Value{}
	for _, p := range g.Params {
		v := g.asValue(g.Weights[p.Name], p.shape())
		for _, n := range append(p.uses, p.node) {
			bound[n] = v
		}
	}
	return bound
}

func (g *Graph) asValue(w []float32, shape []int) gorgonia.Value {
	if g.options.dtype == tensor.Float32 {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(w))
	}
	wide := make([]float64, len(w))
	for i, x := range w {
		wide[i] = float64(x)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(wide))
}

// run computes the graph on a batch of up to B rows. If a selection keeps
// more than fits, the graph is compiled again with room and run again;
// nothing is clipped.
func (g *Graph) run(step int, in *activations.Batch) error {
	if err := g.shrink(); err != nil {
		return err
	}
	for {
		if err := g.set(step, in); err != nil {
			return err
		}
		err := g.compute()
		var full *sparseop.CapacityError
		if !errors.As(err, &full) {
			return err
		}
		if err := g.enlarge(full); err != nil {
			return err
		}
	}
}

// compute computes the whole graph in training. A model's may wait for what
// follows the codes until someone asks: see decode.
func (g *Graph) compute() error {
	if g.options.train {
		return g.m.run()
	}
	g.waiting = true
	return g.m.compute(g.m.steps[:g.m.first])
}

// decode computes what compute left for later. Sizes were settled when the graph
// was compiled, so that an error here is a mistake in an op.
func (g *Graph) decode() {
	if !g.waiting {
		return
	}
	g.waiting = false
	if err := g.m.compute(g.m.steps[g.m.first:]); err != nil {
		panic(err)
	}
}

// set puts the batch, padded with zero rows, and the feeds into the graph.
func (g *Graph) set(step int, in *activations.Batch) error {
	if in.D != g.D || in.N > g.B {
		return fmt.Errorf("sae: a batch of %d rows of width %d does not fit a graph for %d rows of width %d", in.N, in.D, g.B, g.D)
	}
	g.b.step = step
	g.put(g.b.x, in.X)
	if err := g.putColumn("gradient", g.b.gradient, in.Gradient); err != nil {
		return err
	}
	if err := g.putColumn("target", g.b.target, in.Target); err != nil {
		return err
	}
	for _, s := range g.b.selects {
		s.Rows = in.N
	}
	for _, f := range g.b.feeds {
		if err := f.fill(f.buf, step, in); err != nil {
			return err
		}
		g.put(f.node, f.buf)
	}
	return nil
}

func (g *Graph) putColumn(name string, n *gorgonia.Node, x []float32) error {
	if n == nil || g.m.value(n) == nil {
		return nil
	}
	if x == nil {
		return fmt.Errorf("sae: the dump has no column %s, which this variant needs", name)
	}
	g.put(n, x)
	return nil
}

// put copies x into an input and zeroes the rest. An input that nothing
// needs has no value.
func (g *Graph) put(n *gorgonia.Node, x []float32) {
	switch v := g.m.value(n).(type) {
	case nil:
	case *gorgonia.F32:
		*v = gorgonia.F32(x[0])
	case *gorgonia.F64:
		*v = gorgonia.F64(x[0])
	case *tensor.Dense:
		if g.options.dtype == tensor.Float32 {
			dst := v.Float32s()
			x = x[:min(len(x), len(dst))]
			if len(x) > 0 && &x[0] != &dst[0] {
				g.copier.Copy(g.options.pool, dst, x)
			}
			clear(dst[len(x):])
			return
		}
		dst := v.Float64s()
		clear(dst)
		for i, xi := range x {
			dst[i] = float64(xi)
		}
	}
}
