package data

import (
	"context"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/saectl/saectl/activations"
)

// table is rows in memory.
type table struct {
	fake
	x []float32 // [N,D]
}

func newTable(n, d int, fill func(row []float32, i int)) *table {
	t := &table{fake: fake{n: int64(n), d: d}, x: make([]float32, n*d)}
	for i := range n {
		fill(t.x[i*d:(i+1)*d], i)
	}
	return t
}

func (t *table) Read(b *activations.Batch, rows []int64, _ activations.Columns) error {
	*b = activations.Batch{N: len(rows), D: t.d, Row: append([]int64(nil), rows...)}
	for _, row := range rows {
		b.X = append(b.X, t.x[int(row)*t.d:int(row+1)*t.d]...)
	}
	return nil
}

// skewed has a large mean, correlated columns and no normal distribution.
func skewed(row []float32, i int) {
	for j := range row {
		u := Uniform(1, uint64(i), uint64(j))
		row[j] = float32(u*u*u*3) + 1000
		if j > 0 {
			row[j] += 0.7 * (row[j-1] - 1000)
		}
	}
}

// plainMoments are the moments by their definition, in two passes.
func plainMoments(x []float32, d int) (mean []float64, cov []float64) {
	n := float64(len(x) / d)
	mean, cov = make([]float64, d), make([]float64, d*d)
	for i, v := range x {
		mean[i%d] += float64(v) / n
	}
	for i := 0; i < len(x); i += d {
		for j := range d {
			for k := range d {
				cov[j*d+k] += (float64(x[i+j]) - mean[j]) * (float64(x[i+k]) - mean[k]) / n
			}
		}
	}
	return mean, cov
}

func TestMoments(t *testing.T) {
	const n, d = 20_000, 70 // two batches of a pass
	src := newTable(n, d, skewed)
	mean, cov := plainMoments(src.x, d)
	gotMean, gotCov, err := moments(src, activations.AllRows(n))
	if err != nil {
		t.Fatal(err)
	}
	for j := range d {
		if math.Abs(gotMean[j]-mean[j]) > 1e-9 {
			t.Errorf("mean %d is %v, want %v", j, gotMean[j], mean[j])
		}
		for k := range d {
			if math.Abs(gotCov.At(j, k)-cov[j*d+k]) > 1e-9 {
				t.Errorf("covariance %d,%d is %v, want %v", j, k, gotCov.At(j, k), cov[j*d+k])
			}
		}
	}
}

// factorError is the largest difference between factor · factorᵀ and cov.
func factorError(g *Gaussian, cov mat.Symmetric) float64 {
	worst := 0.0
	for i := range g.d {
		for j := range g.d {
			sum := 0.0
			for k := range g.r {
				sum += float64(g.factor[i*g.r+k]) * float64(g.factor[j*g.r+k])
			}
			worst = max(worst, math.Abs(sum-cov.At(i, j)))
		}
	}
	return worst
}

