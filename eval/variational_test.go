package eval

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// gauss is a model whose latents of a row have means and variances that are
// given in full, and draws that keep given latents.
type gauss struct {
	formula
	mean, variance []float32 // [N,F] of all rows; variance may be nil
	kept           [][]int32 // of each row
	seen, last     int       // rows before, and of, the last batch
	err            error
}

func (m *gauss) Encode(b *activations.Batch) (sae.Encoded, error) {
	m.seen, m.last = m.seen+m.last, b.N
	e := sae.Encoded{N: b.N, F: m.f, RowPtr: []int32{0}}
	for i := range b.N {
		if m.kept != nil {
			e.Index = append(e.Index, m.kept[m.seen+i]...)
		}
		e.RowPtr = append(e.RowPtr, int32(len(e.Index)))
	}
	e.Value = make([]float32, len(e.Index))
	m.recon = make([]float32, b.N*b.D)
	return e, m.err
}

func (m *gauss) Extra(name string) []float32 {
	all := map[string][]float32{"mean": m.mean, "variance": m.variance}[name]
	if all == nil {
		return nil
	}
	return all[m.seen*m.f : (m.seen+m.last)*m.f]
}

// TestPosterior compares with plain sums, for batches and parts of several
// sizes.
func TestPosterior(t *testing.T) {
	const n, f, d = 37, 70, 3
	r := rand.New(rand.NewPCG(1, 2))
	mean, variance := make([]float32, n*f), make([]float32, n*f)
	for i := range mean {
		mean[i], variance[i] = float32(r.NormFloat64())*float32(i%f)/f*0.3, float32(math.Exp(r.NormFloat64()))
	}
	kl, widths, active := 0.0, 0.0, 0
	for l := range f {
		sum, squares := 0.0, 0.0
		for i := range n {
			mu, v := float64(mean[i*f+l]), float64(variance[i*f+l])
			kl += 0.5 * (mu*mu + v - 1 - math.Log(v)) / n
			widths += v / n / f
			sum, squares = sum+mu, squares+mu*mu
		}
		if squares/n-sum/n*sum/n > 0.01 {
			active++
		}
	}
	if active < 5 || active > f-5 {
		t.Fatalf("%d latents are active; the test shows little", active)
	}
	for _, size := range [][2]int{{37, 37}, {10, 4}, {16, 100}} {
		s := constant(make([]float32, d))
		s.F = f
		s.Model.(*formula).weights["decoder.weight"] = make([]float32, f*d)
		m := &gauss{formula: formula{f: f}, mean: mean, variance: variance}
		src := &rows{all: activations.Batch{N: n, D: d, X: make([]float32, n*d)}, batch: size[0]}
		src.all.X[0] = 1 // rows that do not vary have no FVU
		got, err := Run(context.Background(), s, src, Options{Threads: 2, Metrics: []Metric{NewPosterior(s, m, size[1])}})
		if err != nil {
			t.Fatal(err)
		}
		got.want(t, "kl", kl, 1e-9)
		got.want(t, "posterior_variance_mean", widths, 1e-9)
		got.want(t, "active_units", float64(active), 0)
		if sum := total(got.Series["kl_by_latent"].Y); math.Abs(sum-kl) > 1e-9 {
			t.Errorf("the latents' divergences sum to %v, want %v", sum, kl)
		}
		if y := got.Series["posterior_variance_by_latent"].Y; math.Abs(total(y)/f-widths) > 1e-9 {
			t.Errorf("the latents' variances have mean %v, want %v", total(y)/f, widths)
		}
	}
}

// TestPosteriorWithoutVariance: the divergence is ½μ², and no width is told.
func TestPosteriorWithoutVariance(t *testing.T) {
	s := constant([]float32{0, 0})
	m := &gauss{formula: formula{f: 2}, mean: []float32{1, 0, 3, 0}}
	src := &rows{all: activations.Batch{N: 2, D: 2, X: []float32{1, 0, 0, 2}}, batch: 2}
	got, err := Run(context.Background(), s, src, Options{Metrics: []Metric{NewPosterior(s, m, 2)}})
	if err != nil {
		t.Fatal(err)
	}
	got.want(t, "kl", 2.5, 1e-12)
	got.want(t, "active_units", 1, 0)
	if _, ok := got.Metrics["posterior_variance_mean"]; ok {
		t.Error("a model that samples nothing has a posterior variance")
	}
}

func TestChurn(t *testing.T) {
	s := constant([]float32{0, 0})
	s.F = 8
	s.Model.(*formula).weights["decoder.weight"] = make([]float32, 16)
	src := &rows{all: activations.Batch{N: 4, D: 2, X: []float32{1, 0, 0, 2, 1, 1, 3, 0}}, batch: 3}
	a := &gauss{formula: formula{f: 8}, kept: [][]int32{{0, 3, 5}, {}, {1, 2}, {4}}}
	b := &gauss{formula: formula{f: 8}, kept: [][]int32{{3, 5, 7}, {}, {3, 6}, {4}}}
	got, err := Run(context.Background(), s, src, Options{Metrics: []Metric{NewChurn(s, a, b)}})
	if err != nil {
		t.Fatal(err)
	}
	got.want(t, "selection_jaccard", (2.0/4+0+1)/3, 1e-12)
	got.want(t, "selection_churn", 1-(2.0/4+0+1)/3, 1e-12)
	got.want(t, "selection_jaccard_chance", (9.0/8/(6-9.0/8)+0.5/(4-0.5)+0.125/(2-0.125))/3, 1e-12)
	got.want(t, "mse_sampled", (1+4+2+9)/4.0, 1e-12)
	got.want(t, "fvu_sampled", 16/(11-4*1.25*1.25+5-4*0.75*0.75), 1e-12)
	a.err = errors.New("no draw")
	a.seen, a.last, b.seen, b.last, src.at = 0, 0, 0, 0, 0
	got, err = Run(context.Background(), s, src, Options{Metrics: []Metric{NewChurn(s, a, b)}})
	if err != nil || !strings.Contains(strings.Join(got.Warnings, " "), "no draw") {
		t.Errorf("a draw that fails: error %v, warnings %v", err, got.Warnings)
	}
	if _, ok := got.Metrics["selection_jaccard"]; ok {
		t.Error("a figure of draws that failed is reported")
	}
}

// TestUnderuse: of four latents one never fires and one a little.
func TestUnderuse(t *testing.T) {
	s := constant([]float32{0})
	m := s.Model.(*formula)
	m.f, s.F, m.weights["decoder.weight"] = 4, 4, make([]float32, 4)
	m.code = func(x []float32) ([]int32, []float32) {
		if x[0] == 7 {
			return []int32{0, 1, 2}, []float32{1, 0, -1}
		}
		return []int32{0, 1}, []float32{1, 1}
	}
	x := make([]float32, 20)
	for i := range x {
		x[i] = float32(i)
	}
	got := evaluate(t, s, x, 6)
	got.want(t, "underused_0.1", 0.25, 0) // 40 in all, 10 each if even; 20, 19, 1 and 0 fired
	got.want(t, "underused_0.5", 0.5, 0)
}
