package eval

import (
	"context"
	"fmt"
	"math"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/eval/labels"
	"github.com/saectl/saectl/internal/kernel"
)

// ProbeSets are what Probe looks at.
type ProbeSets struct {
	Train activations.Source // labelled rows to fit probes on; nil for no probes
	Test  activations.Source // rows to test them on, labelled unless only OOD is asked for
	OOD   []OODSource        // rows from elsewhere that a detector should notice; needs Train

	Pool      string            // makes one row of the rows of a document: labels.PoolMean and others; "" does not
	Hierarchy *labels.Hierarchy // of the classes, or nil

	// Embedding are embeddings [n,E] of the test rows by another model, for the
	// monosemanticity of latents; nil for none. It cannot be pooled.
	Embedding []float32
}

// An OODSource is a set of rows from elsewhere.
type OODSource struct {
	Name string
	Rows activations.Source
}

// maxProbeRows bounds the rows of a set; more are an error, since a probe of
// some of them would not be that of the set.
const maxProbeRows = 1 << 18

// Probe adds to the report how well classes can be read off latents, how well
// latents and reconstructions tell rows from elsewhere, each beside the same
// on the rows themselves, and how latents follow a hierarchy of the classes.
func Probe(ctx context.Context, s Subject, in ProbeSets, threads int, r *Report) error {
	pool := kernel.NewPool(threads)
	defer pool.Close()
	test, err := in.set(ctx, s, in.Test, pool, "the test rows")
	if err != nil {
		return err
	}
	out := &labels.Report{Pool: in.Pool, Test: test.Len()}
	r.Labels = out
	if in.Train != nil {
		if err := in.probe(ctx, s, pool, test, r); err != nil {
			return err
		}
	}
	if in.Embedding != nil {
		if err := r.monosemanticity(in, test); err != nil {
			return err
		}
	}
	if in.Hierarchy == nil {
		return nil
	}
	if out.Ontology, err = labels.NewOntology(in.Hierarchy, test); err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	r.setOntology(out.Ontology, int64(test.Len()))
	return nil
}

// probe fits probes and compares with rows from elsewhere.
func (in ProbeSets) probe(ctx context.Context, s Subject, pool *kernel.Pool, test *labels.Set, r *Report) error {
	train, err := in.set(ctx, s, in.Train, pool, "the training rows")
	if err != nil {
		return err
	}
	r.Labels.Train = train.Len()
	classes := labels.Classes(train, test)
	if labels.Classes(train) < 2 || oneClass(test.Class) || oneClass(train.Class) {
		return fmt.Errorf("eval: probes need rows of two classes or more")
	}
	latents, raw := probeClasses(r, pool, train, test, classes)
	if len(in.OOD) == 0 {
		return nil
	}
	detectors := newDetectorTest(pool, test, labels.Detectors(train, latents, raw))
	for i, source := range in.OOD {
		ood, err := in.set(ctx, s, source.Rows, pool, "")
		if err != nil {
			return fmt.Errorf("%s: %w", source.Name, err)
		}
		r.Labels.OOD = append(r.Labels.OOD, detectors.detect(ood, source.Name))
		if i == len(in.OOD)-1 {
			r.setDetections(int64(test.Len() + ood.Len()))
		}
	}
	return nil
}

func oneClass(class []int) bool {
	for _, c := range class {
		if c != class[0] {
			return false
		}
	}
	return true
}

// set encodes all rows of src. They must be labelled when a name says which
// rows they are.
func (in ProbeSets) set(ctx context.Context, s Subject, src activations.Source, pool *kernel.Pool, name string) (*labels.Set, error) {
	set := labels.NewSet(s.F, s.D)
	var byDoc *labels.Pool
	if in.Pool != "" {
		var err error
		if byDoc, err = labels.NewPool(set, in.Pool); err != nil {
			return nil, err
		}
	}
	var failed error
	_, err := pass(ctx, s, src, pool, func(b *Sample) {
		if failed == nil {
			failed = addToSet(set, byDoc, b, name)
		}
	})
	if byDoc != nil {
		byDoc.Close()
	}
	if err == nil {
		err = failed
	}
	if err == nil && set.Len() == 0 {
		err = fmt.Errorf("eval: there are no rows to probe")
	}
	return set, err
}

// CheckProbeRows refuses n rows of d, by its metadata alone, that Probe would
// refuse once it has read them: too many, or without documents to pool by.
func CheckProbeRows(d *activations.Dump, n int64, pool string) error {
	switch {
	case pool == "" && n > maxProbeRows:
		return fmt.Errorf("%s: %d rows; probes take at most %d, filter them with --where", d.Name(), n, maxProbeRows)
	case pool != "" && !d.Has(activations.Doc):
		return fmt.Errorf("%s: rows are pooled by document, and the dump has no column doc", d.Name())
	}
	return nil
}

func addToSet(set *labels.Set, byDoc *labels.Pool, b *Sample, name string) error {
	if set.Len()+b.N > maxProbeRows {
		return fmt.Errorf("eval: probes take at most %d rows; filter them with --where", maxProbeRows)
	}
	if byDoc != nil && b.Doc == nil {
		return fmt.Errorf("eval: rows are pooled by document, and the dump has no column doc")
	}
	for i := range b.N {
		class := -1
		if b.Label != nil {
			class = int(b.Label[i])
		}
		if name != "" && class < 0 {
			return fmt.Errorf("eval: row %d of %s has no label; filter with --where 'label>=0'", b.rowNumber(i), name)
		}
		index, value := b.Codes.Row(i)
		x, sums := b.X[i*b.D:(i+1)*b.D], b.Sums[i]
		if byDoc == nil {
			set.Add(index, value, x, class, sums.Error, sums.Want)
			continue
		}
		if err := byDoc.Add(b.Doc[i], index, value, x, class, sums.Error, sums.Want); err != nil {
			return fmt.Errorf("eval: row %d: %w", b.rowNumber(i), err)
		}
	}
	return nil
}

