package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strconv"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/safetensors"
)

// TruthFile is the file beside a synthetic dump that holds its true
// dictionary.
const TruthFile = "dictionary.safetensors"

// keySynth is the metadata key, in the dump and in TruthFile, under which the
// settings stand as JSON.
const keySynth = "synth"

// coherenceUpTo is the largest dictionary whose coherence, which takes its
// square in products, is worth noting unasked.
const coherenceUpTo = 8192

// WritePlanted writes the rows of p as a dump in the folder dir, which must not
// hold one yet, with columns doc and pos, label where there are groups, and
// the truth in TruthFile: dictionary [F,D]; frequencies [F], the share of the
// rows written in which each feature is active; parents [F], the parent of
// each, -1 for none; and groups [F] where there are some. progress, if not nil,
// is told how many rows are written. When ctx ends, or on an error, no dump is
// left.
func WritePlanted(ctx context.Context, dir string, p Planted, progress func(rows int64)) error {
	g, err := NewGenerator(p)
	if err != nil {
		return err
	}
	settings, err := synthJSON("", p)
	if err != nil {
		return err
	}
	schema := activations.Schema{D: p.D, Half: p.Half, Columns: activations.DocPos, Metadata: activations.Metadata{
		activations.KeyDataset: "planted dictionary", keySynth: settings,
	}}
	if p.Groups > 0 {
		schema.Columns |= activations.Label
		schema.Metadata[activations.KeyLabelNames] = topicNames(p.Groups)
	}
	counts, c := make([]int64, p.Latents), new(Code)
	return writeRows(ctx, dir, g, schema, rowWriter{
		progress: progress,
		each: func(b *activations.Batch) {
			for _, row := range b.Row {
				g.Codes(row, c)
				for _, f := range c.Feature {
					counts[f]++
				}
			}
		},
		finish: func() error { return g.writeTruth(filepath.Join(dir, TruthFile), settings, counts) },
	})
}

// synthJSON is the settings v of a kind, "" for a planted dictionary, under the
// names that the command line knows them by.
func synthJSON(kind string, v any) (string, error) {
	m, fields := map[string]any{}, reflect.ValueOf(v)
	if kind != "" {
		m["kind"] = kind
	}
	for i := range fields.NumField() {
		m[fields.Type().Field(i).Tag.Get("yaml")] = fields.Field(i).Interface()
	}
	b, err := json.Marshal(m)
	return string(b), err
}

func topicNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "topic " + strconv.Itoa(i)
	}
	b, _ := json.Marshal(names) // strings always can be
	return string(b)
}

// A rowWriter is what is done while rows are written. Each may be nil.
type rowWriter struct {
	progress func(rows int64)
	each     func(b *activations.Batch)
	finish   func() error // before the shards get their names
}

// writeRows writes all rows of d in their order.
func writeRows(ctx context.Context, dir string, d rowReader, schema activations.Schema, do rowWriter) error {
	w, err := activations.NewWriter(dir, schema)
	if err != nil {
		return err
	}
	defer w.Discard()
	ahead := Prefetch(NewSequential(d, activations.AllRows(d.Rows()), schema.Columns, passBatch(d.D())))
	defer ahead.Close()
	written := int64(0)
	for b := new(activations.Batch); ; {
		err := ahead.Next(b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := w.Write(b, nil); err != nil {
			return err
		}
		if do.each != nil {
			do.each(b)
		}
		written += int64(b.N)
		if do.progress != nil {
			do.progress(written)
		}
	}
	if do.finish != nil {
		if err := do.finish(); err != nil {
			return err
		}
	}
	return w.Close()
}

func (g *Generator) writeTruth(path, settings string, counts []int64) error {
	frequencies, parents := make([]float64, len(counts)), make([]int32, len(counts))
	groups := make([]int32, 0, len(counts))
	for i, n := range counts {
		frequencies[i] = float64(n) / float64(g.p.Rows)
		parents[i] = int32(g.p.parent(i))
		if g.p.Groups > 0 {
			groups = append(groups, int32(g.p.group(i)))
		}
	}
	f := []int{len(counts)}
	tensors := []safetensors.Tensor{
		{Name: "dictionary", Shape: []int{len(counts), g.p.D}, Data: g.dictionary},
		{Name: "frequencies", Shape: f, Data: frequencies},
		{Name: "parents", Shape: f, Data: parents},
	}
	if g.p.Groups > 0 {
		tensors = append(tensors, safetensors.Tensor{Name: "groups", Shape: f, Data: groups})
	}
	meta := map[string]string{keySynth: settings, "noise_std": strconv.FormatFloat(g.noise, 'g', -1, 64)}
	if len(counts) <= coherenceUpTo {
		largest, mean := Coherence(g.dictionary, g.p.D)
		meta["coherence_max"] = strconv.FormatFloat(largest, 'g', 6, 64)
		meta["coherence_mean"] = strconv.FormatFloat(mean, 'g', 6, 64)
	}
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, meta, tensors) })
}

// A Truth is what stands in TruthFile.
type Truth struct {
	F, D        int
	Dictionary  []float32 // [F,D]
	Frequencies []float64 // [F]
	Parents     []int64   // [F], -1 for none
}

// ReadTruth reads the true dictionary beside the dump in the folder dir.
func ReadTruth(dir string) (*Truth, error) {
	path := filepath.Join(dir, TruthFile)
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := &Truth{}
	if t.Dictionary, err = f.Float32("dictionary"); err == nil {
		if t.Frequencies, err = f.Float64("frequencies"); err == nil {
			t.Parents, err = f.Int64("parents")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	info, _ := f.Info("dictionary")
	if len(info.Shape) != 2 || info.Shape[0] != len(t.Frequencies) || info.Shape[0] != len(t.Parents) {
		return nil, fmt.Errorf("%s: dictionary %v, %d frequencies and %d parents do not belong together; write it again with saectl data synth", path, info.Shape, len(t.Frequencies), len(t.Parents))
	}
	t.F, t.D = info.Shape[0], info.Shape[1]
	return t, nil
}
