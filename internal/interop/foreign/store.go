package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/saectl/saectl/internal/safetensors"
)

// FormatName is the format of the folder that Save makes.
const FormatName = "import"

// The files of an imported autoencoder's folder.
const (
	descriptionFile = "sae.json"
	weightsFile     = "weights.safetensors"
)

// description is sae.json.
type description struct {
	Version int `json:"saectl_import"`
	*SAE
}

// Is reports whether dir holds an imported autoencoder.
func Is(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, descriptionFile))
	return err == nil
}

// named lists the tensors under the names of a run's, with their shapes.
func (s *SAE) named() []namedTensor {
	return []namedTensor{
		{"encoder.weight", &s.Encoder, []int{s.F, s.D}}, {"encoder.bias", &s.EncoderBias, []int{s.F}},
		{"decoder.weight", &s.Decoder, []int{s.F, s.DOut}}, {"decoder.bias", &s.DecoderBias, []int{s.DOut}},
		{"threshold", &s.Threshold, []int{len(s.Threshold)}}, {"gate.bias", &s.GateBias, []int{s.F}},
		{"magnitude.bias", &s.MagnitudeBias, []int{s.F}}, {"magnitude.log", &s.MagnitudeLog, []int{s.F}},
		{"skip.weight", &s.Skip, []int{s.DOut, s.D}},
	}
}

type namedTensor struct {
	name  string
	data  *[]float32
	shape []int
}

// Save keeps s in a folder, exactly: Load gives it back to the last bit. The
// folder is made; one that holds an autoencoder already is refused.
func (s *SAE) Save(dir string) error {
	if err := s.Check(); err != nil {
		return err
	}
	for _, name := range []string{descriptionFile, weightsFile, "config.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s holds an autoencoder already (%s); give another folder", dir, name)
		}
	}
	var tensors []safetensors.Tensor
	for _, t := range s.named() {
		if *t.data != nil {
			tensors = append(tensors, safetensors.Tensor{Name: t.name, Shape: t.shape, Data: *t.data})
		}
	}
	meta := map[string]string{"format": s.Format, "architecture": s.Architecture}
	return WriteFolder(dir, descriptionFile, description{1, s}, weightsFile, func(w io.Writer) error {
		return safetensors.Write(w, meta, tensors)
	})
}

// Load reads a folder that Save made.
func Load(dir string) (*SAE, error) {
	path := filepath.Join(dir, descriptionFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := description{SAE: &SAE{}}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if d.Version != 1 {
		return nil, fmt.Errorf("%s: version %d of an imported autoencoder; this program reads version 1", path, d.Version)
	}
	s := d.SAE
	if s.D < 1 || s.F < 1 || s.DOut < 1 {
		return nil, fmt.Errorf("%s: sizes d %d, latents %d, d_out %d are out of range", path, s.D, s.F, s.DOut)
	}
	t, f, err := OpenSafetensors(filepath.Join(dir, weightsFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for _, n := range s.named() {
		if _, shape, ok := t.Info(n.name); ok {
			if n.name == "threshold" && len(shape) == 1 {
				n.shape = shape
			}
			*n.data = t.Take(n.name, n.shape...)
		}
	}
	if err := t.Done(s.Architecture); err != nil {
		return nil, err
	}
	return s, nil
}
