package torchfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/internal/safetensors"
)

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestGoldenArrays reads the files of formats/arrays/torch, whole and in parts.
func TestGoldenArrays(t *testing.T) {
	dir := saetest.Folder(t, "formats/arrays/torch")
	var c struct {
		Files []struct{ File, Expect, Key string }
	}
	readJSON(t, filepath.Join(dir, "case.json"), &c)
	want, err := safetensors.Open(filepath.Join(dir, "../expected.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	for _, file := range c.Files {
		t.Run("arrays/torch/"+file.File, func(t *testing.T) {
			f, err := Open(filepath.Join(dir, file.File))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			tensors := f.Tensors()
			if file.Key != "" {
				tensors = []*Tensor{f.Tensor(file.Key)}
			}
			var whole, parts []float32
			for _, x := range tensors {
				all, err := x.Float32()
				if err != nil {
					t.Fatal(err)
				}
				whole = append(whole, all...)
				parts = append(parts, inRows(t, x, 7)...)
			}
			expected, err := want.Float32(file.Expect)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(whole, expected) || !slices.Equal(parts, expected) {
				t.Error("the numbers differ from those expected")
			}
		})
	}
}

// inRows reads a tensor some entries of its first dimension at a time.
func inRows(t *testing.T, x *Tensor, rows int) (all []float32) {
	shape := x.Shape()
	inner := x.Len() / shape[0]
	for at := 0; at < shape[0]; at += rows {
		part := make([]float32, min(rows, shape[0]-at)*inner)
		if err := x.ReadFloat32(part, at); err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
	return all
}

// TestGoldenDictionaries reads what dictionary_learning wrote: the layout of
// each tensor is in case.json.
func TestGoldenDictionaries(t *testing.T) {
	saetest.FolderCases(t, "formats/dictionary_learning", func(t *testing.T, c *saetest.Case, dir string) {
		var want struct {
			Tensors map[string]struct {
				Dtype         string
				Shape, Stride []int
			} `json:"pickle_tensors"`
		}
		c.JSON(&want)
		f, err := Open(filepath.Join(dir, "trainer_0/ae.pt"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if len(f.Tensors()) != len(want.Tensors) {
			t.Errorf("tensors %q, want %d", f.Names(), len(want.Tensors))
		}
		for name, w := range want.Tensors {
			x := f.Tensor(name)
			if x == nil {
				t.Fatalf("no tensor %s", name)
			}
			dtype := map[string]string{"float32": "F32", "bfloat16": "BF16", "int32": "I32", "int64": "I64"}[w.Dtype]
			if x.Dtype != dtype || fmt.Sprint(x.Shape(), x.Stride()) != fmt.Sprint(w.Shape, w.Stride) {
				t.Errorf("%s: %s %v %v, want %v", name, x.Dtype, x.Shape(), x.Stride(), w)
			}
			if _, err := x.Float32(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestOtherPicklesOfATrainer(t *testing.T) {
	dir := saetest.Folder(t, "formats")
	for _, name := range []string{"saelens/training_run/checkpoint/19200/trainer_state.pt", "sparsify/run_two_hookpoints/run/rank_0_state.pt"} {
		f, err := Open(filepath.Join(dir, name))
		if err == nil {
			f.Close()
			continue
		}
		if !strings.Contains(err.Error(), "holds no tensors") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWriteThenRead(t *testing.T) {
	entries := []Entry{
		{"encoder.weight", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}},
		{"k", nil, []int32{7}},
		{"group_sizes", []int{2}, []int64{1, 1 << 40}},
		{"none", []int{0, 4}, []float32{}},
	}
	var file bytes.Buffer
	if err := Write(&file, "ae", entries); err != nil {
		t.Fatal(err)
	}
	f, err := New("ae.pt", bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Names(); !slices.Equal(got, []string{"encoder.weight", "k", "group_sizes", "none"}) {
		t.Errorf("names %q", got)
	}
	weight, err := f.Tensor("encoder.weight").Float32()
	if err != nil || !slices.Equal(weight, entries[0].Data.([]float32)) {
		t.Errorf("weights %v, %v", weight, err)
	}
	for name, want := range map[string][]int64{"k": {7}, "group_sizes": {1, 1 << 40}} {
		if got, err := f.Tensor(name).Int64(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if err := Write(&file, "ae", []Entry{{"a", []int{3}, []float32{1}}}); err == nil {
		t.Error("a shape that does not fit was written")
	}
}

// TestViews compares strided views with their definition.
func TestViews(t *testing.T) {
	numbers := make([]float32, 60)
	for i := range numbers {
		numbers[i] = float32(i)
	}
	var file bytes.Buffer
	if err := Write(&file, "ae", []Entry{{"x", []int{60}, numbers}}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		shape, stride []int64
		offset        int64
	}{
		{[]int64{5, 12}, []int64{12, 1}, 0}, {[]int64{12, 5}, []int64{1, 12}, 0}, {[]int64{3, 4, 5}, []int64{20, 1, 4}, 0},
		{[]int64{3, 4}, []int64{0, 2}, 5}, {[]int64{4, 3}, []int64{2, 0}, 1}, {[]int64{3, 5, 2}, []int64{1, 12, 6}, 3}, {nil, nil, 59}, {[]int64{1, 4, 1}, []int64{7, 3, 9}, 2},
	} {
		f, err := New("x", bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		x := f.Tensor("x")
		x.shape, x.stride, x.offset = v.shape, v.stride, v.offset
		got, err := x.Float32()
		if err != nil {
			t.Fatal(err)
		}
		if want := viewOf(v.shape, v.stride, v.offset); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
}

// viewOf lists the places of a view's entries in row-major order.
func viewOf(shape, stride []int64, offset int64) []float32 {
	if len(shape) == 0 {
		return []float32{float32(offset)}
	}
	var all []float32
	for i := range shape[0] {
		all = append(all, viewOf(shape[1:], stride[1:], offset+i*stride[0])...)
	}
	return all
}
