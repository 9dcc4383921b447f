package data

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
)

func TestWritePlanted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dump")
	p := DefaultPlanted()
	p.Rows, p.D, p.Latents, p.Groups, p.Children, p.Exponent, p.DocRows = 3000, 16, 40, 4, 4, 0.5, 50
	var told int64
	if err := WritePlanted(context.Background(), dir, p, func(rows int64) { told = rows }); err != nil {
		t.Fatal(err)
	}
	d, err := activations.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Rows() != 3000 || d.D() != 16 || told != 3000 || !d.Has(activations.DocPos) || !d.Has(activations.Label) {
		t.Fatalf("%d rows of width %d, %d reported", d.Rows(), d.D(), told)
	}
	if names, err := d.Metadata().LabelNames(); err != nil || !slices.Equal(names, []string{"topic 0", "topic 1", "topic 2", "topic 3"}) {
		t.Errorf("labels %v, %v", names, err)
	}
	if s := d.Metadata()["synth"]; !strings.Contains(s, `"doc_rows":50`) || strings.Contains(s, `"":`) {
		t.Errorf("settings in the metadata: %s", s)
	}
	g, err := NewGenerator(p)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := ReadTruth(dir)
	if err != nil {
		t.Fatal(err)
	}
	if truth.F != 40 || truth.D != 16 || !slices.Equal(truth.Dictionary, g.Dictionary()) {
		t.Errorf("the dictionary on disk [%d,%d] is not that of the rows", truth.F, truth.D)
	}
	if truth.Parents[0] != -1 || truth.Parents[7] != 5 {
		t.Errorf("parents %v", truth.Parents)
	}
	per, _ := frequencies(t, g)
	for i, f := range per {
		if math.Abs(f-truth.Frequencies[i]) > 1e-12 {
			t.Errorf("feature %d: frequency %g, counted %g", i, truth.Frequencies[i], f)
		}
	}
	all := activations.AllRows(3000)
	var want, got activations.Batch
	if err := NewSequential(g, all, activations.DocPos|activations.Label, 3000).Next(&want); err != nil {
		t.Fatal(err)
	}
	if err := NewSequential(d, all, activations.DocPos|activations.Label, 3000).Next(&got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(want.X, got.X) || !slices.Equal(want.Doc, got.Doc) || !slices.Equal(want.Pos, got.Pos) || !slices.Equal(want.Label, got.Label) {
		t.Error("what is read is not what was made")
	}
	if err := WritePlanted(context.Background(), dir, p, nil); err == nil {
		t.Error("a folder that holds a dump is written over")
	}
}

func TestWritePlantedStops(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dump")
	p := DefaultPlanted()
	ctx, cancel := context.WithCancel(context.Background())
	err := WritePlanted(ctx, dir, p, func(int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that it was cancelled", err)
	}
	if _, err := activations.Open(dir); err == nil {
		t.Error("a dump is left")
	}
	p.Active = 1000
	if err := WritePlanted(context.Background(), dir, p, nil); err == nil || !strings.Contains(err.Error(), "latents") {
		t.Errorf("error %v, want one about latents", err)
	}
}

func TestReadTruthErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadTruth(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, TruthFile), []byte("no tensors"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTruth(dir); err == nil || !strings.Contains(err.Error(), TruthFile) {
		t.Errorf("a file of something else: %v", err)
	}
}
