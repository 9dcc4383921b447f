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

// Select adds a selection: pick decides which latents each row of x [B,D]
// keeps; bias [F] may be nil. It has room for capacity entries. The result
// is a constant to backpropagation. Inputs after name nodes that must have
// run before, such as the counters that say which latents are dead.
func (g *Graph) Select(x, w, bias *gorgonia.Node, capacity int, pick Picker, after ...*gorgonia.Node) *Support {
	b, d, f := x.Shape()[0], x.Shape()[1], w.Shape()[0]
	want("Select's weight", w, f, d)
	in := []*gorgonia.Node{x, w}
	if bias != nil {
		want("Select's bias", bias, f)
		in = append(in, bias)
	}
	s := &Support{B: b, F: f, Cap: max(capacity, 1), Rows: b}
	sel := selection{s: s, pick: pick, d: d, bias: bias != nil}
	in = append(in, after...)
	s.Node = g.apply(spec{
		name: "select", shape: tensor.Shape{s.Cap}, wrt: make([]bool, len(in)),
		f32: &selectRun[float32]{selection: sel}, f64: &selectRun[float64]{selection: sel},
	}, in...)
	return s
}

type selection struct {
	s    *Support
	pick Picker
	d    int
	bias bool
}

type selectRun[T float] struct {
	selection
	x, w, b []float32 // float32 copies of float64 inputs
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
	if r.bias {
		r.b = single[T](r.b, in[2])
	}
	return r.pick(&r.s.csr, r.x[:r.s.Rows*r.d], r.w, r.b, r.s.Rows, r.d, r.s.F)
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
