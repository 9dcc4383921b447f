package eval

import (
	"context"
	"io"
	"math"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/sae"
)

// rows is a Source over rows in memory.
type rows struct {
	all   activations.Batch
	batch int
	at    int
}

func (s *rows) Next(b *activations.Batch) error {
	if s.at >= s.all.N {
		return io.EOF
	}
	lo, hi := s.at, min(s.all.N, s.at+s.batch)
	s.at = hi
	*b = activations.Batch{N: hi - lo, D: s.all.D, DOut: s.all.DOut}
	b.X = s.all.X[lo*b.D : hi*b.D]
	if s.all.Gradient != nil {
		b.Gradient = s.all.Gradient[lo*b.D : hi*b.D]
	}
	if s.all.Target != nil {
		b.Target = s.all.Target[lo*b.DOut : hi*b.DOut]
	}
	if s.all.Doc != nil {
		b.Doc = s.all.Doc[lo:hi]
	}
	if s.all.Label != nil {
		b.Label = s.all.Label[lo:hi]
	}
	for i := lo; i < hi; i++ {
		b.Row = append(b.Row, int64(i))
	}
	return nil
}

// formula is a model whose code and reconstruction of a row are functions.
type formula struct {
	weights map[string][]float32
	code    func(x []float32) (index []int32, value []float32)
	decode  func(dst, x []float32, index []int32, value []float32)
	recon   []float32
	f       int
}

func (m *formula) Encode(b *activations.Batch) (sae.Encoded, error) {
	e := sae.Encoded{N: b.N, F: m.f, RowPtr: []int32{0}}
	m.recon = make([]float32, b.N*b.D)
	for i := range b.N {
		x := b.X[i*b.D : (i+1)*b.D]
		index, value := m.code(x)
		e.Index, e.Value = append(e.Index, index...), append(e.Value, value...)
		e.RowPtr = append(e.RowPtr, int32(len(e.Index)))
		m.decode(m.recon[i*b.D:(i+1)*b.D], x, index, value)
	}
	return e, nil
}
func (m *formula) Recon() []float32             { return m.recon }
func (m *formula) Extra(string) []float32       { return nil }
func (m *formula) Weight(name string) []float32 { return m.weights[name] }

// constant predicts v for every row, with one latent that always fires.
func constant(v []float32) Subject {
	m := &formula{f: 2}
	m.code = func([]float32) ([]int32, []float32) { return []int32{1}, []float32{2} }
	m.decode = func(dst, _ []float32, _ []int32, _ []float32) { copy(dst, v) }
	m.weights = map[string][]float32{"decoder.weight": make([]float32, 2*len(v))}
	return Subject{Model: m, Dims: sae.Dims{D: len(v), F: 2, B: 1 << 20}}
}

