package sae

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
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
// remove what lies along unit rows, clip, Adam, renormalise. Its moments are
// saved in checkpoints.
type optimizer struct {
	settings OptimizerSettings
	pool     *kernel.Pool
	params   []*paramState
}

// paramState is what one parameter needs beside its weights.
type paramState struct {
	p       *Param
	w       []float32 // [Rows,Cols]
	g, m, v []float32 // gradient and Adam's moments, [Rows,Cols]
	exact   bool      // unit rows without the two epsilons
	norms   []float64 // [blocks] sums of squares
	raw     []float64 // [blocks] the same before the projection
	sparse  []sparsePart
	dense   [][]float32

	job    func(s *paramState, lo, hi, block int)
	clip   float32
	asRows bool // project on rows as they are
	adam   kernel.AdamStep
}

type sparsePart struct {
	v, x []float32 // [n] in the order of the columns, [B,Cols]
	s    *sparseop.Support
	buf  []float32
}

func newOptimizer(g *Graph, settings OptimizerSettings, pool *kernel.Pool) *optimizer {
	o := &optimizer{settings: settings, pool: pool}
	for _, p := range g.Params {
		s := &paramState{p: p, w: g.Weights[p.Name], exact: settings.UnitRows == "between", asRows: settings.Project == "row"}
		s.g, s.m, s.v = make([]float32, p.Len()), make([]float32, p.Len()), make([]float32, p.Len())
		s.norms, s.raw = make([]float64, s.blocks()), make([]float64, s.blocks())
		o.params = append(o.params, s)
	}
	return o
}

// A matrix is worked on in blocks of rows, a vector in one piece. Sums over
// blocks are taken in order, so threads do not change bits.
const optimizerBlock = 32

func (s *paramState) blocks() int { return (s.p.Rows + optimizerBlock - 1) / optimizerBlock }

// Do runs the current job on one block of rows.
func (s *paramState) Do(_, block int) {
	lo := block * optimizerBlock
	s.job(s, lo, min(lo+optimizerBlock, s.p.Rows), block)
}

// gradients assembles the gradient of each parameter from the last run of g,
// projects and clips it, and returns its global norm before clipping and the
// factor it was scaled by.
func (o *optimizer) gradients(g *Graph) (norm, factor float64) {
	for i, s := range o.params {
		s.collect(g, g.parts[i])
		s.job = (*paramState).assemble
		o.pool.Run(s.blocks(), s)
	}
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
		norms := s.norms
		if o.settings.ClipOrder == "before-projection" {
			norms = s.raw
		}
		for _, n := range norms {
			sum += n
		}
	}
	return math.Sqrt(sum)
}

// collect views the parts of the gradient; values of sparse parts are sorted
// by latent once.
func (s *paramState) collect(g *Graph, parts []part) {
	s.dense = s.dense[:0]
	n := 0
	for _, p := range parts {
		if p.dense != nil {
			s.dense = append(s.dense, float32s(g.m.value(p.dense)))
			continue
		}
		if n == len(s.sparse) {
			s.sparse = append(s.sparse, sparsePart{})
		}
		sp := &s.sparse[n]
		sp.s, sp.x = p.support, float32s(g.m.value(p.x))
		sp.buf = p.support.ByLatent(sp.buf, float32s(g.m.value(p.v)))
		sp.v = sp.buf
		n++
	}
	s.sparse = s.sparse[:n]
}

// assemble sums the parts and projects.
func (s *paramState) assemble(lo, hi, block int) {
	g := s.g[lo*s.p.Cols : hi*s.p.Cols]
	s.sum(g, lo, hi)
	s.raw[block] = kernel.SumSquares(g)
	if s.p.Flags.Tangent {
		s.project(lo, hi)
		s.norms[block] = kernel.SumSquares(g)
		return
	}
	s.norms[block] = s.raw[block]
}

// sum sets g, rows lo to hi of the gradient, to the parts in the order of use.
func (s *paramState) sum(g []float32, lo, hi int) {
	cols := s.p.Cols
	clear(g)
	for _, d := range s.dense {
		kernel.Add(g, d[lo*cols:hi*cols])
	}
	for _, sp := range s.sparse {
		for r := lo; r < hi; r++ {
			rows, first := sp.s.Rows32(r)
			kernel.SumRows(g[(r-lo)*cols:(r-lo+1)*cols], sp.v[first:first+len(rows)], sp.x, rows)
		}
	}
}

// raw assembles the gradient of parameter i once more, unprojected.
func (o *optimizer) raw(g *Graph, i int) []float32 {
	s := o.params[i]
	s.collect(g, g.parts[i])
	dst := make([]float32, s.p.Len())
	s.sum(dst, 0, s.p.Rows)
	return dst
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

// project removes from each row of the gradient its part along the weights.
func (s *paramState) project(lo, hi int) {
	cols := s.p.Cols
	for r := lo; r < hi; r++ {
		w, g := s.w[r*cols:(r+1)*cols], s.g[r*cols:(r+1)*cols]
		norm := 1.0
		if !s.asRows {
			norm = s.norm(w, projectEpsilon)
		}
		along := kernel.DotF64(g, w) / (norm * norm)
		kernel.Axpy(g, float32(-along), w)
	}
}

// norm is that of a row, never 0.
func (s *paramState) norm(row []float32, epsilon float64) float64 {
	norm := math.Sqrt(kernel.SumSquares(row))
	if s.exact && norm > 0 {
		return norm
	}
	return norm + epsilon
}

// step is Adam's update number t, from 1, at the given rate; then rows that
// must have norm 1 get it, if they do after the step.
func (o *optimizer) step(t int, rate float64) {
	a := kernel.NewAdamStep(rate, o.settings.Beta1, o.settings.Beta2, o.settings.Epsilon, t)
	for _, s := range o.params {
		s.adam = a
		s.job = (*paramState).update
		if s.p.Flags.UnitRows && o.settings.UnitRows == "after" {
			s.job = (*paramState).updateUnit
		}
		o.pool.Run(s.blocks(), s)
	}
}

func (s *paramState) update(lo, hi, _ int) {
	lo, hi = lo*s.p.Cols, hi*s.p.Cols
	if s.clip != 1 {
		kernel.Scale(s.g[lo:hi], s.clip)
	}
	kernel.Adam(s.w[lo:hi], s.g[lo:hi], s.m[lo:hi], s.v[lo:hi], s.adam)
}

func (s *paramState) updateUnit(lo, hi, block int) {
	s.update(lo, hi, block)
	s.normalise(lo, hi, block)
}

// normalise brings rows to norm 1.
func (s *paramState) normalise(lo, hi, _ int) {
	cols := s.p.Cols
	for r := lo; r < hi; r++ {
		w := s.w[r*cols : (r+1)*cols]
		norm := s.norm(w, unitEpsilon)
		kernel.Scale(w, float32(1/norm))
	}
}

// unitRows brings every constrained parameter to unit rows.
func (o *optimizer) unitRows() {
	for _, s := range o.params {
		if s.p.Flags.UnitRows {
			s.job = (*paramState).normalise
			o.pool.Run(s.blocks(), s)
		}
	}
}
