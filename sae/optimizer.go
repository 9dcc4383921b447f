package sae

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// Two small numbers of the reference trainer (dictionary_learning 0.1.0)
// keep a zero row from dividing by zero: one when the gradient is projected,
// one (2^-23) when rows are brought to norm 1. The reference that does both
// between backward and Adam (top-afa-sae) adds neither.
const (
	projectEpsilon = 1e-6
	unitEpsilon    = 0x1p-23
)

// optimizer turns the parts of a step's gradients into an update: assemble,
// remove what lies along unit rows, clip, Adam, renormalise. It goes over the
// parameters twice, since clipping needs the norm of all gradients, and each
// time does all there is to do to a row while that is in cache. Its moments
// are saved in checkpoints.
type optimizer struct {
	settings OptimizerSettings
	pool     *kernel.Pool
	params   []*paramState
	items    int // blocks of all parameters
	job      func(s *paramState, worker, lo, hi, block int)
}

// paramState is what one parameter needs beside its weights.
type paramState struct {
	p       *Param
	w       []float32   // [Rows,Cols]
	g, m, v []float32   // gradient before clipping and Adam's moments, [Rows,Cols]
	exact   bool        // unit rows without the two epsilons
	unit    string      // when rows get norm 1; empty for never
	asRows  bool        // project on rows as they are
	rows    [][]float32 // [workers] a row of the gradient
	norms   []float64   // [blocks] sums of squares of what is clipped by
	early   bool        // these are of the gradient before the projection
	sparse  []sparsePart
	dense   [][]float32
	whole   []wholePart // of supports that are dense

	clip float32
	adam kernel.AdamStep
}

func newOptimizer(g *Graph, settings OptimizerSettings, pool *kernel.Pool) *optimizer {
	o := &optimizer{settings: settings, pool: pool}
	for _, p := range g.Params {
		s := &paramState{
			p: p, w: g.Weights[p.Name], exact: settings.UnitRows == "between", asRows: settings.Project == "row",
			early: settings.ClipOrder == "before-projection", clip: 1,
		}
		if p.Flags.UnitRows {
			s.unit = settings.UnitRows
		}
		if p.Flags.NonNeg {
			raise(s.w)
		}
		s.g, s.m, s.v = kernel.Floats(p.Len()), kernel.Floats(p.Len()), kernel.Floats(p.Len())
		s.norms = make([]float64, s.blocks())
		for range pool.Threads() {
			s.rows = append(s.rows, make([]float32, p.Cols))
		}
		o.params = append(o.params, s)
		o.items += s.blocks()
	}
	return o
}

// A matrix is worked on in blocks of rows, a vector in one piece. Sums over
// blocks are taken in order, so threads do not change bits.
const optimizerBlock = 32

func (s *paramState) blocks() int { return (s.p.Rows + optimizerBlock - 1) / optimizerBlock }

// run does a job on all blocks of all parameters.
func (o *optimizer) run(job func(s *paramState, worker, lo, hi, block int)) {
	o.job = job
	o.pool.Run(o.items, o)
}

// Do runs the current job on one block of rows.
func (o *optimizer) Do(worker, block int) {
	for _, s := range o.params {
		if n := s.blocks(); block >= n {
			block -= n
			continue
		}
		lo := block * optimizerBlock
		o.job(s, worker, lo, min(lo+optimizerBlock, s.p.Rows), block)
		return
	}
}

// gradients assembles the gradient of each parameter from the last run of g
// and projects it. It returns their global norm and the factor that clips.
func (o *optimizer) gradients(g *Graph) (norm, factor float64) {
	for i, s := range o.params {
		s.collect(g, g.parts[i], o.pool)
	}
	o.run((*paramState).assemble)
	norm = o.norm()
	factor = 1
	if o.settings.Clip > 0 {
		factor = min(1, o.settings.Clip/(norm+projectEpsilon))
	}
	for _, s := range o.params {
		s.clip = float32(factor)
	}
	return norm, factor
}

func (o *optimizer) norm() float64 {
	sum := 0.0
	for _, s := range o.params {
		for _, n := range s.norms {
			sum += n
		}
	}
	return math.Sqrt(sum)
}

// find returns the state of a parameter; the name must be one.
func (o *optimizer) find(name string) *paramState {
	for _, s := range o.params {
		if s.p.Name == name {
			return s
		}
	}
	return &paramState{}
}

// project removes from g, a row of the gradient, its part along the row w of
// the weights.
func (s *paramState) project(g, w []float32) {
	norm := 1.0
	if !s.asRows {
		norm = s.norm(w, projectEpsilon)
	}
	along := kernel.DotF64(g, w) / (norm * norm)
	kernel.Axpy(g, float32(-along), w)
}

// norm is that of a row, never 0.
func (s *paramState) norm(row []float32, epsilon float64) float64 {
	norm := math.Sqrt(kernel.SumSquares(row))
	if s.exact && norm > 0 {
		return norm
	}
	return norm + epsilon
}

// step is Adam's update number t, from 1, at the given rate, with rows that
// must have norm 1 brought to it just before or after, where the settings say
// so.
func (o *optimizer) step(t int, rate float64) {
	a := kernel.NewAdamStep(rate, o.settings.Beta1, o.settings.Beta2, o.settings.Epsilon, t)
	for _, s := range o.params {
		s.adam = a
		s.adam.Clip = s.clip
	}
	o.run((*paramState).update)
}

func (s *paramState) update(_, lo, hi, _ int) {
	cols := s.p.Cols
	for r := lo; r < hi; r++ {
		w := s.w[r*cols : (r+1)*cols]
		if s.unit == "between" {
			s.normalise(w)
		}
		at, end := r*cols, (r+1)*cols
		kernel.Adam(w, s.g[at:end], s.m[at:end], s.v[at:end], s.adam)
		if s.unit == "after" {
			s.normalise(w)
		}
		if s.p.Flags.NonNeg {
			raise(w)
		}
	}
}

// raise brings what is below 0 to 0.
func raise(w []float32) {
	for i, v := range w {
		w[i] = max(v, 0)
	}
}

// seen is the gradient that Adam saw in the last step, a copy.
func (s *paramState) seen() []float32 {
	g := append([]float32(nil), s.g...)
	kernel.Scale(g, s.clip)
	return g
}

// normalise brings a row to norm 1.
func (s *paramState) normalise(w []float32) {
	kernel.Scale(w, float32(1/s.norm(w, unitEpsilon)))
}

// unitRows brings every constrained parameter to unit rows.
func (o *optimizer) unitRows() {
	o.run(func(s *paramState, _, lo, hi, _ int) {
		for r := lo; r < hi && s.unit != ""; r++ {
			s.normalise(s.w[r*s.p.Cols : (r+1)*s.p.Cols])
		}
	})
}
