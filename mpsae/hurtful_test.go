package mpsae

import (
	"math"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

// everyRule runs f with every mode and both ways to have scores.
func everyRule(t *testing.T, steps int, f func(t *testing.T, r rule, force string)) {
	all := rules(steps)
	all["orthogonal"] = rule{steps: steps, ban: true, orthogonal: true}
	all["projected"] = rule{steps: steps, ban: true, projected: true, signed: true, iterations: 10}
	for name, r := range all {
		for _, force := range []string{"direct", "gram"} {
			t.Run(name+"/"+force, func(t *testing.T) { f(t, r, force) })
		}
	}
}

// sound fails unless codes are finite and sum, with what is left, to the rows.
func sound(t *testing.T, s *scene, p *pursuit, codes *kernel.Support) {
	t.Helper()
	for i := range s.rows {
		sum, size := append([]float32{}, p.single.residual[i*s.d:(i+1)*s.d]...), 0.0
		for e := codes.RowPtr[i]; e < codes.RowPtr[i+1]; e++ {
			f := int(codes.Index[e])
			kernel.Axpy(sum, codes.Score[e], s.w[f*s.d:(f+1)*s.d])
			size = max(size, math.Abs(float64(codes.Score[e])))
		}
		x := s.x[i*s.d : (i+1)*s.d]
		for _, v := range x {
			size = max(size, math.Abs(float64(v)))
		}
		saetest.Within(t, "codes and what is left", sum, x, 1e-5*size+1e-30)
	}
}

func steps(p *pursuit, row int) int { return int(p.path.ptr[row+1] - p.path.ptr[row]) }

// TestHurtfulRows: a zero row takes no step; a row equal to an atom takes that
// one, of two equal atoms the first; rows that are tiny or huge are found too.
func TestHurtfulRows(t *testing.T) {
	s := newScene(20, 8, 16, 60).unit()
	d := s.d
	copy(s.w[41*d:42*d], s.w[17*d:18*d])
	clear(s.x[:d])
	copy(s.x[d:2*d], s.w[17*d:18*d])
	kernel.Scale(s.x[2*d:3*d], 1e-20)
	kernel.Scale(s.x[3*d:4*d], 1e-38)
	kernel.Scale(s.x[4*d:5*d], 1e15)
	kernel.Scale(s.x[5*d:6*d], 1e30)
	everyRule(t, 12, func(t *testing.T, r rule, force string) {
		p, codes := s.run(t, r, force, 2)
		sound(t, s, p, codes)
		if steps(p, 0) != 0 {
			t.Errorf("a zero row takes %d steps", steps(p, 0))
		}
		if f := p.path.atom[p.path.ptr[1]]; f != 17 {
			t.Errorf("a row equal to atoms 17 and 41 takes %d", f)
		}
		for row := 2; row < 8; row++ {
			if steps(p, row) == 0 {
				t.Errorf("row %d takes no step", row)
			}
		}
	})
}

// TestHurtfulSizes: more steps than atoms, one atom, one dimension, no
// tolerance, an atom that is zero.
func TestHurtfulSizes(t *testing.T) {
	for _, size := range []struct{ d, f int }{{8, 3}, {8, 1}, {1, 5}, {1, 1}, {5, 40}} {
		s := newScene(21, 10, size.d, size.f).unit()
		if s.f > 2 {
			clear(s.w[:s.d])
		}
		everyRule(t, 100, func(t *testing.T, r rule, force string) {
			p, codes := s.run(t, r, force, 2)
			sound(t, s, p, codes)
			for row := range s.rows {
				if n := steps(p, row); n > r.steps || r.ban && n > s.f || r.stop && n > s.f+1 {
					t.Errorf("d %d, F %d: row %d takes %d steps", s.d, s.f, row, n)
				}
			}
		})
	}
}

// TestNotNumbers: rows that are not numbers end, and stay not numbers.
func TestNotNumbers(t *testing.T) {
	s := newScene(22, 3, 8, 50).unit()
	s.x[3], s.x[8+2], s.x[16+1] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
	everyRule(t, 20, func(t *testing.T, r rule, force string) {
		p, _ := s.run(t, r, force, 2)
		for row := range s.rows {
			finite := true
			for _, v := range p.single.residual[row*s.d : (row+1)*s.d] {
				finite = finite && v-v == 0
			}
			if finite {
				t.Errorf("what is left of row %d is finite", row)
			}
		}
	})
}

// TestLongAtoms: an atom of norm above the root of 2 makes what is left grow;
// the steps end with k.
func TestLongAtoms(t *testing.T) {
	s := newScene(23, 6, 8, 40).unit()
	kernel.Scale(s.w, 1.8)
	everyRule(t, 40, func(t *testing.T, r rule, force string) {
		p, codes := s.run(t, r, force, 1)
		if force == "direct" && r.orthogonal {
			sound(t, s, p, codes)
		}
		for row := range s.rows {
			if steps(p, row) > 40 {
				t.Errorf("row %d takes %d steps", row, steps(p, row))
			}
		}
	})
}