func evaluate(t *testing.T, s Subject, x []float32, batch int) *Report {
	t.Helper()
	src := &rows{all: activations.Batch{N: len(x) / s.D, D: s.D, X: x}, batch: batch}
	r, err := Run(context.Background(), s, src, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Report) want(t *testing.T, name string, want, tolerance float64) {
	t.Helper()
	got, ok := r.Metrics[name]
	if !ok {
		t.Errorf("%s is absent, want %v", name, want)
		return
	}
	if !(math.Abs(got.Value-want) <= tolerance) {
		t.Errorf("%s is %.17g, want %.17g within %g", name, got.Value, want, tolerance)
	}
}

func TestMeanExplainsNothing(t *testing.T) {
	x := []float32{1, 10, 3, -2, 5, 7, 7, 1}
	r := evaluate(t, constant([]float32{4, 4}), x, 3)
	r.want(t, "explained_variance", 0, 0)
	r.want(t, "fvu", 1, 0)
	r.want(t, "frac_variance_explained", 0, 0)
}

// TestMeanOfManyRowsExplainsNothing has whole numbers whose mean float32 can
// hold, so that nothing at all may be left.
func TestMeanOfManyRowsExplainsNothing(t *testing.T) {
	const n, d = 1 << 10, 5
	for seed := range uint64(20) {
		x, means := make([]float32, n*d), make([]float32, d)
		for i := range x {
			x[i] = float32(data.Bits(seed, 1, uint64(i))%2048) - 600
		}
		for i, v := range x {
			means[i%d] += v / n // exact: 21 bits
		}
		r := evaluate(t, constant(means), x, 100)
		r.want(t, "explained_variance", 0, 0)
	}
}

func TestOffsetIsFreeInOneDefinitionOnly(t *testing.T) {
	s := constant([]float32{0, 0})
	s.Model.(*formula).decode = func(dst, x []float32, _ []int32, _ []float32) {
		for j, v := range x {
			dst[j] = v + 1
		}
	}
	r := evaluate(t, s, []float32{1, 10, 3, -2, 5, 7, 7, 1}, 3)
	r.want(t, "frac_variance_explained", 1, 0)
	// Σ‖e‖² = 8, Σ‖x-m‖² = 9+1+1+9 + 36+36+9+9.
	r.want(t, "fvu", 8.0/110, 1e-15)
	r.want(t, "mse", 2, 0)
}

func TestHandWorked(t *testing.T) {
	// Rows (3,4) and (0,0), predicted as (3,0): norms 5 and 0, errors 4 and 3.
	r := evaluate(t, constant([]float32{3, 0}), []float32{3, 4, 0, 0}, 1)
	for name, want := range map[string]float64{
		"mse": 12.5, "mse_all_entries": 6.25, "rmse_row_norm_mean": 3.5,
		"cosine": 0.6, "l2_ratio": 0.6, "l2_norm_in": 2.5, "l2_norm_out": 3,
		"relative_reconstruction_bias": 2, "fvu": 2, "explained_variance": -1,
		"explained_variance_about_zero": 0, "nmse_mean_of_row_ratios": 0.64,
		"l0": 1, "l1": 2, "l0_max": 1, "dead_latents": 1, "dead_fraction": 0.5, "alive": 1,
		"frequency_min": 0, "frequency_max": 1, "frequency_median": 0.5, "gini_row_mean": 0.5,
	} {
		r.want(t, name, want, 1e-12)
	}
	if got := r.Metrics["cosine"].Rows; got != 1 {
		t.Errorf("cosine is of %d rows, want the 1 that is not zero", got)
	}
	if len(r.Warnings) == 0 {
		t.Error("no warning that a row is zero")
	}
}

func TestRowsThatDoNotVary(t *testing.T) {
	r := evaluate(t, constant([]float32{1, 1}), []float32{2, 3, 2, 3}, 2)
	for _, name := range []string{"fvu", "explained_variance", "r2_overcomplete"} {
		if v, ok := r.Metrics[name]; ok {
			t.Errorf("%s is %v of rows that do not vary, want it absent", name, v.Value)
		}
	}
}

// TestHugeMean has a spread of 1 around a mean of 2^20, where a sum of squares
// less the square of the sum would have no digit left.
func TestHugeMean(t *testing.T) {
	const far = 1 << 20
	x := make([]float32, 4000)
	for i := range x {
		x[i] = far + float32(2*(i%2)-1)
	}
	r := evaluate(t, constant([]float32{far}), x, 7)
	r.want(t, "fvu", 1, 0)
	r.want(t, "explained_variance", 0, 0)
}

// source hands out the rows of b in batches of a size.
func source(b activations.Batch, batch int) activations.Source { return &rows{all: b, batch: batch} }

// stored is a model whose codes [N,F] and reconstructions [N,D] are given.
type stored struct {
	z, xHat []float32
	f, d    int
	weights map[string][]float32
	n, at   int
}

func (m *stored) Encode(b *activations.Batch) (sae.Encoded, error) {
	m.at, m.n = int(b.Row[0]), b.N
	e := sae.Encoded{N: b.N, F: m.f, RowPtr: []int32{0}}
	for i := range b.N {
		at := int(b.Row[i])
		for f, v := range m.z[at*m.f : (at+1)*m.f] {
			if v != 0 {
				e.Index, e.Value = append(e.Index, int32(f)), append(e.Value, v)
			}
		}
		e.RowPtr = append(e.RowPtr, int32(len(e.Index)))
	}
	return e, nil
}
func (m *stored) Recon() []float32             { return m.xHat[m.at*m.d : (m.at+m.n)*m.d] }
func (m *stored) Extra(string) []float32       { return nil }
func (m *stored) Weight(name string) []float32 { return m.weights[name] }
