package sae

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/internal/sparseop"
)

// A Model is a trained autoencoder for evaluation. It takes rows in the
// dump's own units and gives reconstructions in them. It is not safe for
// concurrent use.
type Model struct {
	Dims
	Scale data.Scale        // applied before encoding, undone after decoding
	Meta  map[string]string // stored with the weights
	Steps int               // of training; 0 when not known

	graph  *Graph
	pool   *kernel.Pool
	scaled activations.Batch
	recon  []float32 // [B,D]
	linear bool      // Recon is f·W_dec + b_dec
}

// ModelOptions are the sizes of a Model.
type ModelOptions struct {
	Rows    int // most rows of a batch (B); 0 for as many as are fast
	Threads int // workers; 0 for one a processor
}

// Batch is the most rows of a batch (B) of F latents. As many as are fast are so many that
// little time goes by between batches, and that an array [B,F] takes no more than 100
// MB where B need not be smaller than 1024.
func (o ModelOptions) Batch(f int) int {
	if o.Rows != 0 {
		return o.Rows
	}
	return max(1<<10, min(3<<10, 24<<20/max(f, 1)))
}

// Load opens the run folder dir, whose settings are those of v: its final
// weights, or the newest checkpoint when training has not ended.
func Load(dir string, v Variant, o ModelOptions) (*Model, error) {
	state, err := Inspect(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, weightsFile)
	if !state.Done {
		if path, _, err = newestCheckpoint(dir); err != nil {
			return nil, err
		}
		if path == "" {
			return nil, fmt.Errorf("%s: the folder holds no weights; train there first, or go on with saectl train --resume --out %s", dir, dir)
		}
	}
	f, err := safetensors.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: the folder holds no weights", dir)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := modelFrom(f, v, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.Steps = state.Steps
	return m, nil
}

// modelFrom reads parameters and states; a checkpoint's other tensors are
// left alone.
func modelFrom(f *safetensors.File, v Variant, o ModelOptions) (*Model, error) {
	weights, states := map[string][]float32{}, map[string][]float64{}
	for _, name := range f.Names() {
		var err error
		switch state, isState := strings.CutPrefix(name, prefixState); {
		case isState:
			states[state], err = f.Float64(name)
		case strings.HasPrefix(name, "adam.") || name == tensorSince:
		default:
			weights[name], err = f.Float32(name)
		}
		if err != nil {
			return nil, err
		}
	}
	d, err := dimsOf(f)
	if err != nil {
		return nil, err
	}
	scale, err := data.ParseScale(f.Metadata())
	if err != nil {
		return nil, err
	}
	m, err := NewModel(v, d, weights, states, o)
	if err != nil {
		return nil, err
	}
	m.Scale, m.Meta = scale, f.Metadata()
	return m, nil
}

// dimsOf reads F and D off the decoder, and D off the encoder where a
// transcoder's differs.
func dimsOf(f *safetensors.File) (Dims, error) {
	dec, ok := f.Info("decoder.weight")
	if !ok || len(dec.Shape) != 2 || dec.Len() == 0 {
		return Dims{}, fmt.Errorf("tensor decoder.weight is missing or no matrix; this is no run of saectl")
	}
	d := Dims{F: dec.Shape[0], D: dec.Shape[1], DOut: dec.Shape[1]}
	if enc, ok := f.Info("encoder.weight"); ok && len(enc.Shape) == 2 {
		d.D = enc.Shape[1]
	}
	return d, nil
}

