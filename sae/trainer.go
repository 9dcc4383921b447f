package sae

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"time"

	"gorgonia.org/tensor"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

// A Plan is everything that decides a training run beside the rows.
type Plan struct {
	Variant   Variant
	D, DOut   int // widths of activations, and of a transcoder's target
	Model     ModelSettings
	Train     TrainSettings
	Optimizer OptimizerSettings
	Seed      uint64
	Threads   int // workers; 0 for one a processor

	// Init gives starting values [rows,cols] by name; what it lacks, the
	// variant and the settings initialise.
	Init map[string][]float32
}

// A Trainer holds one autoencoder in training: weights, moments, counters
// and the number of steps done. A step depends on nothing else but the
// batch. It is not safe for concurrent use.
type Trainer struct {
	plan  Plan
	graph *Graph
	opt   *optimizer
	pool  *kernel.Pool
	step  int // steps done
	total int
	rate  float64 // of the last step
	norm  float64 // global gradient norm of the last step, before clipping
	clip  float64 // what the last gradient was multiplied by
	in    *activations.Batch
	over  bool // the weights are a model's
}

// NewTrainer compiles the graph of p and initialises it. Close frees its
// workers.
func NewTrainer(p Plan) (*Trainer, error) {
	t := &Trainer{plan: p, pool: kernel.NewPool(p.Threads), total: p.Train.TotalSteps()}
	weights := map[string][]float32{}
	for name, w := range p.Init {
		weights[name] = append([]float32{}, w...)
	}
	g, err := compile(p.Variant, Dims{B: p.Train.Batch, D: p.D, F: p.Model.Latents, DOut: p.DOut}, compileOptions{
		train: true, dtype: tensor.Float32, seed: p.Seed, settings: p.Train, optimizer: p.Optimizer, pool: t.pool,
	}, weights, nil)
	if err != nil {
		return nil, err
	}
	if err := g.checkWeights(); err != nil {
		return nil, err
	}
	t.graph, t.opt = g, newOptimizer(g, p.Optimizer, t.pool)
	return t, nil
}

// Close ends the trainer's workers.
func (t *Trainer) Close() { t.pool.Close() }

// Step trains on one batch, in the units the trainer is to see (scaled). An
// error leaves weights and moments as they were before the step.
func (t *Trainer) Step(in *activations.Batch) error {
	if t.over {
		return fmt.Errorf("step %d: training has ended, the weights are a model's", t.step)
	}
	if b := t.plan.Train.Batch; in.N != b {
		return fmt.Errorf("step %d: a batch of %d rows, a step takes %d (train.batch)", t.step, in.N, b)
	}
	t.in = in
	if t.step == 0 {
		if err := t.startFromData(in); err != nil {
			return err
		}
	}
	if t.plan.Optimizer.UnitRows == "before" {
		t.opt.unitRows()
	}
	if err := t.graph.run(t.step, in); err != nil {
		return fmt.Errorf("step %d: %w", t.step, err)
	}
	if err := t.checkFinite(); err != nil {
		return err
	}
	started := time.Now()
	t.norm, t.clip = t.opt.gradients(t.graph)
	if math.IsNaN(t.norm) || math.IsInf(t.norm, 0) {
		return fmt.Errorf("step %d: the gradient is not finite (global norm %v); %s; lower optimizer.lr or look at these rows", t.step, t.norm, rowsOf(in))
	}
	t.graph.b.dead.commit()
	if t.graph.out.After != nil {
		t.graph.out.After(t.step)
	}
	t.rate = t.plan.Optimizer.rate(t.step, t.total)
	t.opt.step(t.step+1, t.rate)
	t.step++
	if t.graph.m.stages != nil {
		t.graph.m.stages["optimizer"] += time.Since(started)
	}
	return nil
}

// checkFinite stops a run whose loss is not a number, before anything is
// updated.
func (t *Trainer) checkFinite() error {
	loss := t.Loss()
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	var terms []string
	for name, v := range t.Terms() {
		terms = append(terms, fmt.Sprintf("%s %v", name, v))
	}
	sort.Strings(terms)
	return fmt.Errorf("step %d: the loss is %v (%s); %s; lower optimizer.lr or look at these rows", t.step, loss, strings.Join(terms, ", "), rowsOf(t.in))
}

func rowsOf(b *activations.Batch) string {
	if len(b.Row) == 0 {
		return fmt.Sprintf("%d rows in the batch", b.N)
	}
	lo, hi := b.Row[0], b.Row[0]
	for _, r := range b.Row[:b.N] {
		lo, hi = min(lo, r), max(hi, r)
	}
	return fmt.Sprintf("%d rows in the batch, the first is row %d of the dump, all lie in %d to %d", b.N, b.Row[0], lo, hi)
}

// Loss and Terms are the loss of the last step and its named parts.
func (t *Trainer) Loss() float64 { return scalarOf(t.graph.m.value(t.graph.out.Loss)) }

