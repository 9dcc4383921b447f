package sparseop

import (
	"gorgonia.org/gorgonia"
)

// Grad adds the gradient of the scalar loss by each of wrt, nil where none
// flows. A Gorgonia graph can be differentiated once: a second call finds
// the first one's derivatives in its nodes and adds them up.
func Grad(loss *gorgonia.Node, wrt ...*gorgonia.Node) (gorgonia.Nodes, error) {
	reached := reachedBy(loss)
	grads := make(gorgonia.Nodes, len(wrt))
	var at []int
	var flows gorgonia.Nodes
	for i, n := range wrt {
		if reached[n] {
			at, flows = append(at, i), append(flows, n)
		}
	}
	if len(flows) == 0 {
		return grads, nil
	}
	found, err := gorgonia.Grad(loss, flows...)
	if err != nil {
		return nil, err
	}
	for i, n := range found {
		grads[at[i]] = n
	}
	return grads, nil
}

// reachedBy lists the nodes that a gradient of n flows to.
func reachedBy(n *gorgonia.Node) map[*gorgonia.Node]bool {
	reached := map[*gorgonia.Node]bool{n: true}
	for stack := []*gorgonia.Node{n}; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, child := range differentiable(n) {
			if !reached[child] {
				reached[child] = true
				stack = append(stack, child)
			}
		}
	}
	return reached
}

// differentiable lists the inputs of n that a gradient flows to.
func differentiable(n *gorgonia.Node) (flows []*gorgonia.Node) {
	op, ok := n.Op().(gorgonia.SDOp)
	if !ok {
		return nil
	}
	in := children(n)
	for i, yes := range op.DiffWRT(len(in)) {
		if yes {
			flows = append(flows, in[i])
		}
	}
	return flows
}
