package eval

import (
	"fmt"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// peers are the metrics that other toolkits average over batches, so that
// their value depends on the batch. Rows are put into batches of a size of
// their own here, whatever the size of those that are read.
type peers struct {
	size, width int
	batch       peerBatch
	pool        *kernel.Pool

	rows, batches int64
	legacy        float64 // Σ over rows of 1 - ‖e‖²/‖x - batch mean‖²
	legacyRows    int64
	meanSquared   float64 // Σ over batches, as the others below
	bias          float64
	fraction      float64
	varied        int64 // batches that vary
}

// peerBatch is the batch under way.
type peerBatch struct {
	want   []float32   // [n,width]
	errors []float64   // [n] ‖e‖²
	away   []float64   // [n] ‖x - mean‖²
	x, e   *columnSums // of the rows and of the errors
	sum    RowSums
}

// defaultPeerBatch is 16 prompts of 128 tokens, the default of sae-lens and
// SAEBench.
const defaultPeerBatch = 2048

func newPeers(width, size int) *peers {
	if size <= 0 {
		size = defaultPeerBatch
	}
	return &peers{size: size, width: width, batch: peerBatch{x: newColumnSums(width), e: newColumnSums(width)}}
}

func (m *peers) Add(s *Sample) {
	d := m.width
	for lo, hi := 0, 0; lo < s.N; lo = hi {
		b := &m.batch
		hi = min(s.N, lo+m.size-len(b.errors))
		m.pool, b.want = s.pool, append(b.want, s.Want[lo*d:hi*d]...)
		b.x.add(s.pool, hi-lo, s.Want[lo*d:hi*d], nil)
		b.e.add(s.pool, hi-lo, s.Want[lo*d:hi*d], s.Recon[lo*d:hi*d])
		for _, row := range s.Sums[lo:hi] {
			b.sum.Error += row.Error
			b.sum.Recon += row.Recon
			b.sum.Cross += row.Cross
			b.errors = append(b.errors, row.Error)
		}
		if len(b.errors) == m.size {
			m.flush()
		}
	}
}

// flush takes in the batch, complete or the last one, and starts another.
func (m *peers) flush() {
	b := &m.batch
	n := len(b.errors)
	if n == 0 {
		return
	}
	scatter := m.addLegacy(b)
	if scatter > 0 && n > 1 {
		m.fraction += 1 - b.e.total()/scatter
		m.varied++
	}
	m.meanSquared += b.sum.Error / float64(n)
	m.bias += b.sum.Recon / b.sum.Cross
	m.rows += int64(n)
	m.batches++
	m.batch = peerBatch{want: b.want[:0], errors: b.errors[:0], away: b.away, x: newColumnSums(m.width), e: newColumnSums(m.width)}
}

// addLegacy sets the error of each row against its distance from the mean of
// the batch, and gives the sum of the squares of those distances.
func (m *peers) addLegacy(b *peerBatch) (scatter float64) {
	n, means := len(b.errors), make([]float64, m.width)
	for j := range means {
		means[j] = b.x.mean(j)
	}
	b.away = slices.Grow(b.away[:0], n)[:n]
	m.pool.Run((n+rowChunk-1)/rowChunk, kernel.TaskFunc(func(_, item int) {
		for i := item * rowChunk; i < min(n, (item+1)*rowChunk); i++ {
			b.away[i] = distance(b.want[i*m.width:(i+1)*m.width], means)
		}
	}))
	for i, e := range b.errors {
		scatter += b.away[i]
		if b.away[i] > 0 {
			m.legacy += 1 - e/b.away[i]
			m.legacyRows++
		}
	}
	return scatter
}

// distance is ‖x - c‖².
func distance(x []float32, c []float64) (sum float64) {
	for j, v := range x {
		e := float64(v) - c[j]
		sum += e * e
	}
	return sum
}

func (m *peers) Report(r *Report) {
	m.flush()
	r.Set("explained_variance_legacy", mean(m.legacy, m.legacyRows), m.legacyRows)
	r.Set("frac_variance_explained_batches", mean(m.fraction, m.varied), m.rows)
	r.Set("relative_reconstruction_bias_batches", mean(m.bias, m.batches), m.rows)
	r.Set("mse_saebench_0.6.0", mean(m.meanSquared, m.rows), m.rows)
}

func peerDefinitions() []Definition {
	batch := fmt.Sprintf("in batches of %d rows", defaultPeerBatch)
	return inFamily("other toolkits, by batch", []Definition{
		{Name: "explained_variance_legacy", Formula: "mean over rows of 1 - ‖e‖² / ‖x - mean of the batch‖², " + batch, Source: "sae-lens before 6.45", Equals: "sae-lens 6.54 explained_variance_legacy; SAEBench 0.6.0 core, same name"},
		{Name: "frac_variance_explained_batches", Formula: "frac_variance_explained of each batch, averaged, " + batch, Source: "dictionary_learning averages over batches", Equals: "dictionary_learning 0.1.0 evaluate frac_variance_explained"},
		{Name: "relative_reconstruction_bias_batches", Formula: "relative_reconstruction_bias of each batch, averaged, " + batch, Source: "both toolkits average over batches", Equals: "sae-lens 6.54 and dictionary_learning 0.1.0 relative_reconstruction_bias"},
		{Name: "mse_saebench_0.6.0", Formula: "mean over rows of ‖e‖² / rows of the batch, " + batch + "; that release divides by the rows once too often", Unit: "squared units of the dump", Source: "for comparison only", Equals: "SAEBench 0.6.0 core mse"},
	})
}
