package sae

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/sparseop"
)

// A machine runs the part of a Gorgonia graph that its roots need, in the
// order in which the nodes were made, which is a topological order. Unlike
// Gorgonia's tape machine it gives each node memory of its own, once, so
// that any value may be read after a run and a step allocates nothing.
type machine struct {
	values []gorgonia.Value // by node id
	steps  []instruction
	stages map[string]time.Duration // time by name of op, when timed
	held   bool                     // ops that no gradient flows through keep their values

	first int // steps that come before those that may wait
}

type instruction struct {
	node   *gorgonia.Node
	in     []int
	args   []gorgonia.Value
	stage  string // under which its time is added up
	frozen bool   // no gradient flows to any input
}

// newMachine compiles what roots need. bound gives the values of inputs; an
// input that is not bound is allocated.
func newMachine(g *sparseop.Graph, bound map[*gorgonia.Node]gorgonia.Value, roots ...*gorgonia.Node) *machine {
	m := &machine{values: make([]gorgonia.Value, len(g.Expr.AllNodes()))}
	for _, n := range reachable(g, roots) {
		id := int(n.ID())
		if of := shared(n); of != nil {
			m.values[id] = m.values[of.ID()]
			continue
		}
		switch {
		case bound[n] != nil:
			m.values[id] = bound[n]
		case n.Value() != nil: // a constant
			m.values[id] = n.Value()
		default:
			m.values[id] = sparseop.NewValue(n.Dtype(), n.Shape())
		}
		if n.Op() != nil && n.Value() == nil {
			in := inputs(g, n)
			m.steps = append(m.steps, instruction{
				node: n, in: in, args: make([]gorgonia.Value, len(in)), stage: stageName(n), frozen: frozen(n, len(in)),
			})
		}
	}
	return m
}

// shared is the node whose value n may stand for, nil for none. A Stop in float64,
// for the check of gradients, keeps its value while what it was made of moves; and
// an op of Gorgonia's own has another value after each run.
func shared(n *gorgonia.Node) *gorgonia.Node {
	of := sparseop.Stopped(n)
	if of == nil || n.Dtype() != tensor.Float32 {
		return nil
	}
	if _, ours := of.Op().(sparseop.Runner); of.Op() != nil && !ours {
		return nil
	}
	return of
}

func frozen(n *gorgonia.Node, inputs int) bool {
	op, ok := n.Op().(gorgonia.SDOp)
	return !ok || !slices.Contains(op.DiffWRT(inputs), true)
}

// reachable lists what roots depend on, roots too, by id.
func reachable(g *sparseop.Graph, roots []*gorgonia.Node) []*gorgonia.Node {
	all := map[int64]*gorgonia.Node{}
	for _, n := range g.Expr.AllNodes() {
		all[n.ID()] = n
	}
	seen := map[int64]bool{}
	var found []*gorgonia.Node
	for stack := append([]*gorgonia.Node{}, roots...); len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[n.ID()] {
			continue
		}
		seen[n.ID()] = true
		found = append(found, n)
		for _, id := range inputs(g, n) {
			stack = append(stack, all[int64(id)])
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].ID() < found[j].ID() })
	return found
}

func inputs(g *sparseop.Graph, n *gorgonia.Node) (ids []int) {
	for it := g.Expr.From(n.ID()); it.Next(); {
		ids = append(ids, int(it.Node().ID()))
	}
	return ids
}

// bringForward moves what nodes need, and nothing else, before the other steps.
func (m *machine) bringForward(g *sparseop.Graph, nodes []*gorgonia.Node) {
	needed := map[*gorgonia.Node]bool{}
	for _, n := range reachable(g, nodes) {
		needed[n] = true
	}
	slices.SortStableFunc(m.steps, func(a, b instruction) int {
		switch {
		case needed[a.node] == needed[b.node]:
			return 0
		case needed[a.node]:
			return -1
		}
		return 1
	})
	m.first = slices.IndexFunc(m.steps, func(s instruction) bool { return !needed[s.node] })
	if m.first < 0 {
		m.first = len(m.steps)
	}
}

func (m *machine) value(n *gorgonia.Node) gorgonia.Value { return m.values[n.ID()] }

// run computes every node.
func (m *machine) run() error { return m.compute(m.steps) }

// compute computes the nodes of steps. An op of Gorgonia's own returns a new
// value.
func (m *machine) compute(steps []instruction) error {
	for i := range steps {
		s := &steps[i]
		if m.held && s.frozen {
			continue
		}
		for j, id := range s.in {
			s.args[j] = m.values[id]
		}
		start := time.Time{}
		if m.stages != nil {
			start = time.Now()
		}
		if err := m.exec(s); err != nil {
			return err
		}
		if m.stages != nil {
			m.stages[s.stage] += time.Since(start)
		}
	}
	return nil
}

func (m *machine) exec(s *instruction) error {
	id := s.node.ID()
	if r, ok := s.node.Op().(sparseop.Runner); ok {
		return r.Run(m.values[id], s.args)
	}
	v, err := s.node.Op().Do(s.args...)
	if err != nil {
		return fmt.Errorf("sae: op %v: %w", s.node.Op(), err)
	}
	m.values[id] = v
	return nil
}

// stageName is the op's name without the number that makes it unique.
func stageName(n *gorgonia.Node) string {
	name := n.Op().String()
	for i, c := range name {
		if c == '#' {
			return name[:i]
		}
	}
	return name
}

// float32s views a value in float32; a scalar is a slice of length 1 and a
// copy.
func float32s(v gorgonia.Value) []float32 {
	switch v := v.(type) {
	case *tensor.Dense:
		return v.Float32s()
	case *gorgonia.F32:
		return []float32{float32(*v)}
	}
	return nil
}

func scalarOf(v gorgonia.Value) float64 {
	switch v := v.(type) {
	case *gorgonia.F32:
		return float64(*v)
	case *gorgonia.F64:
		return float64(*v)
	}
	return 0
}
