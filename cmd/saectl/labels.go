package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/eval/labels"
)

// labelOptions are the flags of eval that look at labels.
type labelOptions struct {
	train, pool, hierarchy, embedding string
	ood                               []string
}

func (o *labelOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.train, "probe-train", "", "dump with labelled rows to fit probes of the classes on; the rows evaluated are the test")
	f.StringArrayVar(&o.ood, "ood", nil, "dump with rows from elsewhere, which scores of latents and of rows should tell from those evaluated; needs --probe-train; may be given again")
	f.StringVar(&o.pool, "pool", "", "with the flags on labels: make one row of the rows of each document, such as the patches of an image, by mean, max or first")
	f.StringVar(&o.hierarchy, "hierarchy", "", "file with a line 'child parent' for each pair of a hierarchy that the names of the labels are in: say how latents follow it")
	f.StringVar(&o.embedding, "embedding", "", "dump with embeddings of the same rows by another model, for the monosemanticity of latents")
}

func (o labelOptions) any() bool {
	return o.train != "" || o.ood != nil || o.hierarchy != "" || o.embedding != ""
}

func (o labelOptions) check() error {
	switch {
	case o.ood != nil && o.train == "":
		return fmt.Errorf("--ood needs --probe-train, the rows that scores compare with")
	case o.pool != "" && !o.any():
		return fmt.Errorf("--pool goes with --probe-train or --hierarchy")
	case o.pool != "" && o.embedding != "":
		return fmt.Errorf("--embedding is of rows as they are; leave --pool out")
	}
	if o.pool != "" {
		_, err := labels.NewPool(nil, o.pool)
		return err
	}
	return nil
}

// A labelled is what the flags on labels name, opened and checked before any row
// is encoded, so that a wrong path costs no pass.
type labelled struct {
	labelOptions
	trainRows *activations.Dump
	oodRows   []*activations.Dump // in the order of ood
	tree      *labels.Hierarchy
	embedded  *activations.Dump
	open      []*activations.Dump // to be closed
}

// openBeside opens what o names beside rows of d; nil when it names nothing.
func (t *trained) openBeside(d *activations.Dump, rows activations.Rows, o labelOptions) (b *labelled, err error) {
	if !o.any() {
		return nil, nil
	}
	if !d.Has(activations.Label) {
		return nil, fmt.Errorf("%s: the rows have no labels (column label), which --probe-train, --ood, --hierarchy and --embedding look at", d.Name())
	}
	b = &labelled{labelOptions: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if err := eval.CheckProbeRows(d, rows.Len(), o.pool); err != nil {
		return b, err
	}
	if o.train != "" {
		if b.trainRows, err = b.dumpOf(t, o.train); err != nil {
			return b, err
		}
		if !b.trainRows.Has(activations.Label) {
			return b, fmt.Errorf("--probe-train: %s has no labels (column label) to fit probes on", b.trainRows.Name())
		}
	}
	for _, path := range o.ood {
		other, err := b.dumpOf(t, path)
		if err != nil {
			return b, err
		}
		b.oodRows = append(b.oodRows, other)
	}
	if b.tree, err = o.readHierarchy(d); err != nil {
		return b, err
	}
	return b, b.openEmbedding(d, rows)
}

// dumpOf opens another dump of the run's hook point, to be read whole.
func (b *labelled) dumpOf(t *trained, path string) (*activations.Dump, error) {
	d, err := openDump(path)
	if err != nil {
		return nil, err
	}
	b.open = append(b.open, d)
	if err := t.check(d); err != nil {
		return nil, err
	}
	return d, eval.CheckProbeRows(d, d.Rows(), b.pool)
}

func (b *labelled) close() (err error) {
	if b == nil {
		return nil
	}
	for _, d := range b.open {
		err = errors.Join(err, d.Close())
	}
	return err
}

// probe adds to the report what labels and rows from elsewhere say of the rows
// of d.
func (b *labelled) probe(ctx context.Context, r *eval.Report, d *activations.Dump, rows activations.Rows, s eval.Subject, threads int) (err error) {
	if b == nil {
		return nil
	}
	source := func(d *activations.Dump, rows activations.Rows) *data.Prefetcher {
		return data.Prefetch(data.NewSequential(d, rows, eval.Columns(d), s.B))
	}
	test := source(d, rows)
	defer test.Close()
	in := eval.ProbeSets{Test: test, Pool: b.pool, Hierarchy: b.tree}
	if b.trainRows != nil {
		train := source(b.trainRows, activations.AllRows(b.trainRows.Rows()))
		defer train.Close()
		in.Train = train
	}
	for i, other := range b.oodRows {
		ood := source(other, activations.AllRows(other.Rows()))
		defer ood.Close()
		in.OOD = append(in.OOD, eval.OODSource{Name: b.ood[i], Rows: ood})
	}
	if in.Embedding, err = b.readEmbedding(rows); err != nil {
		return err
	}
	return eval.Probe(ctx, s, in, threads, r)
}

func (o labelOptions) readHierarchy(d *activations.Dump) (*labels.Hierarchy, error) {
	if o.hierarchy == "" {
		return nil, nil
	}
	names, err := d.Metadata().LabelNames()
	if err != nil {
		return nil, err
	}
	if names, err = labelsThatOccur(d, names); err != nil {
		return nil, err
	}
	f, err := os.Open(o.hierarchy)
	if err != nil {
		return nil, err
	}
	h, err := labels.ReadHierarchy(f, o.hierarchy, names)
	return h, errors.Join(err, f.Close())
}

// labelsThatOccur are the names of the labels up to the largest that some row
// carries; without names, the numbers.
func labelsThatOccur(d *activations.Dump, names []string) ([]string, error) {
	most, b, list := int32(-1), activations.Batch{}, make([]int64, 1<<14)
	rows := activations.AllRows(d.Rows())
	for at := int64(0); at < rows.Len(); at += int64(len(list)) {
		n := rows.Fill(list, at)
		if err := d.ReadColumns(&b, list[:n], activations.Label); err != nil {
			return nil, err
		}
		for _, l := range b.Label {
			most = max(most, l)
		}
	}
	if int(most) > 1<<20 {
		return nil, fmt.Errorf("%s: a label is %d; a hierarchy takes a million classes", d.Name(), most)
	}
	for len(names) <= int(most) {
		names = append(names, strconv.Itoa(len(names)))
	}
	return names[:most+1], nil
}

// embeddingNumbers bounds what is held of embeddings.
const embeddingNumbers = 1 << 28

func (b *labelled) openEmbedding(d *activations.Dump, rows activations.Rows) error {
	if b.embedding == "" {
		return nil
	}
	e, err := openDump(b.embedding)
	if err != nil {
		return err
	}
	b.embedded, b.open = e, append(b.open, e)
	if e.Rows() != d.Rows() {
		return fmt.Errorf("%s has %d rows and %s %d; embeddings are of the same rows", e.Name(), e.Rows(), d.Name(), d.Rows())
	}
	if rows.Len() > embeddingNumbers/int64(e.D()) {
		return fmt.Errorf("%s: %d rows of %d values are too many to hold; filter with --where", e.Name(), rows.Len(), e.D())
	}
	return nil
}

// readEmbedding reads the embeddings [n,E] of rows.
func (b *labelled) readEmbedding(rows activations.Rows) ([]float32, error) {
	if b.embedded == nil {
		return nil, nil
	}
	list := make([]int64, rows.Len())
	rows.Fill(list, 0)
	var all activations.Batch
	err := b.embedded.Read(&all, list, 0)
	return all.X, err
}
