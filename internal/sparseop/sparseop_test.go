package sparseop

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/internal/kernel"
)

// built is a case in a graph.
type built struct {
	g      *Graph
	shapes [][]int
	in     []*gorgonia.Node
	out    *gorgonia.Node
}

func build(c opCase, dtype tensor.Dtype, pool *kernel.Pool, z sizes, s rows) built {
	g := NewGraph(dtype, pool)
	b := built{g: g, shapes: c.shapes(z)}
	sup := s.support(g, z)
	for i, shape := range b.shapes {
		b.in = append(b.in, g.Input(fmt.Sprintf("in%d", i), shape...))
	}
	b.out = c.build(g, sup, b.in)
	return b
}

// bind gives nodes the values x in the dtype of the graph.
func (b built) bind(nodes []*gorgonia.Node, x [][]float64) map[*gorgonia.Node]gorgonia.Value {
	bound := map[*gorgonia.Node]gorgonia.Value{}
	for i, n := range nodes {
		bound[n] = value(b.g.Dtype, n.Shape(), x[i])
	}
	return bound
}

func (b built) random(r *rand.Rand) [][]float64 {
	var x [][]float64
	for _, shape := range b.shapes {
		x = append(x, normals(r, count(shape)))
	}
	return x
}

// forEach runs f for every op on every kind of support.
func forEach(t *testing.T, z sizes, f func(t *testing.T, c opCase, s rows)) {
	for _, c := range opCases() {
		for kind, s := range supports(z) {
			t.Run(c.name+"/"+kind, func(t *testing.T) { f(t, c, s) })
		}
	}
}

var small = sizes{B: 13, D: 7, F: 40, Cap: 13*40 + 5}

func TestOpsEqualPlainTwins(t *testing.T) {
	forEach(t, small, func(t *testing.T, c opCase, s rows) {
		for dtype, tol := range map[tensor.Dtype]float64{tensor.Float64: 1e-13, tensor.Float32: 2e-6} {
			b := build(c, dtype, newPool(t, 2), small, s)
			x := b.random(rand.New(rand.NewPCG(3, 4)))
			out, err := evaluate(b.bind(b.in, x), b.out)
			if err != nil {
				t.Fatal(err)
			}
			closeTo(t, dtype.String(), numbers(out[0]), c.twin(small, s, x), tol)
		}
	})
}

// probe is <p, y> as a node.
func probe(g *Graph, y *gorgonia.Node, name string) (loss, p *gorgonia.Node) {
	p = g.Input(name, y.Shape()...)
	return g.Sum(g.Mul(y, p), 1), p
}

// shifted is x + h·u.
func shifted(x, u [][]float64, h float64) [][]float64 {
	y := make([][]float64, len(x))
	for i := range x {
		y[i] = append([]float64{}, x[i]...)
		addScaled(y[i], h, u[i])
	}
	return y
}

// TestGradients compares backpropagation with central differences of the
// plain twin along one random direction through all inputs.
func TestGradients(t *testing.T) {
	forEach(t, small, func(t *testing.T, c opCase, s rows) {
		r := rand.New(rand.NewPCG(5, 6))
		b := build(c, tensor.Float64, newPool(t, 1), small, s)
		loss, p := probe(b.g, b.out, "probe")
		grads, err := Grad(loss, b.in...)
		if err != nil {
			t.Fatal(err)
		}
		x, u, pv := b.random(r), b.random(r), normals(r, count(b.out.Shape()))
		got := slope(t, b, grads, append(x, pv), append(b.in, p), u)
		const h = 1e-5
		up := dot(pv, c.twin(small, s, shifted(x, u, h)))
		down := dot(pv, c.twin(small, s, shifted(x, u, -h)))
		closeTo(t, "slope", []float64{got}, []float64{(up - down) / (2 * h)}, 1e-8)
	})
}

// slope is Σ <grad, u> at the given values.
func slope(t *testing.T, b built, grads gorgonia.Nodes, x [][]float64, nodes []*gorgonia.Node, u [][]float64) float64 {
	t.Helper()
	bound, sum := b.bind(nodes, x), 0.0
	for i, n := range grads {
		if n == nil {
			continue
		}
		v, err := evaluate(bound, n)
		if err != nil {
			t.Fatal(err)
		}
		sum += dot(numbers(v[0]), u[i])
	}
	return sum
}

// TestSecondDerivatives takes the gradient expression of each op as a
// function of its inputs and of the gradient that comes in, and compares its
// own gradient with central differences: the ops are closed under
// differentiation.
func TestSecondDerivatives(t *testing.T) {
	forEach(t, small, func(t *testing.T, c opCase, s rows) {
		r := rand.New(rand.NewPCG(7, 8))
		b := build(c, tensor.Float64, newPool(t, 1), small, s)
		up := b.g.Input("up", b.out.Shape()...)
		first, err := b.out.Op().(gorgonia.SDOp).SymDiff(children(b.out), b.out, up)
		if err != nil {
			t.Fatal(err)
		}
		loss, nodes, x := probeAll(b, first, r)
		nodes, x = append(nodes, up), append(x, normals(r, count(b.out.Shape())))
		nodes, x = append(nodes, b.in...), append(x, b.random(r)...)
		grads, err := Grad(loss, nodes...)
		if err != nil {
			t.Fatal(err)
		}
		var u [][]float64
		for _, n := range nodes {
			u = append(u, normals(r, count(n.Shape())))
		}
		got := slope(t, b, grads, x, nodes, u)
		const h = 1e-5
		at := func(h float64) float64 {
			v, err := evaluate(b.bind(nodes, shifted(x, u, h)), loss)
			if err != nil {
				t.Fatal(err)
			}
			return numbers(v[0])[0]
		}
		closeTo(t, "slope", []float64{got}, []float64{(at(h) - at(-h)) / (2 * h)}, 1e-7)
	})
}

