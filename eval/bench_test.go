package eval

import (
	"context"
	"io"
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// benchmarkModel is a TopK autoencoder of the size that speed is judged at.
func benchmarkModel(b *testing.B) *sae.Model {
	b.Helper()
	const d, f, k = 768, 6144, 32
	weights := map[string][]float32{"encoder.bias": make([]float32, f), "decoder.bias": make([]float32, d),
		"encoder.weight": make([]float32, f*d), "decoder.weight": make([]float32, f*d)}
	data.NormalFill(weights["decoder.weight"], 1, 1)
	for i := range weights["decoder.weight"] {
		weights["decoder.weight"][i] /= 27.7
	}
	copy(weights["encoder.weight"], weights["decoder.weight"])
	m, err := sae.NewModel(topK{k}, sae.Dims{D: d, F: f}, weights, nil, sae.ModelOptions{Rows: 1024})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	return m
}

// BenchmarkRows is the cost of the metrics of 1,024 rows, beside that of
// encoding them. The metrics of the dictionary come once a run and are not in
// it.
func BenchmarkRows(b *testing.B) {
	m := benchmarkModel(b)
	x := make([]float32, 1024*m.D)
	data.NormalFill(x, 2, 1)
	batch := activations.Batch{N: 1024, D: m.D, X: x}
	for i := range batch.N {
		batch.Row = append(batch.Row, int64(i))
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if _, err := m.Encode(&batch); err != nil {
				b.Fatal(err)
			}
			m.Recon()
		}
	})
	b.Run("metrics", func(b *testing.B) {
		s := Of(m, false)
		s.Model = &once{Model: m}
		r := &repeat{batch: batch, n: b.N}
		b.ResetTimer()
		if err := rowMetrics(context.Background(), s, r); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkDictionary is the cost of the metrics of the weights.
func BenchmarkDictionary(b *testing.B) {
	m := benchmarkModel(b)
	pool := kernel.NewPool(0)
	defer pool.Close()
	for b.Loop() {
		if err := dictionary(context.Background(), Of(m, false), pool, NewReport()); err != nil {
			b.Fatal(err)
		}
	}
}

// once encodes the first batch and gives its codes for all others.
type once struct {
	Model
	codes sae.Encoded
	recon []float32
}

func (m *once) Encode(b *activations.Batch) (sae.Encoded, error) {
	var err error
	if m.recon == nil {
		m.codes, err = m.Model.Encode(b)
		m.recon = m.Model.Recon()
	}
	return m.codes, err
}
func (m *once) Recon() []float32 { return m.recon }

// repeat gives one batch n times.
type repeat struct {
	batch activations.Batch
	n     int
}

func (r *repeat) Next(b *activations.Batch) error {
	if r.n == 0 {
		return io.EOF
	}
	r.n--
	*b = r.batch
	b.Row = slices.Clone(r.batch.Row)
	for i := range b.Row {
		b.Row[i] += int64(r.n) * 1024
	}
	return nil
}

// rowMetrics passes the rows of src to the standard metrics.
func rowMetrics(ctx context.Context, s Subject, src activations.Source) error {
	pool := kernel.NewPool(0)
	defer pool.Close()
	metrics := standard(s, Options{})
	_, err := pass(ctx, s, src, pool, func(sample *Sample) { addAll(metrics, sample) })
	return err
}
