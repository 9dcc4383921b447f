package foreign

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/safetensors"
)

// NewFolder makes the folder dir for the given files, none of which may be there.
func NewFolder(dir string, files ...string) error {
	for _, name := range files {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s holds %s already; give another folder", dir, name)
		}
	}
	return os.MkdirAll(dir, 0o777)
}

// WriteSafetensors writes tensors to a file, whole or not at all.
func WriteSafetensors(path string, meta map[string]string, tensors []safetensors.Tensor) error {
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, meta, tensors) })
}

// ZerosFor is x, or n zeros where x is nil: a tensor that a file must have and
// that this SAE does without.
func ZerosFor(x []float32, n int) []float32 {
	if x == nil {
		return make([]float32, n)
	}
	return x
}

// Plain is a copy for a tool that knows neither scales nor the library's
// normalisations: the scale is folded in; with says which of them it does know.
// What cannot be is refused by name.
func (s *SAE) Plain(tool string, normalisations ...string) (*SAE, error) {
	c := s.Clone()
	known := s.Normalize == NormNone
	for _, n := range normalisations {
		known = known || s.Normalize == n
	}
	if !known {
		return nil, fmt.Errorf("%s has no normalisation of rows such as %s, which this autoencoder needs", tool, s.Normalize)
	}
	if c.Rule == BatchTopK {
		other, err := c.With("threshold")
		if err != nil {
			return nil, fmt.Errorf("%s keeps no k·B largest of a batch after training, and there is no threshold to take in their place", tool)
		}
		c = other
	}
	if c.Rule == JumpReLU && c.DecoderNorms {
		c.FoldNorms()
	}
	return c, c.FoldScale()
}
