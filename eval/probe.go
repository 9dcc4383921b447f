package eval

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/roc"
)

// ProbeSets are the rows of Probe: labelled ones to fit and to test on, and
// ones from elsewhere, nil for none, that a detector should notice.
type ProbeSets struct {
	Train, Test, OOD activations.Source
}

// maxProbeRows bounds the rows of a set; more are an error, since a probe of
// some of them would not be that of the set.
const maxProbeRows = 1 << 18

// probeSet is a set with all that probes look at.
type probeSet struct {
	codes, raw *features // [n,F], [n,D]
	class      []int
	missed     []float64 // [n] ‖e‖²/‖x‖²
}

// Probe adds to the report how well classes can be read off latents, and how
// well latents and reconstructions tell rows from elsewhere, each beside the
// same on the rows themselves.
func Probe(ctx context.Context, s Subject, in ProbeSets, threads int, r *Report) error {
	pool := kernel.NewPool(threads)
	defer pool.Close()
	train, err := newProbeSet(ctx, s, in.Train, pool, "the training rows")
	if err != nil {
		return err
	}
	test, err := newProbeSet(ctx, s, in.Test, pool, "the test rows")
	if err != nil {
		return err
	}
	classes := slices.Max(append(slices.Clone(train.class), test.class...)) + 1
	if classes < 2 {
		return fmt.Errorf("eval: probes need rows of two classes or more")
	}
	latents, raw := probeClasses(r, pool, train, test, classes)
	if in.OOD == nil {
		return nil
	}
	ood, err := newProbeSet(ctx, s, in.OOD, pool, "")
	if err != nil {
		return err
	}
	detect(r, pool, test, ood, detectors(train, latents, raw))
	return nil
}

// newProbeSet encodes all rows of src. They must be labelled when a name says
// which rows they are.
func newProbeSet(ctx context.Context, s Subject, src activations.Source, pool *kernel.Pool, name string) (*probeSet, error) {
	p := &probeSet{codes: newFeatures(s.F), raw: newFeatures(s.D)}
	var failed error
	_, err := pass(ctx, s, src, pool, func(b *Sample) {
		if failed == nil {
			failed = p.add(b, name)
		}
	})
	if err == nil {
		err = failed
	}
	if err == nil && p.codes.n == 0 {
		err = fmt.Errorf("eval: there are no rows to probe")
	}
	return p, err
}

func (p *probeSet) add(b *Sample, name string) error {
	if p.codes.n+b.N > maxProbeRows {
		return fmt.Errorf("eval: probes take at most %d rows; filter them with --where", maxProbeRows)
	}
	for i := range b.N {
		class := -1
		if b.Label != nil {
			class = int(b.Label[i])
		}
		if name != "" && class < 0 {
			return fmt.Errorf("eval: row %d of %s has no label; filter with --where 'label>=0'", b.rowNumber(i), name)
		}
		p.codes.add(b.Codes.Row(i))
		p.raw.addDense(b.X[i*b.D : (i+1)*b.D])
		p.class = append(p.class, class)
		p.missed = append(p.missed, b.Sums[i].Error/max(b.Sums[i].Want, 1e-300))
	}
	return nil
}

// sparseK are how many latents the sparse probes look at.
func sparseK() []int { return []int{1, 2, 5, 10, 20} }

// probeClasses sets the accuracy of probes of all latents and of few, and
// gives the probes of all latents and of rows.
func probeClasses(r *Report, pool *kernel.Pool, train, test *probeSet, classes int) (latents, raw softmax) {
	rows := int64(test.codes.n)
	pool.Run(2, task(func(_, i int) {
		if i == 0 {
			latents = fitSoftmax(train.codes, train.class, classes, 1)
		} else {
			raw = fitSoftmax(train.raw, train.class, classes, 1)
		}
	}))
	r.Set("probe_accuracy", latents.accuracy(test.codes, test.class), rows)
	r.Set("probe_accuracy_raw", raw.accuracy(test.raw, test.class), rows)
	for _, k := range sparseK() {
		one, onRaw := sparseProbes(pool, train, test, classes, k)
		r.Set(fmt.Sprintf("probe_k%d_accuracy", k), one.accuracy, rows)
		r.Set(fmt.Sprintf("probe_k%d_auroc", k), one.auroc, rows)
		r.Set(fmt.Sprintf("probe_k%d_auroc_raw", k), onRaw.auroc, rows)
	}
	return latents, raw
}

// probeScore is the mean over classes of a one-against-rest probe.
type probeScore struct{ accuracy, auroc float64 }

