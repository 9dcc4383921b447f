package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/interop"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/safetensors"
)

// directions are the decoder rows of latents in the dump's own units: what a
// reconstruction gains when the latent's activation rises by one.
type directions struct {
	d       int
	latents []int64   // [n]
	rows    []float32 // [n,d]
	norms   []float32 // [n]
	largest []float32 // [n] largest |activation| on the rows inspected
	meta    map[string]string
}

// directionKind is the format that the extension of a file names, or an error.
func directionKind(path string) (string, error) {
	switch ext := filepath.Ext(path); ext {
	case ".npy", ".safetensors":
		return ext, nil
	}
	return "", fmt.Errorf("--direction is %q; give a file that ends in .npy or .safetensors", path)
}

// directions takes those of the latents that x describes, in its order.
func (t *trained) directions(x *eval.Inspection) (*directions, error) {
	w, width := t.model.Weight("decoder.weight"), t.model.D
	if t.model.DOut > 0 {
		width = t.model.DOut
	}
	if len(w) != t.model.F*width {
		return nil, fmt.Errorf("%s: the variant %s has no decoder rows to write as directions", t.dir, t.settings.Variant)
	}
	scale := t.model.Scale
	factor := scale.Factor
	if factor == 0 {
		factor = 1 // the zero Scale
	}
	out := &directions{d: width, meta: map[string]string{
		"autoencoder": t.dir, "variant": t.settings.Variant, "units": "of the dump, per unit of activation: x + a*direction adds what the latent adds at activation a",
		"scale": scale.Kind, "scale_factor": strconv.FormatFloat(factor, 'g', -1, 64), "dump": x.Dump.Path, "model": x.Dump.Model, "hook": x.Dump.Hook,
	}}
	if scale.Kind == data.ScaleRowNorm {
		out.meta["units"] = "of a row's own standard deviation, per unit of activation: x + a*s*direction, s the standard deviation of x"
	}
	if scale.Kind == data.ScaleUnitNorm {
		out.meta["units"] = "of a row's own norm over sqrt(d), per unit of activation: x + a*(|x|/sqrt(d))*direction"
	}
	for i := range x.Features {
		f := &x.Features[i]
		row := append([]float32(nil), w[f.Latent*width:(f.Latent+1)*width]...)
		for j, v := range row {
			row[j] = float32(float64(v) / factor)
		}
		out.latents, out.rows = append(out.latents, int64(f.Latent)), append(out.rows, row...)
		out.norms = append(out.norms, float32(math.Sqrt(kernel.SumSquares(row))))
		out.largest = append(out.largest, float32(f.Max))
	}
	return out, nil
}

// write writes the file in the format that its extension names, and says how
// long the rows are.
func (v *directions) write(s streams, path string) error {
	kind, err := directionKind(path)
	if err != nil {
		return err
	}
	n := len(v.latents)
	err = atomicfile.Write(path, func(w io.Writer) error {
		if kind == ".npy" {
			return interop.WriteNPY(w, n, v.d, v.rows)
		}
		return safetensors.Write(w, v.meta, []safetensors.Tensor{
			{Name: "direction", Shape: []int{n, v.d}, Data: v.rows}, {Name: "norm", Shape: []int{n}, Data: v.norms},
			{Name: "latent", Shape: []int{n}, Data: v.latents}, {Name: "largest_activation", Shape: []int{n}, Data: v.largest},
		})
	})
	if err != nil {
		return err
	}
	s.note("wrote %s: direction [%d,%d], %s, in units %s", path, n, v.d, v.length(), v.meta["units"])
	return nil
}

// length says how long the rows are.
func (v *directions) length() string {
	lo, hi := float32(math.Inf(1)), float32(0)
	for _, norm := range v.norms {
		lo, hi = min(lo, norm), max(hi, norm)
	}
	switch {
	case len(v.norms) == 0:
		return "no rows"
	case lo > 1-1e-4 && hi < 1+1e-4:
		return "rows of unit length"
	case hi-lo < 1e-4*hi:
		return fmt.Sprintf("rows of norm %.4g, not of unit length", hi)
	}
	return fmt.Sprintf("rows of norm %.4g to %.4g, not of unit length", lo, hi)
}
