package data

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"reflect"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/safetensors"
)

// WriteTree writes the rows of t as a dump in the folder dir, which must not
// hold one yet, with the active parent of each row as its label, and the truth
// in TruthFile: dictionary [20,20]; frequencies [20], the share of the rows
// written in which each feature is active; and parents [20], -1 for none.
// progress, if not nil, is told how many rows are written. When ctx ends, or on
// an error, no dump is left.
func WriteTree(ctx context.Context, dir string, t Tree, progress func(rows int64)) error {
	g, err := NewTreeGenerator(t)
	if err != nil {
		return err
	}
	settings, err := synthJSON("tree", t)
	if err != nil {
		return err
	}
	schema := activations.Schema{D: TreeFeatures, Half: t.Half, Columns: activations.Label, Metadata: activations.Metadata{
		activations.KeyDataset: "tree of features", keySynth: settings, activations.KeyLabelNames: g.labelNames(),
	}}
	counts := make([]int64, TreeFeatures)
	return writeRows(ctx, dir, g, schema, rowWriter{
		progress: progress,
		each: func(b *activations.Batch) {
			for _, row := range b.Row {
				for _, f := range g.Code(row).Feature {
					counts[f]++
				}
			}
		},
		finish: func() error { return g.writeTruth(filepath.Join(dir, TruthFile), settings, counts) },
	})
}

func (g *TreeGenerator) labelNames() string {
	var names []string
	for _, p := range g.parents {
		names = append(names, fmt.Sprint("parent ", p))
	}
	b, _ := json.Marshal(names) // strings always can be
	return string(b)
}

func (g *TreeGenerator) writeTruth(path, settings string, counts []int64) error {
	frequencies, parents := make([]float64, TreeFeatures), make([]int32, TreeFeatures)
	for i, n := range counts {
		frequencies[i], parents[i] = float64(n)/float64(g.t.Rows), int32(treeParent(i))
	}
	f := []int{TreeFeatures}
	tensors := []safetensors.Tensor{
		{Name: "dictionary", Shape: []int{TreeFeatures, TreeFeatures}, Data: g.dictionary},
		{Name: "frequencies", Shape: f, Data: frequencies},
		{Name: "parents", Shape: f, Data: parents},
	}
	meta := map[string]string{keySynth: settings}
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, meta, tensors) })
}

// ReadTree is the generator of the tree that the dump in the folder dir was
// written of, nil when its truth is of another kind.
func ReadTree(dir string) (*TreeGenerator, error) {
	path := filepath.Join(dir, TruthFile)
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	settings := f.Metadata()[keySynth]
	var kind struct{ Kind string }
	if json.Unmarshal([]byte(settings), &kind) != nil || kind.Kind != "tree" {
		return nil, nil
	}
	t, err := treeOf(settings)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return NewTreeGenerator(t)
}

// treeOf reads what synthJSON wrote.
func treeOf(settings string) (t Tree, err error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(settings), &m); err != nil {
		return t, err
	}
	v := reflect.ValueOf(&t).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		raw, ok := m[name]
		if !ok {
			return t, fmt.Errorf("the settings of the tree lack %s; write it again with saectl data synth tree", name)
		}
		if err := json.Unmarshal(raw, v.Field(i).Addr().Interface()); err != nil {
			return t, fmt.Errorf("%s of the tree: %w", name, err)
		}
	}
	return t, nil
}

// Parent is the parent of feature i, -1 for none.
func (g *TreeGenerator) Parent(i int) int { return treeParent(i) }
