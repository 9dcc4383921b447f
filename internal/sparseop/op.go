package sparseop

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Runner computes into a value that was allocated once. Every op of this
// package is one; a machine that runs them this way allocates nothing.
type Runner interface {
	Run(dst gorgonia.Value, in []gorgonia.Value) error
}

// diff returns the gradient with respect to each input that is
// differentiable, and nil for the others.
type diff func(in gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes

// An op is the one implementation of Gorgonia's interfaces; what differs is
// in its fields.
type op struct {
	name  string
	id    int // ops may hold state, so no two are ever merged by hash
	in    []hm.Type
	out   hm.Type
	dtype tensor.Dtype
	shape tensor.Shape
	wrt   []bool // which inputs a gradient flows to
	run   Runner
	diff  diff

	some    func(in []gorgonia.Value) bool // false where the value is zeros; nil for always
	resting bool                           // it is, since a run before
}

func (o *op) Arity() int { return len(o.in) }

// Type returns a fresh function type, because Gorgonia recycles it.
func (o *op) Type() hm.Type {
	return hm.NewFnType(append(append([]hm.Type{}, o.in...), o.out)...)
}

func (o *op) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) { return o.shape.Clone(), nil }
func (o *op) ReturnsPtr() bool                                      { return true }
func (o *op) CallsExtern() bool                                     { return false }
func (o *op) OverwritesInput() int                                  { return -1 }
func (o *op) WriteHash(h hash.Hash)                                 { fmt.Fprintf(h, "%s#%d", o.name, o.id) }
func (o *op) String() string                                        { return fmt.Sprintf("%s#%d", o.name, o.id) }
func (o *op) DiffWRT(int) []bool                                    { return o.wrt }

func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// Do computes into a new value.
func (o *op) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	dst := NewValue(o.dtype, o.shape)
	return dst, o.run.Run(dst, in)
}

func (o *op) UsePreallocDo(dst gorgonia.Value, in ...gorgonia.Value) (gorgonia.Value, error) {
	return dst, o.run.Run(dst, in)
}

func (o *op) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	if o.some == nil || o.some(in) {
		o.resting = false
		return o.run.Run(dst, in)
	}
	if !o.resting {
		o.resting = true
		zero(dst)
	}
	return nil
}

// Zeros makes the value of n, an op of this package, zeros in runs where on is
// not true, which then costs nothing: for what is multiplied by 0. on is asked
// when all nodes made before n have run.
func Zeros(n *gorgonia.Node, on func() bool) *gorgonia.Node {
	n.Op().(*op).some = func([]gorgonia.Value) bool { return on() }
	return n
}

func zero(v gorgonia.Value) {
	if d, ok := v.(*tensor.Dense); ok {
		d.Zero()
		return
	}
	setScalar(v, 0)
}

func (o *op) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if o.diff == nil {
		return nil, fmt.Errorf("sparseop: %s has no gradient", o.name)
	}
	return o.diff(in, out, grad), nil
}

// NewValue allocates a zero value: a scalar for an empty shape, otherwise a
// dense tensor. dtype is tensor.Float32 or tensor.Float64.
func NewValue(dtype tensor.Dtype, shape tensor.Shape) gorgonia.Value {
	switch {
	case len(shape) > 0:
		return tensor.New(tensor.Of(dtype), tensor.WithShape(shape...))
	case dtype == tensor.Float64:
		return gorgonia.NewF64(0)
	default:
		return gorgonia.NewF32(0)
	}
}
