package sparseop

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// A CapacityError says that a batch keeps more entries than the graph has
// room for. Nothing was clipped: whoever runs the graph compiles it again
// with at least Need and repeats the batch.
type CapacityError struct {
	Support *Support
	Need    int
}

func (e *CapacityError) Error() string {
	return fmt.Sprintf("sparseop: a batch keeps %d latents in all, the graph has room for %d", e.Need, e.Support.Cap)
}

// A Picker fills dst with the latents that rows x [rows,D] keep of those with
// weights w [F,D] and bias [F] (nil for none). kernel.Selector behind a Rule
// is the usual one.
type Picker func(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error

// A WidePicker is a Picker that reads further arrays, the values of the nodes
// that its selection was given, in their order.
type WidePicker func(dst *kernel.Support, x, w, bias []float32, more [][]float32, rows, d, f int) error

// Select adds a selection: pick decides which latents each row of x [B,D]
// keeps; bias [F] may be nil. It has room for capacity entries. The result
// is a constant to backpropagation. Inputs after name nodes that must have
// run before, such as the counters that say which latents are dead.
func (g *Graph) Select(x, w, bias *gorgonia.Node, capacity int, pick Picker, after ...*gorgonia.Node) *Support {
	return g.SelectWith(x, w, bias, nil, capacity, func(dst *kernel.Support, x, w, bias []float32, _ [][]float32, rows, d, f int) error {
		return pick(dst, x, w, bias, rows, d, f)
	}, after...)
}

// SelectWith is Select for a picker that reads the nodes more too, tensors of
// any shape.
func (g *Graph) SelectWith(x, w, bias *gorgonia.Node, more []*gorgonia.Node, capacity int, pick WidePicker, after ...*gorgonia.Node) *Support {
	b, d, f := x.Shape()[0], x.Shape()[1], w.Shape()[0]
	want("Select's weight", w, f, d)
	in := []*gorgonia.Node{x, w}
	if bias != nil {
		want("Select's bias", bias, f)
		in = append(in, bias)
	}
	s := &Support{B: b, F: f, Cap: max(capacity, 1), Rows: b}
	sel := selection{s: s, pick: pick, d: d, bias: bias != nil, more: len(more)}
	in = append(append(in, more...), after...)
	s.Node = g.apply(spec{
		name: "select", shape: tensor.Shape{s.Cap}, wrt: make([]bool, len(in)),
		f32: &selectRun[float32]{selection: sel}, f64: &selectRun[float64]{selection: sel},
	}, in...)
	return s
}

type selection struct {
	s    *Support
	pick WidePicker
	d    int
	bias bool
	more int // further inputs that pick reads
}

type selectRun[T float] struct {
	selection
	x, w, b []float32   // float32 copies of float64 inputs
	wide    [][]float32 // the further inputs
}

func (r *selectRun[T]) Run(dst gorgonia.Value, in []gorgonia.Value) error {
	s := r.s
	if err := r.choose(in); err != nil {
		return err
	}
	if n := s.Count(); n > s.Cap {
		return &CapacityError{Support: s, Need: n}
	}
	s.finish()
	out := data[T](dst)
	for i, v := range s.csr.Score {
		out[i] = T(v)
	}
	clear(out[s.Count():])
	return nil
}

func (r *selectRun[T]) choose(in []gorgonia.Value) error {
	r.x, r.w = single[T](r.x, in[0]), single[T](r.w, in[1])
	first := 2
	if r.bias {
		r.b = single[T](r.b, in[2])
		first = 3
	}
	r.wide = grow(r.wide, r.more)
	for i := range r.wide {
		r.wide[i] = single[T](r.wide[i], in[first+i])
	}
	return r.pick(&r.s.csr, r.x[:r.s.Rows*r.d], r.w, r.b, r.wide, r.s.Rows, r.d, r.s.F)
}

// single views v as float32, through buf where it is float64.
func single[T float](buf []float32, v gorgonia.Value) []float32 {
	if x, ok := any(data[T](v)).([]float32); ok {
		return x
	}
	x := data[T](v)
	buf = grow(buf, len(x))
	for i, xi := range x {
		buf[i] = float32(xi)
	}
	return buf
}