func sparseProbes(pool *kernel.Pool, train, test *probeSet, classes, k int) (codes, raw probeScore) {
	of := make([][2]probeScore, classes)
	pool.Run(classes, task(func(_, c int) {
		is, isTest := members(train.class, c), members(test.class, c)
		of[c][0] = sparseProbe(train.codes, test.codes, is, isTest, k)
		of[c][1] = sparseProbe(train.raw, test.raw, is, isTest, k)
	}))
	used := 0.0
	for _, s := range of {
		if math.IsNaN(s[0].auroc) {
			continue // a class without rows in one of the sets
		}
		used++
		codes.accuracy, codes.auroc = codes.accuracy+s[0].accuracy, codes.auroc+s[0].auroc
		raw.accuracy, raw.auroc = raw.accuracy+s[1].accuracy, raw.auroc+s[1].auroc
	}
	return probeScore{codes.accuracy / used, codes.auroc / used}, probeScore{raw.accuracy / used, raw.auroc / used}
}

func members(class []int, c int) []bool {
	is := make([]bool, len(class))
	for i, v := range class {
		is[i] = v == c
	}
	return is
}

// sparseProbe fits a logistic regression on the k columns whose mean differs
// most between the classes, after SAEBench's sparse probing.
func sparseProbe(train, test *features, is, isTest []bool, k int) probeScore {
	if !slices.Contains(is, true) || !slices.Contains(isTest, true) || !slices.Contains(isTest, false) {
		return probeScore{math.NaN(), math.NaN()}
	}
	keep := rankByMean(train, is)
	keep = slices.Clone(keep[:min(k, len(keep))])
	slices.Sort(keep)
	m := fitLogistic(train.columns(keep), is, 1)
	return score(m.scores(test.columns(keep)), isTest)
}

// score is the accuracy of "above 0" and the AUROC of scores.
func score(scores []float64, is []bool) probeScore {
	var in, out []float64
	right := 0.0
	for i, v := range scores {
		if is[i] == (v > 0) {
			right++
		}
		if is[i] {
			in = append(in, v)
		} else {
			out = append(out, v)
		}
	}
	return probeScore{right / float64(len(scores)), roc.New(in, out).AUROC}
}

// rankByMean lists the columns by |mean over the class - mean over the rest|,
// largest first, ties to the lower column.
func rankByMean(f *features, is []bool) []int {
	in, out, n := make([]float64, f.p), make([]float64, f.p), 0.0
	for i := range f.n {
		to := out
		if is[i] {
			to = in
			n++
		}
		index, value := f.row(i)
		for e, j := range index {
			to[j] += float64(value[e])
		}
	}
	gap, order := make([]float64, f.p), make([]int, f.p)
	for j := range order {
		order[j] = j
		gap[j] = abs(in[j]/n - out[j]/(float64(f.n)-n))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(gap[b], gap[a]) })
	return order
}

// accuracy is the share of rows whose most probable class is the right one.
func (m softmax) accuracy(f *features, class []int) float64 {
	right, p := 0.0, make([]float64, m.classes)
	for i := range f.n {
		m.logProbabilities(f, i, p)
		best := 0
		for k, v := range p {
			if v > p[best] {
				best = k
			}
		}
		if best == class[i] {
			right++
		}
	}
	return right / float64(f.n)
}

func probeDefinitions() []Definition {
	list := []Definition{
		{Name: "probe_accuracy", Formula: "accuracy on the test rows of a logistic regression (softmax, L2, C = 1, bias free, nothing standardised) on all latents", Source: "linear probe", Equals: "scikit-learn LogisticRegression, stopped where its tolerance of 1e-4 stops"},
		{Name: "probe_accuracy_raw", Formula: "the same on x: what the latents must not lose", Source: "baseline"},
	}
	for _, k := range sparseK() {
		list = append(list,
			Definition{Name: fmt.Sprintf("probe_k%d_accuracy", k), Formula: fmt.Sprintf("mean over classes of the accuracy of one class against the rest with the %d latents of largest |mean on the class - mean off it|", k), Source: "k-sparse probing, Gurnee et al. 2023", Equals: "SAEBench 0.6.0 sparse probing on rows in place of mean-pooled texts"},
			Definition{Name: fmt.Sprintf("probe_k%d_auroc", k), Formula: fmt.Sprintf("mean over classes of the AUROC of that probe with %d latents", k), Source: "k-sparse probing"},
			Definition{Name: fmt.Sprintf("probe_k%d_auroc_raw", k), Formula: fmt.Sprintf("the same with %d values of x", k), Source: "baseline"})
	}
	return inFamily("probes", list)
}