func TestGaussianFactor(t *testing.T) {
	const d = 12
	for name, c := range map[string]struct {
		rank  int
		lower bool
		fill  func(row []float32, i int)
	}{
		"full": {d, true, skewed},
		"a dead column": {d - 1, false, func(row []float32, i int) {
			skewed(row, i)
			row[5] = 2
		}},
		"a sum of columns": {d - 1, false, func(row []float32, i int) {
			for j := range row[:d-1] {
				row[j] = float32(Bits(1, uint64(i), uint64(j)) % 8)
			}
			row[d-1] = row[0] + row[1]
		}},
		"one row many times": {0, false, func(row []float32, _ int) { skewed(row, 3) }},
		"two rows":           {1, false, func(row []float32, i int) { skewed(row, i%2) }},
	} {
		src := newTable(2000, d, c.fill)
		g, err := FitGaussian(src, activations.AllRows(2000), 10, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, cov, err := moments(src, activations.AllRows(2000))
		if err != nil {
			t.Fatal(err)
		}
		if worst := factorError(g, cov); worst > 1e-5 {
			t.Errorf("%s: the factor is off by %g", name, worst)
		}
		// Rounding can let a singular matrix through Cholesky; the factor is what counts.
		if !g.lower && g.r != c.rank || c.lower && !g.lower {
			t.Errorf("%s: rank %d (lower triangular: %v), want %d", name, g.r, g.lower, c.rank)
		}
	}
}

// What is drawn has the moments of what it is like, within the error of a
// sample, and is normal, which the source is not.
func TestGaussianMoments(t *testing.T) {
	const d, n = 8, 100_000
	for name, fill := range map[string]func(row []float32, i int){
		"full": skewed,
		"singular": func(row []float32, i int) {
			skewed(row[:6], i)
			row[6], row[7] = 5, 2*row[0]-row[1]
		},
	} {
		src := newTable(3000, d, fill)
		g, err := FitGaussian(src, activations.AllRows(3000), n, 4)
		if err != nil {
			t.Fatal(err)
		}
		var b activations.Batch
		if err := NewSequential(g, activations.AllRows(n), 0, n).Next(&b); err != nil {
			t.Fatal(err)
		}
		mean, cov := plainMoments(src.x, d)
		gotMean, gotCov := plainMoments(b.X, d)
		for j := range d {
			s := math.Sqrt(cov[j*d+j])
			if math.Abs(gotMean[j]-mean[j]) > 5*s/math.Sqrt(n)+1e-3 {
				t.Errorf("%s: mean %d is %g, want %g", name, j, gotMean[j], mean[j])
			}
			for k := range d {
				se := math.Sqrt((cov[j*d+j]*cov[k*d+k] + cov[j*d+k]*cov[j*d+k]) / n)
				if math.Abs(gotCov[j*d+k]-cov[j*d+k]) > 5*se+1e-4 {
					t.Errorf("%s: covariance %d,%d is %g, want %g", name, j, k, gotCov[j*d+k], cov[j*d+k])
				}
			}
			if s < 1e-6 { // rounding of a column that never varies
				continue
			}
			m3, m4 := 0.0, 0.0
			for i := j; i < len(b.X); i += d {
				z := (float64(b.X[i]) - gotMean[j]) / s
				m3, m4 = m3+z*z*z/n, m4+z*z*z*z/n
			}
			if math.Abs(m3) > 0.05 || math.Abs(m4-3) > 0.15 {
				t.Errorf("%s: column %d has third moment %g and fourth %g, want 0 and 3", name, j, m3, m4)
			}
		}
	}
}

func TestGaussianByNumber(t *testing.T) {
	src := newTable(500, 9, skewed)
	g, err := FitGaussian(src, activations.AllRows(500), 1000, 4)
	if err != nil {
		t.Fatal(err)
	}
	var all, some activations.Batch
	rows := []int64{999, 3, 3, 0, 500}
	if err := g.Read(&some, rows, 0); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if err := NewSequential(g, activations.AllRows(1000), 0, 1000).Next(&all); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if !slices.Equal(some.X[i*9:(i+1)*9], all.X[row*9:(row+1)*9]) {
			t.Errorf("row %d depends on how it is read", row)
		}
	}
	other, _ := FitGaussian(src, activations.AllRows(500), 1000, 5)
	if err := other.Read(&all, rows, 0); err != nil || slices.Equal(all.X, some.X) {
		t.Errorf("seeds 4 and 5 give the same rows (%v)", err)
	}
}

func TestGaussianErrors(t *testing.T) {
	src := newTable(10, 3, skewed)
	for want, make := range map[string]func() (*Gaussian, error){
		"2 rows or more": func() (*Gaussian, error) { return FitGaussian(src, activations.AllRows(1), 10, 0) },
		"rows is 0":      func() (*Gaussian, error) { return FitGaussian(src, activations.AllRows(10), 0, 0) },
		"cannot be read": func() (*Gaussian, error) {
			return FitGaussian(&fake{n: 10, d: 3, fail: 4}, activations.AllRows(10), 5, 0)
		},
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// Like a real dump, through a dump on disk.
func TestWriteGaussianRealDump(t *testing.T) {
	d := openReal(t, "digits", "train") // some of its columns are always zero
	all := activations.AllRows(d.Rows())
	g, err := FitGaussian(d, all, 20_000, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "control")
	if err := WriteGaussian(context.Background(), dir, g, false, nil); err != nil {
		t.Fatal(err)
	}
	c, err := activations.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, want, err := moments(d, all)
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := moments(c, activations.AllRows(c.Rows()))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(mat.Trace(got)/mat.Trace(want)-1) > 0.02 || math.Abs(mat.Trace(want)-122.54) > 0.01 {
		t.Errorf("total variance %g, of the dump %g, the README says 122.54", mat.Trace(got), mat.Trace(want))
	}
	for j := range c.D() {
		if want.At(j, j) == 0 && got.At(j, j) > 1e-9 {
			t.Errorf("column %d never varies but here by %g", j, got.At(j, j))
		}
	}
}
