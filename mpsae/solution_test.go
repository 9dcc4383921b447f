package mpsae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// TestOrthogonal: the values are those of least squares: what is left is
// orthogonal to every atom of the row, atoms differ, and no norm is above that
// of the plain pursuit.
func TestOrthogonal(t *testing.T) {
	s := newScene(30, 40, 24, 200)
	for _, force := range []string{"direct", "gram"} {
		p, codes := s.run(t, rule{steps: 16, ban: true, orthogonal: true}, force, 2)
		sound(t, s, p, codes)
		for row := range s.rows {
			r := p.single.residual[row*s.d : (row+1)*s.d]
			x := s.x[row*s.d : (row+1)*s.d]
			norm := math.Sqrt(kernel.SumSquares(x))
			for e := codes.RowPtr[row]; e < codes.RowPtr[row+1]; e++ {
				f := int(codes.Index[e])
				w := s.w[f*s.d : (f+1)*s.d]
				if dot := math.Abs(kernel.DotF64(r, w)); dot > 1e-5*norm {
					t.Errorf("row %d: what is left has a product of %g with atom %d", row, dot, f)
				}
			}
			if n := steps(p, row); n != int(codes.RowPtr[row+1]-codes.RowPtr[row]) {
				t.Errorf("row %d: %d steps for %d latents", row, n, codes.RowPtr[row+1]-codes.RowPtr[row])
			}
		}
	}
}

// TestOrthogonalScoring: both ways to have scores give the same bits.
func TestOrthogonalScoring(t *testing.T) {
	for _, r := range []rule{
		{steps: 20, ban: true, orthogonal: true},
		{steps: 20, ban: true, orthogonal: true, signed: true, tolerance: 0.5},
		{steps: 20, ban: true, projected: true, signed: true, iterations: 20},
	} {
		s := twins(newScene(31, 60, 24, 300).unit())
		direct, one := s.run(t, r, "direct", 1)
		gram, two := s.run(t, r, "gram", 2)
		saetest.Same(t, "latents", two.Index, one.Index)
		saetest.Same(t, "values", two.Score, one.Score)
		saetest.Same(t, "what is left", gram.single.residual, direct.single.residual)
	}
}

// TestOrthogonalRecovers: sums of few atoms are found exactly, with values of
// either sign when scores may have it.
func TestOrthogonalRecovers(t *testing.T) {
	s := newScene(32, 30, 64, 96).unit()
	want := make([]float32, s.rows*s.f)
	for i := range s.rows {
		x := s.x[i*s.d : (i+1)*s.d]
		clear(x)
		for j := range 3 {
			f := (7*i + 31*j) % s.f
			want[i*s.f+f] = float32(1 + j)
			kernel.Axpy(x, float32(1+j), s.w[f*s.d:(f+1)*s.d])
		}
	}
	_, codes := s.run(t, rule{steps: 8, ban: true, orthogonal: true, tolerance: 1e-3}, "direct", 2)
	exact := 0
	for i := range s.rows {
		got := make([]float32, s.f)
		for e := codes.RowPtr[i]; e < codes.RowPtr[i+1]; e++ {
			got[codes.Index[e]] = codes.Score[e]
		}
		worst := 0.0
		for j, v := range got {
			worst = max(worst, math.Abs(float64(v-want[i*s.f+j])))
		}
		if worst < 1e-3 {
			exact++
		}
	}
	if exact < s.rows*9/10 {
		t.Errorf("%d of %d rows are found", exact, s.rows)
	}
}

// TestDependentAtoms: an atom in the span of those before ends the row.
func TestDependentAtoms(t *testing.T) {
	var sol solution
	atoms := [][]float64{{1, 0, 0}, {0.6, 0.8, 0}, {0.8, 0.6, 0}}
	x := []float64{1, 2, 3}
	for i, a := range atoms {
		for _, b := range atoms[:i+1] {
			sol.products = append(sol.products, inner3(a, b))
		}
		sol.right = append(sol.right, inner3(a, x))
		if ok := sol.extend(); ok != (i < 2) {
			t.Fatalf("atom %d: extend says %v", i, ok)
		}
	}
	saetest.Within(t, "values", sol.z, []float64{-0.5, 2.5}, 1e-12)
}

func inner3(a, b []float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// TestProjected: with many iterations the approximation meets the conditions
// of the best values that are not negative (Karush, Kuhn, Tucker).
func TestProjected(t *testing.T) {
	s := newScene(33, 20, 12, 40).unit()
	p, codes := s.run(t, rule{steps: 6, ban: true, projected: true, signed: true, iterations: 100_000}, "direct", 1)
	zero := 0
	for row := range s.rows {
		r := p.single.residual[row*s.d : (row+1)*s.d]
		for e := codes.RowPtr[row]; e < codes.RowPtr[row+1]; e++ {
			f := int(codes.Index[e])
			slope := kernel.DotF64(r, s.w[f*s.d:(f+1)*s.d])
			switch z := codes.Score[e]; {
			case z < 0:
				t.Errorf("row %d: latent %d is %v", row, f, z)
			case z == 0:
				zero++
				if slope > 1e-5 {
					t.Errorf("row %d: latent %d is 0 with a slope of %g", row, f, slope)
				}
			case math.Abs(slope) > 1e-5:
				t.Errorf("row %d: latent %d has a slope of %g", row, f, slope)
			}
		}
	}
	if zero == 0 {
		t.Error("no value is held at 0; the test shows nothing")
	}
}