// Terms are the named parts of the last loss, before their weights.
func (t *Trainer) Terms() map[string]float64 {
	terms := map[string]float64{}
	for name, n := range t.graph.out.Terms {
		terms[name] = scalarOf(t.graph.m.value(n))
	}
	return terms
}

// Done is the number of steps done, Total the length of the run.
func (t *Trainer) Done() int { return t.step }

// Total is the number of steps of the whole run.
func (t *Trainer) Total() int { return t.total }

// Rate, GradientNorm and ClipFactor describe the last update.
func (t *Trainer) Rate() float64 { return t.rate }

// GradientNorm is the global norm of the last gradient before clipping.
func (t *Trainer) GradientNorm() float64 { return t.norm }

// ClipFactor is what the last gradient was multiplied by.
func (t *Trainer) ClipFactor() float64 { return t.clip }

// Dead is the number of latents that were dead in the last step, and Since
// the counters [F], owned by the trainer.
func (t *Trainer) Dead() int { return len(t.graph.b.dead.latents) }

// Since counts for each latent the rows since it last fired, [F]; the slice
// is the trainer's own.
func (t *Trainer) Since() []int64 { return t.graph.b.dead.Since }

// Params are the variant's parameters in the order of their declaration.
func (t *Trainer) Params() []*Param { return t.graph.Params }

// Weights are the parameters by name; the slices are the trainer's own.
func (t *Trainer) Weights() map[string][]float32 { return t.graph.Weights }

// State returns the state array of that name, nil if the variant has none.
func (t *Trainer) State(name string) []float64 {
	for _, s := range t.graph.States {
		if s.Name == name {
			return s.Data
		}
	}
	return nil
}

// StateNames lists the variant's state arrays.
func (t *Trainer) StateNames() (names []string) {
	for _, s := range t.graph.States {
		names = append(names, s.Name)
	}
	return names
}

// Moments are Adam's first and second moments of a parameter.
func (t *Trainer) Moments(name string) (m, v []float32) {
	s := t.opt.find(name)
	return s.m, s.v
}

// Gradient is what Adam saw of a parameter in the last step: projected and
// clipped. It is a copy.
func (t *Trainer) Gradient(name string) []float32 { return t.opt.find(name).seen() }

// RawGradient assembles the gradient of the last step again, as backward
// left it, into a new slice.
func (t *Trainer) RawGradient(name string) []float32 {
	for i, p := range t.graph.Params {
		if p.Name == name {
			return t.opt.raw(t.graph, i)
		}
	}
	return nil
}

// Codes are the kept latents of the last batch, valid until the next step.
func (t *Trainer) Codes() Encoded { return t.graph.encoded(t.in.N) }

// Recon is the last reconstruction [B,D], valid until the next step.
func (t *Trainer) Recon() []float32 { return float32s(t.graph.m.value(t.graph.out.Recon)) }

// TimeStages starts to add up the time of each kind of op; Stages returns it.
func (t *Trainer) TimeStages() { t.graph.m.stages = map[string]time.Duration{} }

// Stages is the time spent in each kind of op since TimeStages.
func (t *Trainer) Stages() map[string]time.Duration { return t.graph.m.stages }

// Columns are the optional columns that the variant reads.
func (t *Trainer) Columns() activations.Columns { return t.graph.b.columns() }

// Columns are the optional columns that training v reads. It builds the
// graph for few and narrow rows, so that a dump can be refused before any work,
// but with all its latents, which settings may share out.
func Columns(v Variant, latents int) (activations.Columns, error) { return columnsOf(v, latents, true) }

// EncodingColumns are the optional columns that v reads after training.
func EncodingColumns(v Variant, latents int) (activations.Columns, error) {
	return columnsOf(v, latents, false)
}

func columnsOf(v Variant, latents int, train bool) (activations.Columns, error) {
	d := Dims{B: 2, D: 2, F: max(latents, 1), DOut: 2}
	pool := kernel.NewPool(1)
	defer pool.Close()
	g, err := compile(v, d, compileOptions{train: train, dtype: tensor.Float32, settings: DefaultTrain(), pool: pool}, nil, nil)
	if err != nil {
		return 0, err
	}
	return g.b.columns(), nil
}

func (b *Builder) columns() (c activations.Columns) {
	if b.gradient != nil {
		c |= activations.Gradient
	}
	if b.target != nil {
		c |= activations.Target
	}
	return c
}

// Model compiles the trained autoencoder for evaluation. It takes over the
// weights, so that training ends: a further Step is an error. Its scale is none.
func (t *Trainer) Model(o ModelOptions) (*Model, error) {
	states := map[string][]float64{}
	for _, s := range t.graph.States {
		states[s.Name] = s.Data
	}
	t.over = true
	return NewModel(t.plan.Variant, t.graph.Dims, t.graph.Weights, states, o)
}
