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

// labels adds to the report what labels and rows from elsewhere say.
func (t *trained) labels(ctx context.Context, r *eval.Report, d *activations.Dump, rows activations.Rows, s eval.Subject, o evalOptions) (err error) {
	if !o.labels.any() {
		return nil
	}
	if !d.Has(activations.Label) {
		return fmt.Errorf("%s: the rows have no labels (column label), which --probe-train, --ood, --hierarchy and --embedding look at", d.Name())
	}
	var open []func() error
	defer func() {
		for _, f := range open {
			err = errors.Join(err, f())
		}
	}()
	source := func(d *activations.Dump, rows activations.Rows) activations.Source {
		src := data.Prefetch(data.NewSequential(d, rows, eval.Columns(d), evalBatch))
		open = append(open, func() error { src.Close(); return nil })
		return src
	}
	in := eval.ProbeSets{Test: source(d, rows), Pool: o.labels.pool}
	if o.labels.train != "" {
		train, err := t.openBeside(o.labels.train, &open)
		if err != nil {
			return err
		}
		in.Train = source(train, activations.AllRows(train.Rows()))
	}
	for _, path := range o.labels.ood {
		other, err := t.openBeside(path, &open)
		if err != nil {
			return err
		}
		in.OOD = append(in.OOD, eval.OODSource{Name: path, Rows: source(other, activations.AllRows(other.Rows()))})
	}
	if in.Hierarchy, err = o.labels.readHierarchy(d); err != nil {
		return err
	}
	if in.Embedding, err = o.labels.readEmbedding(d, rows); err != nil {
		return err
	}
	return eval.Probe(ctx, s, in, o.threads, r)
}

// openBeside opens another dump of the run's hook point.
func (t *trained) openBeside(path string, open *[]func() error) (*activations.Dump, error) {
	d, err := openDump(path)
	if err != nil {
		return nil, err
	}
	*open = append(*open, d.Close)
	return d, t.check(d)
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

func (o labelOptions) readEmbedding(d *activations.Dump, rows activations.Rows) ([]float32, error) {
	if o.embedding == "" {
		return nil, nil
	}
	e, err := openDump(o.embedding)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	if e.Rows() != d.Rows() {
		return nil, fmt.Errorf("%s has %d rows and %s %d; embeddings are of the same rows", o.embedding, e.Rows(), d.Name(), d.Rows())
	}
	if rows.Len() > embeddingNumbers/int64(e.D()) {
		return nil, fmt.Errorf("%s: %d rows of %d values are too many to hold; filter with --where", o.embedding, rows.Len(), e.D())
	}
	list := make([]int64, rows.Len())
	rows.Fill(list, 0)
	var b activations.Batch
	err = e.Read(&b, list, 0)
	return b.X, err
}
