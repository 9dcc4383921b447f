package mpsae

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// A solution is the least-squares problem of a row: the values z of the t
// latents chosen so far that make ||x - Σ z·w|| smallest, in float64.
type solution struct {
	products []float64 // <w_i, w_j> for j <= i, row by row: t(t+1)/2
	factor   []float64 // its Cholesky factor, the same way
	right    []float64 // [t] <x, w_i>
	half     []float64 // [t] right, by the inverse of the factor
	z        []float64 // [t]
	work     []float64
}

func (s *solution) reset() {
	s.products, s.factor, s.right, s.half, s.z = s.products[:0], s.factor[:0], s.right[:0], s.half[:0], s.z[:0]
}

// solve finds the values of a row's latents, the last of which is new, and
// takes them off the row. It reports false, and drops the last, when it lies
// in the span of the others.
func (w *worker) solve(r *row) bool {
	p := w.p
	s, t := &r.solution, len(r.atoms)
	last := p.dec[int(r.atoms[t-1])*p.d : (int(r.atoms[t-1])+1)*p.d]
	for _, f := range r.atoms {
		s.products = append(s.products, kernel.DotF64(last, p.dec[int(f)*p.d:(int(f)+1)*p.d]))
	}
	s.right = append(s.right, kernel.DotF64(r.x, last))
	if p.projected {
		s.project(p.iterations)
	} else if !s.extend() {
		r.atoms = r.atoms[:t-1]
		return false
	}
	w.apply(r)
	return true
}

// apply moves a row to the solution.
func (w *worker) apply(r *row) {
	p, size := w.p, 0.0
	w.moved, w.by = w.moved[:0], w.by[:0]
	r.coefficients = append(r.coefficients, 0)
	copy(r.left, r.x)
	for i, f := range r.atoms {
		z := float32(r.solution.z[i])
		if z != r.coefficients[i] {
			w.moved, w.by = append(w.moved, f), append(w.by, z-r.coefficients[i])
		}
		r.coefficients[i] = z
		kernel.Axpy(r.left, -z, p.dec[int(f)*p.d:(int(f)+1)*p.d])
		size += math.Abs(float64(z))
	}
	through := math.Sqrt(kernel.SumSquares(r.x)) + size*p.longest.decoder
	r.touched = max(r.touched, through*float64(len(r.atoms)))
}

// dependent is the share of an atom's squared norm below which what the other
// atoms leave of it is taken for rounding.
const dependent = 1e-10

// extend adds the last row of products to the Cholesky factor and solves. It
// reports false when the last atom is a sum of the others.
func (s *solution) extend() bool {
	t := len(s.right)
	row := append(s.factor, s.products[len(s.products)-t:]...)[len(s.factor):]
	pivot, half := row[t-1], s.right[t-1]
	for i := range t - 1 {
		above := s.factor[i*(i+1)/2 : (i+1)*(i+2)/2]
		for j := range i {
			row[i] -= row[j] * above[j]
		}
		row[i] /= above[i]
		pivot -= row[i] * row[i]
		half -= row[i] * s.half[i]
	}
	if !(pivot > dependent*row[t-1]) {
		return false
	}
	row[t-1] = math.Sqrt(pivot)
	s.factor = append(s.factor, row...)
	s.half = append(s.half, half/row[t-1])
	s.z = append(s.z[:0], s.half...)
	for i := t - 1; i >= 0; i-- {
		for j := i + 1; j < t; j++ {
			s.z[i] -= s.factor[j*(j+1)/2+i] * s.z[j]
		}
		s.z[i] /= s.factor[i*(i+1)/2+i]
	}
	return true
}

// project makes the values approach those that are best and not negative: from
// where they are, with the new one at 0, in projected gradient steps of length
// 1/||products||, as overcomplete 0.3.0 does. That ends them for a whole batch
// when the gradients of all rows have a norm of 1e-5 together; here each row
// stands alone, and ends when nothing moves any more.
func (s *solution) project(iterations int) {
	t := len(s.right)
	s.z = append(s.z, 0)
	s.work = reuse.Slice(s.work, t)
	norm := 0.0
	for i := range t {
		for j := range t {
			norm += s.product(i, j) * s.product(i, j)
		}
	}
	eta := 1 / (math.Sqrt(norm) + 1e-8)
	for range iterations {
		for i := range t {
			s.work[i] = -s.right[i]
			for j := range t {
				s.work[i] += s.product(i, j) * s.z[j]
			}
		}
		moved := 0.0
		for i, g := range s.work {
			z := max(0, s.z[i]-eta*g)
			moved = max(moved, math.Abs(z-s.z[i]))
			s.z[i] = z
		}
		if moved < 1e-9 {
			break
		}
	}
}

func (s *solution) product(i, j int) float64 {
	if i < j {
		i, j = j, i
	}
	return s.products[i*(i+1)/2+j]
}
