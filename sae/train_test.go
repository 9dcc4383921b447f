package sae

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/kernel"
)

// plain is the smallest variant: the K largest latents of each row, and a
// state that counts steps.
type plain struct{ k int }

func (f plain) Build(b *Builder) Out {
	unit := Flags{UnitRows: true, Tangent: true}
	dec := b.Matrix("decoder.weight", b.F, b.D, UnitNormal(1), unit)
	enc := b.Matrix("encoder.weight", b.F, b.D, CopyOf("decoder.weight", 1), Flags{})
	bias := b.Vector("decoder.bias", b.D, Zero, Flags{FromData: true})
	count := b.State("count", 1, 0)
	x := b.G.AddRow(b.X(), bias.Use(), -1)
	s := b.Select(x, enc.Node(), nil, f.k*b.B, func() kernel.Rule { return kernel.Rule{Kind: kernel.TopK, K: f.k} })
	z := b.G.Values(x, enc.Use(), nil, s)
	out := Out{Codes: Codes{Support: s, Values: z}, Recon: b.G.AddRow(b.G.SpMM(z, dec.Use(), s), bias.Use(), 1)}
	if b.Train {
		out.Loss = b.MeanSquared(out.Recon, b.X())
		out.Terms = map[string]*gorgonia.Node{"mse": out.Loss}
		out.After = func(int) { count.Data[0]++ }
	}
	return out
}

// toyRows is a source of normal rows by position; at row bad it fails.
type toyRows struct {
	batch, d int
	at, bad  int64
	err      error
}

func (s *toyRows) Next(b *activations.Batch) error {
	if s.err != nil && s.at >= s.bad {
		return s.err
	}
	b.N, b.D, b.X = s.batch, s.d, make([]float32, s.batch*s.d)
	data.NormalFillFrom(b.X, 11, 1, uint64(s.at)*uint64(s.d))
	s.at += int64(s.batch)
	return nil
}

const toyBatch, toyD, toyF = 32, 8, 24

func toyOptions(dir string, steps int) TrainOptions {
	train, opt := DefaultTrain(), DefaultOptimizer()
	train.Batch, train.Rows, train.Steps, train.LogEvery, train.SaveEvery = toyBatch, 0, steps, 5, 10
	opt.Warmup, opt.LR = 5, 1e-2
	return TrainOptions{
		Plan: Plan{
			Variant: plain{3}, D: toyD, Model: ModelSettings{Latents: toyF, DecoderBias: "mean"}, Train: train, Optimizer: opt, Threads: 1,
		},
		Dir: dir, Config: []byte("variant: plain\n"), Meta: map[string]string{"variant": "plain"},
		Rows: func(position int64, _ activations.Columns) (activations.Source, error) {
			return &toyRows{batch: toyBatch, d: toyD, at: position}, nil
		},
	}
}

func weightsOf(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, weightsFile))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// whole is the weights file of a run that nothing disturbed.
func whole(t *testing.T, steps int) []byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "whole")
	if err := Train(context.Background(), toyOptions(dir, steps)); err != nil {
		t.Fatal(err)
	}
	return weightsOf(t, dir)
}