// sparseK are how many latents the sparse probes look at.
func sparseK() []int { return []int{1, 2, 5, 10, 20} }

// probeClasses sets the accuracy of probes of all latents and of few, and
// gives the probes of all latents and of rows.
func probeClasses(r *Report, pool *kernel.Pool, train, test *labels.Set, classes int) (latents, raw labels.Softmax) {
	rows, ks := int64(test.Len()), append([]int{0}, sparseK()...)
	probes := make([]labels.Probes, len(ks))
	pool.Run(2*len(ks), kernel.TaskFunc(func(_, i int) {
		k, codes := ks[i/2], i%2 == 0
		from, to := train.Codes, test.Codes
		if !codes {
			from, to = train.Raw, test.Raw
		}
		if k > 0 {
			from, to = from.Top(k), to.Top(k)
		}
		m := labels.FitSoftmax(from, train.Class, classes, 1)
		accuracy := m.Accuracy(to, test.Class)
		if codes {
			probes[i/2].Truncated = accuracy
		} else {
			probes[i/2].TruncatedRaw = accuracy
		}
		switch {
		case k == 0 && codes:
			latents = m
		case k == 0:
			raw = m
		}
	}))
	r.Set("probe_accuracy", probes[0].Truncated, rows)
	r.Set("probe_accuracy_raw", probes[0].TruncatedRaw, rows)
	for i, k := range ks[1:] {
		p := &probes[i+1]
		p.K = k
		p.Codes, p.Raw = sparseProbes(pool, train, test, classes, k)
		r.Set(fmt.Sprintf("probe_k%d_accuracy", k), p.Codes.Accuracy, rows)
		r.Set(fmt.Sprintf("probe_k%d_accuracy_raw", k), p.Raw.Accuracy, rows)
		r.Set(fmt.Sprintf("probe_k%d_auroc", k), p.Codes.AUROC, rows)
		r.Set(fmt.Sprintf("probe_k%d_auroc_raw", k), p.Raw.AUROC, rows)
		r.Set(fmt.Sprintf("probe_top%d_accuracy", k), p.Truncated, rows)
		r.Set(fmt.Sprintf("probe_top%d_accuracy_raw", k), p.TruncatedRaw, rows)
	}
	r.Labels.Probes = probes
	return latents, raw
}

// sparseProbes are means over the classes that both sets have.
func sparseProbes(pool *kernel.Pool, train, test *labels.Set, classes, k int) (codes, raw labels.Score) {
	of := make([][2]labels.Score, classes)
	pool.Run(classes, kernel.TaskFunc(func(_, c int) {
		is, isTest := labels.Members(train.Class, c), labels.Members(test.Class, c)
		of[c][0] = labels.SparseProbe(train.Codes, test.Codes, is, isTest, k)
		of[c][1] = labels.SparseProbe(train.Raw, test.Raw, is, isTest, k)
	}))
	used := 0.0
	for _, s := range of {
		if math.IsNaN(s[0].AUROC) {
			continue
		}
		used++
		codes.Accuracy, codes.AUROC = codes.Accuracy+s[0].Accuracy, codes.AUROC+s[0].AUROC
		raw.Accuracy, raw.AUROC = raw.Accuracy+s[1].Accuracy, raw.AUROC+s[1].AUROC
	}
	if used == 0 {
		return codes, raw
	}
	return labels.Score{Accuracy: codes.Accuracy / used, AUROC: codes.AUROC / used}, labels.Score{Accuracy: raw.Accuracy / used, AUROC: raw.AUROC / used}
}

// monosemanticity sets the score of each latent on the test rows.
func (r *Report) monosemanticity(in ProbeSets, test *labels.Set) error {
	if in.Pool != "" || test.Len() == 0 || len(in.Embedding)%test.Len() != 0 {
		return fmt.Errorf("eval: %d numbers of embeddings do not belong to %d test rows; give a dump with the same rows, and no pooling", len(in.Embedding), test.Len())
	}
	scores := labels.Monosemanticity(in.Embedding, test.Len(), test.Codes.Row, test.Codes.P)
	sum, live := 0.0, int64(0)
	for _, v := range scores {
		if v != -1 {
			sum, live = sum+v, live+1
		}
	}
	r.Latents.Monosemanticity = scores
	r.Set("monosemanticity_mean", mean(sum, live), int64(test.Len()))
	return nil
}

func (r *Report) setOntology(o *labels.Ontology, rows int64) {
	for _, x := range []struct {
		suffix string
		of     labels.OntologyFigures
	}{{"", o.Found}, {"_chance", o.Chance}} {
		r.Set("hierarchy_height_mean"+x.suffix, x.of.Height, rows)
		r.Set("hierarchy_height_median"+x.suffix, x.of.MedianHeight, rows)
		r.Set("hierarchy_tolerant_height_mean"+x.suffix, x.of.TolerantHeight, rows)
		r.Set("hierarchy_coverage"+x.suffix, x.of.Coverage, rows)
		r.Set("hierarchy_depth_mean"+x.suffix, x.of.Depth, rows)
	}
}
