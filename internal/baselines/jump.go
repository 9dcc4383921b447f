package baselines

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
)

type float interface{ float32 | float64 }

// jump is the discontinuous ops of JumpReLU and the gradients that stand in for
// theirs: with the rectangle K(u) = [|u| < 1/2] and width ε,
//
//	∂z/∂θ = -(θ/ε)·K((h-θ)/ε)        ∂[h>θ]/∂θ = -(1/ε)·K((h-θ)/ε)
//
// (Rajamanoharan et al. 2024, equations 11 and 12).
type jump struct {
	g       *sparseop.Graph
	width   float64
	toInput bool // the same with the other sign by h
	smooth  bool // results are the integral of their gradients by θ, for a test
}

// values adds z = h where h > t, else 0, [Cap].
func (j jump) values(h, t *gorgonia.Node) *gorgonia.Node {
	f := sparseop.Func{F32: jumped[float32], F64: jumped[float64]}
	if j.smooth {
		f = sparseop.Func{F32: ramp[float32](j.width), F64: ramp[float64](j.width)}
	}
	return j.g.Custom("jump", h.Shape(), f, func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		through := sparseop.Func{F32: passed[float32], F64: passed[float64]}
		up := j.g.Custom("jumpBack", h.Shape(), through, nil, in[0], in[1], grad)
		return j.straight(in, grad, up, j.window(func(t float64) float64 { return t }))
	}, h, t)
}

// steps adds 1 where h > t, else 0, [Cap].
func (j jump) steps(h, t *gorgonia.Node) *gorgonia.Node {
	wrt := []bool{j.toInput, true}
	f := sparseop.Func{F32: stepped[float32], F64: stepped[float64]}
	if j.smooth {
		f = sparseop.Func{F32: slope[float32](j.width), F64: slope[float64](j.width)}
	}
	return j.g.CustomWRT("step", h.Shape(), f, wrt,
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return j.straight(in, grad, nil, j.window(func(float64) float64 { return 1 }))
		}, h, t)
}

// straight gives the gradients by h and t: up, if any, and what the window
// makes of grad.
func (j jump) straight(in gorgonia.Nodes, grad, up *gorgonia.Node, window sparseop.Func) gorgonia.Nodes {
	through := j.g.Custom("straight", grad.Shape(), window, nil, in[0], in[1], grad)
	switch byInput := j.g.Scale(through, -1); {
	case !j.toInput:
	case up == nil:
		up = byInput
	default:
		up = j.g.Add(up, byInput)
	}
	return gorgonia.Nodes{up, through}
}

// window is -(size(t)/ε)·grad within the window, else 0.
func (j jump) window(size func(t float64) float64) sparseop.Func {
	return sparseop.Func{F32: windowed[float32](j.width, size), F64: windowed[float64](j.width, size)}
}

func windowed[T float](width float64, size func(t float64) float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		for i, h := range in[0] {
			t := float64(in[1][i])
			dst[i] = 0
			if math.Abs(float64(h)-t) < width/2 {
				dst[i] = T(-size(t) / width * float64(in[2][i]))
			}
		}
	}
}

func jumped[T float](dst []T, in [][]T) {
	for i, h := range in[0] {
		dst[i] = 0
		if h > in[1][i] {
			dst[i] = h
		}
	}
}

func stepped[T float](dst []T, in [][]T) {
	for i, h := range in[0] {
		dst[i] = 0
		if h > in[1][i] {
			dst[i] = 1
		}
	}
}

func passed[T float](dst []T, in [][]T) {
	for i, h := range in[0] {
		dst[i] = 0
		if h > in[1][i] {
			dst[i] = in[2][i]
		}
	}
}

// ramp falls within the window from h, by the integral of θ/ε, to 0: its slope
// by the threshold is exactly the one that stands in for the jump's.
func ramp[T float](width float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		for i, v := range in[0] {
			h := float64(v)
			t := min(max(float64(in[1][i]), h-width/2), h+width/2)
			dst[i] = T(h - (t*t-(h-width/2)*(h-width/2))/(2*width))
		}
	}
}

// slope falls within the window from 1 to 0.
func slope[T float](width float64) func(dst []T, in [][]T) {
	return func(dst []T, in [][]T) {
		for i, h := range in[0] {
			dst[i] = T(min(max((float64(h)-float64(in[1][i]))/width+0.5, 0), 1))
		}
	}
}

// tanh adds tanh(x) elementwise.
func tanh(g *sparseop.Graph, x *gorgonia.Node) *gorgonia.Node {
	return g.Custom("tanh", x.Shape(), sparseop.Func{F32: tanhs[float32], F64: tanhs[float64]},
		func(_ gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes {
			back := sparseop.Func{F32: tanhsBack[float32], F64: tanhsBack[float64]}
			return gorgonia.Nodes{g.Custom("tanhBack", x.Shape(), back, nil, out, grad)}
		}, x)
}

func tanhs[T float](dst []T, in [][]T) {
	for i, v := range in[0] {
		dst[i] = T(math.Tanh(float64(v)))
	}
}

func tanhsBack[T float](dst []T, in [][]T) {
	for i, v := range in[0] {
		dst[i] = in[1][i] * (1 - v*v)
	}
}

// constant is an array of x's shape with c everywhere.
func constant(g *sparseop.Graph, x *gorgonia.Node, c float64) *gorgonia.Node {
	return g.Custom("constant", x.Shape(), sparseop.Func{F32: filled[float32](c), F64: filled[float64](c)}, nil, x)
}

func filled[T float](c float64) func(dst []T, _ [][]T) {
	return func(dst []T, _ [][]T) {
		for i := range dst {
			dst[i] = T(c)
		}
	}
}
