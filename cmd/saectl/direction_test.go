package main

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/safetensors"
)

// TestDirection wants directions in the dump's own units: with the
// activations they add up to a reconstruction but for one vector, the bias.
func TestDirection(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=60", "--set", "data.scale=mean-norm", "--out", "a")...)
	_, note := want(t, 0, "inspect-features", "--sae", "a", "--feature", "0-95", "--direction", "all.safetensors")
	if !strings.Contains(note, "[96,64]") || !strings.Contains(note, "not of unit length") {
		t.Errorf("the note is %s", note)
	}
	f, err := safetensors.Open("all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.Float32("direction")
	if err != nil {
		t.Fatal(err)
	}
	norms, err := f.Float32("norm")
	if err != nil {
		t.Fatal(err)
	}
	l, err := openLook("a", "", "all", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	var b activations.Batch
	if err := l.d.Read(&b, []int64{5, 700, 9000}, 0); err != nil {
		t.Fatal(err)
	}
	codes, err := l.model.Encode(&b)
	if err != nil {
		t.Fatal(err)
	}
	const d = 64
	var bias [3][]float64
	size := 0.0
	for i := range bias {
		index, values := codes.Row(i)
		for j := range d {
			rest := float64(l.model.Recon()[i*d+j])
			for e, f := range index {
				rest -= float64(values[e]) * float64(rows[int(f)*d+j])
			}
			bias[i] = append(bias[i], rest)
			size = max(size, math.Abs(float64(l.model.Recon()[i*d+j])))
		}
	}
	for i := range bias {
		for j := range d {
			if math.Abs(bias[i][j]-bias[0][j]) > 1e-4*size {
				t.Fatalf("row %d, value %d: %g is left beside the directions, %g of the first row", i, j, bias[i][j], bias[0][j])
			}
		}
	}
	if norms[3] < 2 {
		t.Errorf("a direction of norm %g is still in the units of training", norms[3])
	}
}

// TestDirectionFiles writes chosen latents in their order, and refuses other
// files before it reads a row.
func TestDirectionFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=30", "--out", "a")...)
	want(t, 0, "inspect-features", "--sae", "a", "--feature", "7,3", "--direction", "two.npy")
	if raw := string(read(t, "two.npy")); !strings.HasPrefix(raw, "\x93NUMPY") || !strings.Contains(raw[:128], "(2, 64)") {
		t.Errorf("the file begins with %q", raw[:128])
	}
	want(t, 0, "inspect-features", "--sae", "a", "--count", "4", "--direction", filepath.Join(".", "four.safetensors"))
	f, err := safetensors.Open("four.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := openLook("a", "", "all", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	x, err := eval.Inspect(context.Background(), l.model.Subject, l.d, l.rows, l.model.B, eval.InspectOptions{By: eval.ByClarity, Count: 4})
	if err != nil {
		t.Fatal(err)
	}
	latents, err := f.Int64("latent")
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Features {
		if int64(x.Features[i].Latent) != latents[i] {
			t.Errorf("the file holds latents %v; %d comes at place %d", latents, x.Features[i].Latent, i)
		}
	}
	if _, e := want(t, 2, "inspect-features", "--sae", "a", "--direction", "two.txt"); !strings.Contains(e, ".npy or .safetensors") {
		t.Errorf("a text file: %s", e)
	}
}