// probeAll sums the probes of the nodes that are not nil.
func probeAll(b built, of gorgonia.Nodes, r *rand.Rand) (loss *gorgonia.Node, nodes []*gorgonia.Node, x [][]float64) {
	var terms []*gorgonia.Node
	var cs []Coefficient
	for i, n := range of {
		if n == nil {
			continue
		}
		l, p := probe(b.g, n, fmt.Sprintf("probe%d", i))
		terms, cs = append(terms, l), append(cs, func() float64 { return 1 })
		nodes, x = append(nodes, p), append(x, normals(r, count(n.Shape())))
	}
	return b.g.Weighted(cs, terms...), nodes, x
}

// TestBitsDependOnNothingElse runs each op in float32 with other numbers of
// threads and other capacities, on shapes that do not divide into blocks.
func TestBitsDependOnNothingElse(t *testing.T) {
	z := sizes{B: 77, D: 19, F: 530}
	for _, c := range opCases() {
		for kind, s := range supports(z) {
			if kind == "everything" {
				continue // the same as "full rows" here, and slow
			}
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				var want []float64
				for i, threads := range []int{1, 2, 5} {
					z := z
					z.Cap = s.count() + 1 + 13*i
					got := bitsOf(t, c, z, s, threads)
					if want == nil {
						want = got
					}
					sameBits(t, fmt.Sprintf("%d threads, capacity %d", threads, z.Cap), got, want)
				}
			})
		}
	}
}

// bitsOf runs a case forward and backward and lists all numbers that do not
// lie in the tail of a values node.
func bitsOf(t *testing.T, c opCase, z sizes, s rows, threads int) (all []float64) {
	b := build(c, tensor.Float32, newPool(t, threads), z, s)
	loss, p := probe(b.g, b.out, "probe")
	grads, err := Grad(loss, b.in...)
	if err != nil {
		t.Fatal(err)
	}
	nodes := append(append([]*gorgonia.Node{}, b.in...), p)
	var x [][]float64
	for i, n := range nodes { // the same numbers whatever the capacity
		x = append(x, normals(rand.New(rand.NewPCG(9, uint64(i))), count(n.Shape())))
	}
	bound := b.bind(nodes, x)
	for _, n := range append(gorgonia.Nodes{b.out}, grads...) {
		if n == nil {
			continue
		}
		v, err := evaluate(bound, n)
		if err != nil {
			t.Fatal(err)
		}
		y := numbers(v[0])
		if n.Dims() == 1 && n.Shape()[0] == z.Cap {
			y = y[:s.count()]
		}
		all = append(all, y...)
	}
	return all
}

func sameBits(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			t.Fatalf("%s: number %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// TestTailIsZero: what is beyond the entries in use is zero even if the value
// held something before.
func TestTailIsZero(t *testing.T) {
	for _, c := range append(sparseCases()[:1], entryCases()[0], entryCases()[2]) {
		for kind, s := range supports(small) {
			b := build(c, tensor.Float32, newPool(t, 1), small, s)
			dst := NewValue(tensor.Float32, b.out.Shape())
			for i := range dst.(*tensor.Dense).Float32s() {
				dst.(*tensor.Dense).Float32s()[i] = 7
			}
			var in []gorgonia.Value
			x := b.random(rand.New(rand.NewPCG(1, 1)))
			for i, shape := range b.shapes {
				in = append(in, value(tensor.Float32, shape, x[i]))
			}
			if err := b.out.Op().(Runner).Run(dst, append(in, nil)); err != nil {
				t.Fatal(err)
			}
			for e, v := range dst.(*tensor.Dense).Float32s()[s.count():] {
				if v != 0 {
					t.Fatalf("%s/%s: tail entry %d is %v", c.name, kind, e, v)
				}
			}
		}
	}
}

// TestSumRowsSkipsProducts: a bias that two codes read from gets its gradient
// without an SpMM or a sum of [B,D].
func TestSumRowsSkipsProducts(t *testing.T) {
	g := NewGraph(tensor.Float32, newPool(t, 1))
	bias, w := g.Input("bias", small.D), g.Input("w", small.F, small.D)
	x := g.AddRow(g.Input("x", small.B, small.D), bias, -1)
	s := supports(small)["random"].support(g, small)
	loss := g.Sum(g.Add(g.SDDMM(x, w, s), g.SDDMM(x, w, s)), 1)
	grads, err := Grad(loss, bias)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*gorgonia.Node]bool{}
	for stack := []*gorgonia.Node{grads[0]}; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		if n.Op() != nil && n.Shape().Eq(tensor.Shape{small.B, small.D}) {
			t.Errorf("the gradient of the bias needs %v", n.Op())
		}
		stack = append(stack, children(n)...)
	}
}
