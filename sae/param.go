package sae

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Param is a trained tensor, [Rows,Cols], or a vector [Cols] with Rows 1.
// Its flags are all that a variant may ask of the optimiser.
type Param struct {
	Name       string
	Rows, Cols int
	Vector     bool
	Init       Init
	Flags      Flags

	b    *Builder
	node *gorgonia.Node   // for ops that no gradient flows through
	uses []*gorgonia.Node // one alias a use, so that parts of the gradient stay apart
}

// Flags are properties of a Param that the trainer keeps.
type Flags struct {
	UnitRows bool // rows are kept at L2 norm 1
	Tangent  bool // the part of the gradient along each row is removed
	FromData bool // a decoder bias, set from the first batch as settings say
	FromRows bool // a decoder, whose rows may start from those of the first batch
	NonNeg   bool // entries below 0 are brought to 0, at the start and after each update
}

// An Init fills dst [Rows,Cols] with the starting value of a parameter. made
// holds the parameters that were declared before.
type Init func(dst []float32, p *Param, seed uint64, made map[string][]float32)

// Node is the parameter as a constant, for selections and other ops that
// have no gradient.
func (p *Param) Node() *gorgonia.Node { return p.node }

// Held is Node for ops that a gradient does flow through, to their other
// inputs. The gradient check, which moves parameters, does not move it.
func (p *Param) Held() *gorgonia.Node {
	if p.b.G.Dtype == tensor.Float64 {
		return p.b.G.Stop(p.node)
	}
	return p.node
}

// Use is the parameter as something to differentiate by. Each call adds a
// node for the same values, so that the parts of the gradient stay apart: call
// it once for each place in the formulas.
func (p *Param) Use() *gorgonia.Node {
	n := p.b.G.Alias(p.Name, p.shape()...)
	p.uses = append(p.uses, n)
	return n
}

func (p *Param) shape() []int {
	if p.Vector {
		return []int{p.Cols}
	}
	return []int{p.Rows, p.Cols}
}

// Len is the number of entries.
func (p *Param) Len() int { return p.Rows * p.Cols }
