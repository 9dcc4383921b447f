package mpsae

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// dropped is the mask of the latents that a training step keeps, drawn for
// each step and shared by rows and steps of the pursuit; nil without dropout.
func (m *MPSAE) dropped(b *sae.Builder) *gorgonia.Node {
	if m.Dropout == 0 || !b.Train {
		return nil
	}
	seed := b.Seed
	return b.Feed("dropout", func(dst []float32, step int, _ *activations.Batch) error {
		if m.mask != nil {
			m.mask(dst, step)
			return nil
		}
		for f := range dst {
			dst[f] = 1
			if m.dropsAt(step) && data.Uniform(seed, dropoutStream, uint64(step)*uint64(len(dst))+uint64(f)) < m.Dropout {
				dst[f] = 0
			}
		}
		return nil
	}, b.F)
}

// dropoutStream is "dropout" in ASCII, a random stream of its own.
const dropoutStream = 0x64726f706f7574

func (m *MPSAE) dropsAt(step int) bool { return m.DropoutSteps == 0 || step < m.DropoutSteps }

// report adds what an evaluation may ask for: the steps of each row [B], where
// a latent that came up twice counts twice; where there is a tolerance, 1 for
// each row [B] that was left below it; and 1 if scores were followed by the product of the
// dictionary, 0 if they were computed in each step.
func (p *pursuit) report(g *sparseop.Graph, s *sparseop.Support) map[string]*gorgonia.Node {
	perRow := func(name string, of func(row int) float64) *gorgonia.Node {
		return constant(g, name, []int{s.B}, s, func(i int) float64 {
			if i >= len(p.path.ptr)-1 {
				return 0
			}
			return of(i)
		})
	}
	extra := map[string]*gorgonia.Node{
		"steps": perRow("steps", func(i int) float64 { return float64(p.path.ptr[i+1] - p.path.ptr[i]) }),
		"gram":  constant(g, "gram", nil, s, func(int) float64 { return indicator(p.usedGram) }),
	}
	if p.tolerance > 0 {
		extra["converged"] = perRow("converged", func(i int) float64 { return indicator(p.met[i]) })
	}
	return extra
}

// constant adds a node that is filled, once s is there, and has no gradient.
func constant(g *sparseop.Graph, name string, shape []int, s *sparseop.Support, of func(i int) float64) *gorgonia.Node {
	return g.Custom(name, shape, sparseop.Func{
		F32: func(dst []float32, _ [][]float32) {
			for i := range dst {
				dst[i] = float32(of(i))
			}
		},
		F64: func(dst []float64, _ [][]float64) {
			for i := range dst {
				dst[i] = of(i)
			}
		},
	}, nil, s.Node)
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
