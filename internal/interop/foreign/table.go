package foreign

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/saectl/saectl/internal/safetensors"
)

// A Table takes tensors out of a file by name and says what is wrong with one in
// the words of the file. It keeps the first error, which Err returns.
type Table struct {
	File  string
	Sizes string                                                 // how the settings state the sizes, for messages
	Info  func(name string) (dtype string, shape []int, ok bool) // dtype as safetensors names it
	Load  func(name string) ([]float32, error)
	Names []string

	taken map[string]bool
	err   error
}

// OpenSafetensors is the table of a safetensors file, which the caller closes.
func OpenSafetensors(path string) (*Table, *safetensors.File, error) {
	f, err := safetensors.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s: %s is missing", filepath.Dir(path), filepath.Base(path))
	}
	if err != nil {
		return nil, nil, err
	}
	return TableOf(path, f), f, nil
}

// TableOf is the table of an open safetensors file; path is for messages.
func TableOf(path string, f *safetensors.File) *Table {
	return &Table{
		File: path, Names: f.Names(), Load: f.Float32,
		Info: func(name string) (string, []int, bool) {
			i, ok := f.Info(name)
			return i.Dtype, i.Shape, ok
		},
	}
}

// Numbers is how many numbers the tensors hold.
func (s *SAE) Numbers() (n int) {
	for _, t := range s.named() {
		n += len(*t.data)
	}
	return n
}

// Fail keeps an error about the file unless there is one already.
func (t *Table) Fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("%s: %w", t.File, fmt.Errorf(format, args...))
	}
}

// Has reports whether the file has a tensor.
func (t *Table) Has(name string) bool {
	_, _, ok := t.Info(name)
	return ok
}

// brackets writes a shape as [4,8].
func brackets(shape []int) string {
	return strings.ReplaceAll(fmt.Sprint(shape), " ", ",")
}

// Take reads a tensor of floats of the given shape, row-major, whose numbers
// must be finite; nil on an error.
func (t *Table) Take(name string, shape ...int) []float32 {
	t.Skip(name)
	dtype, have, ok := t.Info(name)
	switch {
	case t.err != nil:
		return nil
	case !ok:
		t.Fail("tensor %s is missing; there are %s", name, some(t.Names))
		return nil
	case !slices.Equal(have, shape):
		t.Fail("tensor %s is %s, wants %s%s", name, brackets(have), brackets(shape), t.sizes())
		return nil
	case !slices.Contains([]string{"F32", "F16", "BF16", "F64"}, dtype):
		t.Fail("tensor %s has dtype %s, wants a float", name, dtype)
		return nil
	}
	x, err := t.Load(name)
	if err != nil {
		if t.err == nil {
			t.err = err
		}
		return nil
	}
	t.finite(name, shape, x)
	return x
}

// Dtype is a tensor's type in PyTorch's words, "" for none that is read.
func (t *Table) Dtype(name string) string {
	dtype, _, _ := t.Info(name)
	return map[string]string{"F32": "float32", "BF16": "bfloat16", "F16": "float16", "F64": "float64"}[dtype]
}

func (t *Table) sizes() string {
	if t.Sizes == "" {
		return ""
	}
	return ": " + t.Sizes
}

// finite names the first number that is none.
func (t *Table) finite(name string, shape []int, x []float32) {
	for i, v := range x {
		if !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
			continue
		}
		at := make([]int, len(shape))
		for k := len(shape) - 1; k >= 0; k-- {
			at[k], i = i%shape[k], i/shape[k]
		}
		word := "not finite"
		if v != v {
			word = "NaN"
		}
		t.Fail("tensor %s%s is %s", name, brackets(at), word)
		return
	}
}

// Done refuses a tensor that was not taken, and returns the first error.
func (t *Table) Done(what string) error {
	for _, name := range t.Names {
		if !t.taken[name] {
			t.Fail("tensor %.60s is not known for %s", name, what)
		}
	}
	return t.err
}

// Skip marks a tensor as known without reading it.
func (t *Table) Skip(name string) {
	if t.taken == nil {
		t.taken = map[string]bool{}
	}
	t.taken[name] = true
}

// some lists the first names.
func some(names []string) string {
	if len(names) > 12 {
		return strings.Join(names[:12], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

// Transpose is the transpose of x [rows,columns].
func Transpose(x []float32, rows, columns int) []float32 {
	if len(x) != rows*columns {
		return nil // after an error of the table
	}
	out := make([]float32, len(x))
	const tile = 64 // both sides stay in cache
	for r0 := 0; r0 < rows; r0 += tile {
		for c0 := 0; c0 < columns; c0 += tile {
			for r := r0; r < min(rows, r0+tile); r++ {
				for c := c0; c < min(columns, c0+tile); c++ {
					out[c*rows+r] = x[r*columns+c]
				}
			}
		}
	}
	return out
}

// Filled is n times the value v.
func Filled(n int, v float32) []float32 { return slices.Repeat([]float32{v}, n) }
