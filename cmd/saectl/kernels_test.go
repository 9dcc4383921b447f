package main

import (
	"encoding/gob"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// agreement is how far a run on one set of kernels may be from the same run on
// another: relative for figures, in units of the root mean square for entries of
// weights and reconstructions.
const agreement = 1e-5

// TestKernelsAgree trains the sample preset for 60 steps on the kernels without
// assembly, and holds the runs on each set of assembly against it: after every
// step all weights, the reconstruction of the batch, loss and FVU. They are
// compared up to the first step in which a row keeps other latents, a tie that
// rounding breaks either way: from there on the runs are different ones.
func TestKernelsAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("trains in processes of their own")
	}
	plain := traceWith(t, "generic")
	for _, set := range []string{"avx2", "avx512"} {
		t.Run(set, func(t *testing.T) {
			fast := traceWith(t, set)
			if fast == nil {
				t.Skipf("no %s in this build on this machine", set)
			}
			steps := 0
			for ; steps < len(plain) && fast[steps].picks(&plain[steps]); steps++ {
				fast[steps].near(t, steps, &plain[steps])
			}
			t.Logf("%d of %d steps keep the same latents in every row", steps, len(plain))
			if steps < 10 {
				t.Errorf("latents differ in step %d; ties are not so frequent", steps)
			}
			if slices.Equal(fast[9].Weights["encoder.weight"], plain[9].Weights["encoder.weight"]) {
				t.Error("not a bit differs: both runs had the same kernels")
			}
		})
	}
}

// A traced is what a step made.
type traced struct {
	RowPtr, Index []int32 // of the latents kept
	Recon         []float32
	Loss, FVU     float64
	Weights       map[string][]float32 // after the step
}

func (a *traced) picks(b *traced) bool {
	return slices.Equal(a.RowPtr, b.RowPtr) && slices.Equal(a.Index, b.Index)
}

// near compares with the step of the same number on other kernels.
func (a *traced) near(t *testing.T, step int, b *traced) {
	for name, v := range map[string][2]float64{"loss": {a.Loss, b.Loss}, "FVU": {a.FVU, b.FVU}} {
		if !(math.Abs(v[0]-v[1]) <= agreement*math.Abs(v[1])) {
			t.Errorf("step %d: %s is %v, without assembly %v", step, name, v[0], v[1])
		}
	}
	nearEntries(t, step, "reconstruction", a.Recon, b.Recon)
	for name := range b.Weights {
		nearEntries(t, step, name, a.Weights[name], b.Weights[name])
	}
}

func nearEntries(t *testing.T, step int, name string, a, b []float32) {
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("step %d: %s has %d entries, without assembly %d", step, name, len(a), len(b))
	}
	squares := 0.0
	for _, v := range b {
		squares += float64(v) * float64(v)
	}
	allowed := agreement * math.Sqrt(squares/float64(len(b)))
	for i, v := range b {
		if e := math.Abs(float64(a[i]) - float64(v)); !(e <= allowed) {
			t.Errorf("step %d: entry %d of %s is %g, without assembly %g", step, i, name, a[i], v)
			return
		}
	}
}

// traceFile names the file that TestTraceOfKernels writes.
const traceFile = "SAECTL_TEST_TRACE"

// traceWith trains in another process, since kernels are chosen when one
// starts; nil where they cannot run.
func traceWith(t *testing.T, kernels string) (steps []traced) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(os.Args[0], "-test.run=^TestTraceOfKernels$")
	cmd.Env = append(os.Environ(), "SAECTL_KERNELS="+kernels, traceFile+"="+path)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", kernels, err, text)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := gob.NewDecoder(f).Decode(&steps); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestTraceOfKernels is the other process of TestKernelsAgree.
func TestTraceOfKernels(t *testing.T) {
	path := os.Getenv(traceFile)
	if path == "" {
		t.Skip("TestKernelsAgree runs it in other processes")
	}
	var steps []traced
	if name, _ := kernel.Name(); name == os.Getenv("SAECTL_KERNELS") {
		steps = trainTraced(t)
	}
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(gob.NewEncoder(f).Encode(steps), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func trainTraced(t *testing.T) (steps []traced) {
	t.Chdir(t.TempDir())
	j, err := planTrain(streams{out: io.Discard, err: io.Discard}, trainOptions{set: []string{"train.steps=60", "optimizer.warmup=10"}})
	if err != nil {
		t.Fatal(err)
	}
	defer j.dump.Close()
	tr, err := sae.NewTrainer(j.plan)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	src, err := j.shuffled(0, tr.Columns())
	if err != nil {
		t.Fatal(err)
	}
	var b activations.Batch
	for rows := data.Scaled(src, j.scale); tr.Done() < tr.Total(); {
		if err := rows.Next(&b); err != nil {
			t.Fatal(err)
		}
		if err := tr.Step(&b); err != nil {
			t.Fatal(err)
		}
		z := tr.Codes()
		s := traced{RowPtr: slices.Clone(z.RowPtr), Index: slices.Clone(z.Index), Recon: slices.Clone(tr.Recon()), Loss: tr.Loss(), FVU: tr.Metrics(&b).FVU, Weights: map[string][]float32{}}
		for name, w := range tr.Weights() {
			s.Weights[name] = slices.Clone(w)
		}
		steps = append(steps, s)
	}
	return steps
}