func TestInterruptedRunEndsWithEqualBits(t *testing.T) {
	want := whole(t, 60)
	for _, stop := range []int{1, 9, 10, 11, 37, 59} {
		dir := filepath.Join(t.TempDir(), "run")
		o := toyOptions(dir, 60)
		ctx, cancel := context.WithCancel(context.Background())
		o.Report = func(p Progress) {
			if p.Step == stop {
				cancel()
			}
		}
		if err := Train(ctx, o); !errors.Is(err, ErrInterrupted) {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		o.Report, o.Plan.Threads = nil, 2
		if err := Train(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(weightsOf(t, dir), want) {
			t.Errorf("stopped at step %d, resumed with two threads: other weights", stop)
		}
	}
}

// A process that is killed leaves the last checkpoint, perhaps a damaged or
// half-written file, and log lines after it.
func TestKilledRunEndsWithEqualBits(t *testing.T) {
	want := whole(t, 60)
	dir := filepath.Join(t.TempDir(), "run")
	o := toyOptions(dir, 60)
	failed := errors.New("power cut")
	o.Rows = func(position int64, _ activations.Columns) (activations.Source, error) {
		return &toyRows{batch: toyBatch, d: toyD, at: position, bad: 38 * toyBatch, err: failed}, nil
	}
	if err := Train(context.Background(), o); !errors.Is(err, failed) || !strings.Contains(err.Error(), "step 38") {
		t.Fatalf("a source that fails in mid-run: %v", err)
	}
	paths, _ := filepath.Glob(filepath.Join(dir, checkpointDir, checkpointGlob))
	if len(paths) != checkpointsKept {
		t.Fatalf("checkpoints %v, want %d", paths, checkpointsKept)
	}
	newest := paths[len(paths)-1]
	b, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-3] ^= 0x40
	os.WriteFile(newest, b, 0o644)
	os.WriteFile(filepath.Join(dir, checkpointDir, atomicfile.Prefix+"x"), b[:10], 0o644)
	appendTo(t, filepath.Join(dir, metricsFile), `{"step": 99`)
	o = toyOptions(dir, 60)
	if err := Train(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(weightsOf(t, dir), want) {
		t.Error("resumed behind a damaged checkpoint: other weights")
	}
	log, _ := os.ReadFile(filepath.Join(dir, metricsFile))
	if n := bytes.Count(log, []byte("\n")); n != 12 || bytes.Contains(log, []byte(`"step": 99`)) {
		t.Errorf("the log has %d lines, want 12:\n%s", n, log)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, checkpointDir, atomicfile.Prefix+"*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func appendTo(t *testing.T, path, s string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString(s)
}

func TestExtendedRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := toyOptions(dir, 20)
	o.Plan.Optimizer.DecayStart = 1 // a rate that falls would depend on the length
	if err := Train(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	o.Plan.Train.Steps = 45
	if err := Train(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	other := toyOptions(filepath.Join(t.TempDir(), "at once"), 45)
	other.Plan.Optimizer.DecayStart = 1
	if err := Train(context.Background(), other); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(weightsOf(t, dir), weightsOf(t, other.Dir)) {
		t.Error("20 steps extended to 45 differ from 45 at once")
	}
	s, err := Inspect(dir)
	if err != nil || !s.Done || s.Steps != 45 || s.Meta["variant"] != "plain" {
		t.Errorf("the folder says %+v, %v", s, err)
	}
}

func TestLoadedModelGivesTheTrainersReconstruction(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := toyOptions(dir, 30)
	if err := Train(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	m, err := Load(dir, plain{3}, ModelOptions{Rows: 64, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b := activations.Batch{N: 5, D: toyD, X: make([]float32, 5*toyD)}
	data.NormalFill(b.X, 3, 3)
	codes, err := m.Encode(&b)
	if err != nil {
		t.Fatal(err)
	}
	recon := slices.Clone(m.Recon())
	dec, bias := m.Weight("decoder.weight"), m.Weight("decoder.bias")
	for i := range b.N {
		index, value := codes.Row(i)
		want := slices.Clone(bias)
		for e, f := range index {
			for j := range want {
				want[j] += value[e] * dec[int(f)*toyD+j]
			}
		}
		for j, w := range want {
			if diff := recon[i*toyD+j] - w; diff > 1e-5 || diff < -1e-5 {
				t.Fatalf("row %d: reconstruction %v, from the codes %v", i, recon[i*toyD:(i+1)*toyD], want)
			}
		}
	}
	if m.State("count")[0] != 30 || m.Steps != 30 {
		t.Errorf("state %v, steps %d, want 30", m.State("count"), m.Steps)
	}
}

func TestFolderRefusals(t *testing.T) {
	foreign := t.TempDir()
	os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o644)
	if _, err := Inspect(foreign); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder of other things: %v", err)
	}
	if s, err := Inspect(filepath.Join(foreign, "missing")); err != nil || s.Exists {
		t.Errorf("a missing folder: %+v, %v", s, err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := Train(context.Background(), toyOptions(dir, 12)); err != nil {
		t.Fatal(err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Train(context.Background(), toyOptions(dir, 20)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a folder in use: %v", err)
	}
	lock.Close()
	o := toyOptions(dir, 20)
	o.Plan.Model.Latents = toyF + 1
	if err := Train(context.Background(), o); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("another size: %v", err)
	}
	if _, err := Load(dir, plain{3}, ModelOptions{Rows: 4}); err != nil {
		t.Errorf("the run does not load after refusals: %v", err)
	}
}

func TestNotFiniteStopsTheRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := toyOptions(dir, 30)
	o.Rows = func(position int64, _ activations.Columns) (activations.Source, error) {
		return poisoned{&toyRows{batch: toyBatch, d: toyD, at: position}}, nil
	}
	err := Train(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "step 12") || !strings.Contains(err.Error(), "mse") {
		t.Fatalf("a batch with huge numbers: %v", err)
	}
	m, err := Load(dir, plain{3}, ModelOptions{Rows: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for name := range maps.Keys(m.graph.Weights) {
		if at := kernel.AllFinite(m.Weight(name)); at >= 0 {
			t.Errorf("%s is not finite at %d in the checkpoint", name, at)
		}
	}
}

// poisoned makes the squares of batch 12 overflow.
type poisoned struct{ *toyRows }

func (s poisoned) Next(b *activations.Batch) error {
	at := s.at
	if err := s.toyRows.Next(b); err != nil {
		return err
	}
	if at == 12*toyBatch {
		kernel.Scale(b.X, 1e25)
	}
	return nil
}
