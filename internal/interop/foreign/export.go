package foreign

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/saectl/saectl/internal/atomicfile"
)

// WriteFolder makes the folder dir of two files, neither of which may be there:
// the weights, as write gives them, and settings as JSON, both or neither.
func WriteFolder(dir, config string, settings any, weights string, write func(io.Writer) error) error {
	for _, name := range []string{config, weights} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s holds %s already; give another folder", dir, name)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	b, err := json.MarshalIndent(settings, "", "  ")
	if err != nil {
		return err
	}
	var files atomicfile.Set
	defer files.Discard()
	if err := files.Write(filepath.Join(dir, weights), write); err != nil {
		return err
	}
	if err := files.WriteBytes(filepath.Join(dir, config), append(b, '\n')); err != nil {
		return err
	}
	return files.Commit()
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
	if s.Normalize != NormNone && !slices.Contains(normalisations, s.Normalize) {
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