// NewModel compiles v for evaluation on given weights [F,D] by name and the
// variant's states. The weights are not copied, and must not change while the
// model is in use. Scale is none until set.
func NewModel(v Variant, d Dims, weights map[string][]float32, states map[string][]float64, o ModelOptions) (*Model, error) {
	d.B = o.Batch(d.F)
	m := &Model{Dims: d, Scale: data.Scale{Kind: "none", Factor: 1}, pool: kernel.NewPool(o.Threads)}
	given := maps.Clone(weights)
	g, err := compile(v, d, compileOptions{dtype: tensor.Float32, settings: DefaultTrain(), pool: m.pool}, weights, nil)
	if err == nil {
		err = g.take(given, states)
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	m.graph, m.linear = g, g.decodesLinearly()
	return m, nil
}

// With is a model of the same weights, which it shares, and scale for another
// form of the variant, such as one that keeps more latents.
func (m *Model) With(v Variant, o ModelOptions) (*Model, error) {
	states := map[string][]float64{}
	for _, s := range m.graph.States {
		states[s.Name] = s.Data
	}
	n, err := NewModel(v, m.Dims, maps.Clone(m.graph.Weights), states, o)
	if err != nil {
		return nil, err
	}
	n.Scale, n.Meta, n.Steps = m.Scale, m.Meta, m.Steps
	return n, nil
}

// take checks that every parameter was given, and sets the states.
func (g *Graph) take(given map[string][]float32, states map[string][]float64) error {
	for _, p := range g.Params {
		if _, ok := given[p.Name]; !ok {
			return fmt.Errorf("tensor %s %v is missing", p.Name, p.shape())
		}
	}
	for _, s := range g.States {
		stored, ok := states[s.Name]
		if !ok || len(stored) != len(s.Data) {
			return fmt.Errorf("state %s holds %d numbers, needs %d", s.Name, len(stored), len(s.Data))
		}
		copy(s.Data, stored)
	}
	return g.checkWeights()
}

// Threads is how many workers compute.
func (m *Model) Threads() int { return m.pool.Threads() }

// Close ends the model's workers.
func (m *Model) Close() { m.pool.Close() }

// Encode gives the latents of up to B rows; they hold until the next call.
// The batch is not changed. Recon and Extra compute the rest when asked.
func (m *Model) Encode(in *activations.Batch) (Encoded, error) {
	m.scaled.N, m.scaled.D, m.scaled.X = in.N, in.D, m.graph.room(in)
	m.scaled.Gradient = append(m.scaled.Gradient[:0], in.Gradient...)
	if in.Gradient == nil {
		m.scaled.Gradient = nil
	}
	m.Scale.Prepare(in.N)
	m.byRows(func(lo, hi int) {
		copy(m.scaled.X[lo*in.D:hi*in.D], in.X[lo*in.D:hi*in.D])
		m.Scale.ApplyRows(&m.scaled, lo, hi)
	})
	if err := m.graph.run(0, &m.scaled); err != nil {
		return Encoded{}, err
	}
	return m.graph.encoded(in.N), nil
}

// room is where the graph keeps rows, for as many as in has: a batch whose rows lie
// there is not copied.
func (g *Graph) room(in *activations.Batch) []float32 {
	if v, ok := g.m.value(g.b.x).(*tensor.Dense); ok && in.D == g.D && in.N <= g.B {
		return v.Float32s()[:in.N*in.D]
	}
	return make([]float32, in.N*in.D)
}

// Recon is the reconstruction of the last batch in the dump's units,
// [N,DOut], and holds until the next call of Encode.
func (m *Model) Recon() []float32 {
	m.graph.decode()
	x := float32s(m.graph.m.value(m.graph.out.Recon))
	width := len(x) / m.B
	m.recon = reuse.Slice(m.recon, m.scaled.N*width)
	m.byRows(func(lo, hi int) {
		copy(m.recon[lo*width:hi*width], x[lo*width:hi*width])
		m.Scale.Undo(m.recon, &m.scaled, lo, hi)
	})
	return m.recon
}

// Inner is the last batch in the units the encoder works in: its rows [N,D], and
// what its codes decode to, f·W_dec + b_dec, [N,DOut], or nil where the variant's
// reconstruction is another. Both hold until the next call of Encode.
func (m *Model) Inner() (rows, recon []float32) {
	if m.linear {
		m.graph.decode()
		x := float32s(m.graph.m.value(m.graph.out.Recon))
		recon = x[:len(x)/m.B*m.scaled.N]
	}
	return m.scaled.X, recon
}

// decodesLinearly reports whether the reconstruction is f·W_dec + b_dec, of the
// codes and parameters that others see.
func (g *Graph) decodesLinearly() bool {
	values, weight, bias, ok := sparseop.Decoding(g.out.Recon)
	is := func(n *gorgonia.Node, name string) bool {
		w, x := g.Weights[name], float32s(g.m.value(n))
		return len(w) > 0 && len(x) == len(w) && &x[0] == &w[0]
	}
	return ok && values == g.out.Codes.Values && is(weight, "decoder.weight") && is(bias, "decoder.bias")
}

// rowBlock is how many rows of a batch a worker copies and scales at a time.
const rowBlock = 16

// byRows has the workers do f for all rows of the batch, each for its share, whose
// bytes are then in its own caches.
func (m *Model) byRows(f func(lo, hi int)) {
	n := m.scaled.N
	m.pool.Run((n+rowBlock-1)/rowBlock, kernel.TaskFunc(func(_, block int) {
		f(block*rowBlock, min(n, (block+1)*rowBlock))
	}))
}

// Extra is a named node of the variant from the last batch, nil when it has
// none of that name; it holds until the next call of Encode.
func (m *Model) Extra(name string) []float32 {
	n, ok := m.graph.out.Extra[name]
	if !ok {
		return nil
	}
	m.graph.decode()
	return float32s(m.graph.m.value(n))
}

// Weight is a parameter by name, nil when the variant has none of that name;
// "decoder.weight" is [F,DOut]. The slice is the model's own.
func (m *Model) Weight(name string) []float32 { return m.graph.Weights[name] }

// State is an array that training left behind, such as a threshold.
func (m *Model) State(name string) []float64 {
	for _, s := range m.graph.States {
		if s.Name == name {
			return s.Data
		}
	}
	return nil
}
