package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// A Gaussian makes rows of a normal distribution by number: the control for a
// dump, with its mean and covariance and nothing else of its structure. It is
// read like a dump, and is safe for concurrent use.
type Gaussian struct {
	like   string
	rows   int64
	key    uint64
	d, r   int
	mean   []float32 // [D]
	factor []float32 // [D,R]: the covariance is factor · factorᵀ
	lower  bool      // factor is lower triangular
}

// FitGaussian takes the mean and the population covariance of the given rows
// of d, summed in float64, for n rows of the normal distribution that has
// them. Rows that lie in a subspace give a distribution on that subspace.
//
// It takes rows·D² multiplications, and where the covariance has no Cholesky
// factor its eigenvectors, about 10·D³ more.
func FitGaussian(d rowReader, rows activations.Rows, n int64, seed uint64) (*Gaussian, error) {
	switch {
	case rows.Len() < 2:
		return nil, fmt.Errorf("%s: a covariance needs 2 rows or more, there are %d", d.Name(), rows.Len())
	case n < 1:
		return nil, fmt.Errorf("synth gaussian: rows is %d, want 1 or more", n)
	}
	mean, cov, err := moments(d, rows)
	if err != nil {
		return nil, err
	}
	g := &Gaussian{like: d.Name(), rows: n, key: Bits(seed, streamGaussian, 0), d: d.D(), mean: make([]float32, d.D())}
	for j, m := range mean {
		g.mean[j] = float32(m)
	}
	return g, g.take(cov)
}

// moments are the mean [D] and the population covariance of rows. Sums are
// over x - shift, with a shift near the mean, so that a large mean costs no
// digits.
func moments(d rowReader, rows activations.Rows) ([]float64, *mat.SymDense, error) {
	w := d.D()
	ahead := Prefetch(NewSequential(d, rows, 0, passBatch(w)))
	defer ahead.Close()
	var shift, block []float64
	sum, products := make([]float64, w), blas64.General{Rows: w, Cols: w, Stride: w, Data: make([]float64, w*w)}
	for b := new(activations.Batch); ; {
		err := ahead.Next(b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if shift == nil {
			shift = columnMeans(b)
		}
		block = reuse.Slice(block, b.N*w)
		for i, v := range b.X {
			block[i] = float64(v) - shift[i%w]
			sum[i%w] += block[i]
		}
		x := blas64.General{Rows: b.N, Cols: w, Stride: w, Data: block}
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, x, x, 1, products)
	}
	n, cov := float64(rows.Len()), mat.NewSymDense(w, nil)
	for i := range w {
		for j := i; j < w; j++ {
			cov.SetSym(i, j, products.Data[i*w+j]/n-sum[i]/n*(sum[j]/n))
		}
	}
	for j := range sum {
		sum[j] = shift[j] + sum[j]/n
	}
	return sum, cov, nil
}

func columnMeans(b *activations.Batch) []float64 {
	mean := make([]float64, b.D)
	for i, v := range b.X {
		mean[i%b.D] += float64(v) / float64(b.N)
	}
	return mean
}

// rankTolerance times D is the share of the largest eigenvalue below which one
// is rounding.
const rankTolerance = 1e-14

// take factors the covariance: by Cholesky, or where that fails because some
// direction has no variance, by the directions that have.
func (g *Gaussian) take(cov *mat.SymDense) error {
	var chol mat.Cholesky
	if chol.Factorize(cov) {
		var l mat.TriDense
		chol.LTo(&l)
		g.r, g.lower, g.factor = g.d, true, make([]float32, g.d*g.d)
		for i := range g.d {
			for j := range i + 1 {
				g.factor[i*g.d+j] = float32(l.At(i, j))
			}
		}
		return nil
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(cov, true) {
		return fmt.Errorf("%s: the eigenvalues of the covariance were not found", g.like)
	}
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	first := 0
	for first < g.d && values[first] <= rankTolerance*float64(g.d)*values[g.d-1] {
		first++
	}
	g.r = g.d - first
	g.factor = make([]float32, g.d*g.r)
	for i := range g.d {
		for j := range g.r {
			g.factor[i*g.r+j] = float32(vectors.At(i, first+j) * math.Sqrt(values[first+j]))
		}
	}
	return nil
}

// Name says what the rows are, for messages.
func (g *Gaussian) Name() string { return "normal rows like " + g.like }

// Rows is the number of rows.
func (g *Gaussian) Rows() int64 { return g.rows }

// D is the width of a row.
func (g *Gaussian) D() int { return g.d }

// gaussianBlock is how many rows share one walk over the factor.
const gaussianBlock = 16

// Read makes the named rows, in that order, on all processors. There are no
// optional columns.
func (g *Gaussian) Read(b *activations.Batch, rows []int64, _ activations.Columns) error {
	if err := checkRows(g, rows); err != nil {
		return err
	}
	keep := *b
	*b = activations.Batch{N: len(rows), D: g.d, X: reuse.Slice(keep.X, len(rows)*g.d), Row: append(keep.Row[:0], rows...)}
	blocks := (len(rows) + gaussianBlock - 1) / gaussianBlock
	parallel(blocks, func(i int) {
		lo, hi := i*gaussianBlock, min((i+1)*gaussianBlock, len(rows))
		g.fill(b.X[lo*g.d:hi*g.d], rows[lo:hi])
	})
	return nil
}

// fill makes rows of x [n,D].
func (g *Gaussian) fill(x []float32, rows []int64) {
	z := make([]float32, len(rows)*g.r)
	for i, row := range rows {
		NormalFill(z[i*g.r:(i+1)*g.r], g.key, uint64(row))
	}
	for j := range g.d {
		width := g.r
		if g.lower {
			width = j + 1
		}
		f := g.factor[j*g.r : j*g.r+width]
		for i := range rows {
			x[i*g.d+j] = g.mean[j] + kernel.Dot(f, z[i*g.r:i*g.r+width])
		}
	}
}

// WriteGaussian writes the rows of g as a dump in the folder dir, which must
// not hold one yet, in float16 if half. progress, if not nil, is told how many
// rows are written. When ctx ends, or on an error, no dump is left.
func WriteGaussian(ctx context.Context, dir string, g *Gaussian, half bool, progress func(rows int64)) error {
	schema := activations.Schema{D: g.d, Half: half, Metadata: activations.Metadata{
		activations.KeyDataset: "normal distribution with the mean and covariance of " + g.like,
	}}
	return writeRows(ctx, dir, g, schema, rowWriter{progress: progress})
}
