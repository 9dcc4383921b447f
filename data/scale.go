package data

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// The kinds of Scale, which are the values of the setting data.scale.
const (
	ScaleNone     = "none"
	ScaleMeanNorm = "mean-norm"
	ScaleRowNorm  = "row-norm"
)

// ScaleUnitNorm is a further kind, which autoencoders of other tools have and
// no setting names: each row is brought to the norm sqrt(D), and reconstructions
// back to the row's own (constant_norm_rescale of SAELens). A row of zeros is
// left alone.
const ScaleUnitNorm = "unit-norm"

// The keys of a Scale in the metadata of weights.
const (
	keyScale  = "scale"
	keyFactor = "scale_factor"
)

// rowNormEpsilon is added to the standard deviation that a row is divided by,
// not to the one that a reconstruction is multiplied by.
const rowNormEpsilon = 1e-5

// A Scale brings rows to the units that an autoencoder is trained in, and its
// reconstructions back to the dump's own:
//
//   - none changes nothing.
//   - mean-norm multiplies by one factor c, chosen so that the mean of ||x||²
//     over the training rows is D.
//   - row-norm takes from each row its mean m and divides by s + 1e-5, s its
//     standard deviation with D-1; a reconstruction is multiplied by s and m is
//     added (the input_unit_norm of SewoongLee/top-afa-sae and of
//     bartbussmann/BatchTopK).
//
// The zero value is none. A Scale may be copied, and copies may be used at the
// same time; one may not.
type Scale struct {
	Kind   string
	Factor float64 // c of mean-norm; 1 for the others

	rows *rowScales // what Undo of row-norm needs
}

// rowScales are m and s of the rows that owner scaled last. A copy of a Scale
// is another owner, and starts its own.
type rowScales struct {
	owner     *Scale
	mean, std []float64 // [N]
}

// FitScale makes the scale of a kind for the given rows of d. mean-norm reads
// them all once, and sums in float64 and in their order.
func FitScale(d rowReader, rows activations.Rows, kind string) (Scale, error) {
	s := Scale{Kind: kind, Factor: 1}
	switch kind {
	case ScaleNone:
		return s, nil
	case ScaleRowNorm:
		if d.D() < 2 {
			return s, fmt.Errorf("%s: data.scale=%s needs rows of 2 numbers or more, these have %d; use none or mean-norm", d.Name(), kind, d.D())
		}
		return s, nil
	case ScaleMeanNorm:
		mean, err := meanSquaredNorm(d, rows)
		if err != nil {
			return s, err
		}
		if mean == 0 {
			return s, fmt.Errorf("%s: data.scale=%s: every training row is zero, so no factor gives them a norm; use none", d.Name(), kind)
		}
		s.Factor = math.Sqrt(float64(d.D()) / mean)
		return s, nil
	}
	return s, fmt.Errorf("data.scale is %q, want %s, %s or %s", kind, ScaleNone, ScaleMeanNorm, ScaleRowNorm)
}

// meanSquaredNorm is the mean of ||x||² over rows, 0 for none.
func meanSquaredNorm(d rowReader, rows activations.Rows) (float64, error) {
	ahead := Prefetch(NewSequential(d, rows, 0, passBatch(d.D())))
	defer ahead.Close()
	sum, n := 0.0, int64(0)
	for b := new(activations.Batch); ; {
		switch err := ahead.Next(b); {
		case errors.Is(err, io.EOF):
			return sum / float64(max(n, 1)), nil
		case err != nil:
			return 0, err
		}
		for i := range b.N {
			sum += kernel.SumSquares(b.X[i*b.D : (i+1)*b.D])
		}
		n += int64(b.N)
	}
}

// Apply scales the rows of b in place: X and, so that a transcoder's
// prediction is undone like a reconstruction, Target, with the same numbers.
//
// Gradient becomes the gradient with respect to the scaled row. x = x'/c gives
// dL/dx' = g/c for mean-norm. For row-norm it is g·s, m and s held: what a
// change of the scaled reconstruction does to the loss once it is undone.
func (s *Scale) Apply(b *activations.Batch) {
	s.Prepare(b.N)
	s.ApplyRows(b, 0, b.N)
}

// Prepare makes ready for ApplyRows of n rows in all.
func (s *Scale) Prepare(n int) {
	if s.Kind != ScaleRowNorm && s.Kind != ScaleUnitNorm {
		return
	}
	if s.rows == nil || s.rows.owner != s {
		s.rows = &rowScales{owner: s}
	}
	s.rows.mean, s.rows.std = reuse.Slice(s.rows.mean, n), reuse.Slice(s.rows.std, n)
}

// ApplyRows is Apply for the rows lo to hi of b. Different rows may be scaled at
// once, after Prepare.
func (s *Scale) ApplyRows(b *activations.Batch, lo, hi int) {
	switch s.Kind {
	case ScaleMeanNorm:
		kernel.Scale(between(b.X, lo, hi, b.D), float32(s.Factor))
		kernel.Scale(between(b.Target, lo, hi, b.DOut), float32(s.Factor))
		kernel.Scale(between(b.Gradient, lo, hi, b.D), float32(1/s.Factor))
	case ScaleRowNorm, ScaleUnitNorm:
		s.applyRows(b, lo, hi)
	}
}

// between is the rows lo to hi of x, of d numbers each, none of an absent array.
func between(x []float32, lo, hi, d int) []float32 {
	return x[min(len(x), lo*d):min(len(x), hi*d)]
}

func (s *Scale) applyRows(b *activations.Batch, lo, hi int) {
	r := s.rows
	for i := lo; i < hi; i++ {
		x := b.X[i*b.D : (i+1)*b.D]
		mean, std, factor := s.ofRow(x)
		r.mean[i], r.std[i] = mean, std
		center(x, mean, factor)
		if b.Target != nil {
			center(b.Target[i*b.DOut:(i+1)*b.DOut], mean, factor)
		}
		if b.Gradient != nil {
			kernel.Scale(b.Gradient[i*b.D:(i+1)*b.D], float32(std))
		}
	}
}

// Affine is what Apply does to a row x: each value v becomes
// (v - shift)·factor.
func (s Scale) Affine(x []float32) (shift, factor float64) {
	if s.Kind == ScaleMeanNorm {
		return 0, s.Factor
	}
	shift, _, factor = s.ofRow(x)
	return shift, factor
}

// ofRow is what the kinds with numbers for each row do to x: (v - mean)·factor,
// undone by ·std + mean.
func (s Scale) ofRow(x []float32) (mean, std, factor float64) {
	switch s.Kind {
	case ScaleRowNorm:
		mean, std = meanStd(x)
		return mean, std, 1 / (std + rowNormEpsilon)
	case ScaleUnitNorm:
		if norm := math.Sqrt(kernel.SumSquares(x)); norm > 0 {
			std = norm / math.Sqrt(float64(len(x)))
			return 0, std, 1 / std
		}
	}
	return 0, 1, 1
}

// center is (x-mean)·factor, in place.
func center(x []float32, mean, factor float64) {
	for j, v := range x {
		x[j] = float32((float64(v) - mean) * factor)
	}
}

// meanStd is the mean of x and its standard deviation with len(x)-1.
func meanStd(x []float32) (mean, std float64) {
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	sum := 0.0
	for _, v := range x {
		c := float64(v) - mean
		sum += c * c
	}
	return mean, math.Sqrt(sum / float64(max(len(x)-1, 1)))
}

// Undo brings the rows lo to hi of recon [N,D], reconstructions of the rows of b
// in scaled units, back to the units of the dump, in place; different rows may be
// at once. Of row-norm, b is the batch that was last given to Apply of this same
// Scale.
func (s *Scale) Undo(recon []float32, b *activations.Batch, lo, hi int) {
	if b.N == 0 {
		return
	}
	d := len(recon) / b.N
	switch s.Kind {
	case ScaleMeanNorm:
		kernel.Scale(between(recon, lo, hi, d), float32(1/s.Factor))
	case ScaleRowNorm, ScaleUnitNorm:
		r := s.rows
		if r == nil || r.owner != s || len(r.mean) != b.N {
			panic("data: Scale.Undo of a batch that this Scale did not scale last")
		}
		for i := lo; i < hi; i++ {
			x := recon[i*d : (i+1)*d]
			for j, v := range x {
				x[j] = float32(float64(v)*r.std[i] + r.mean[i])
			}
		}
	}
}

// Metadata is the scale in strings, in a map of the caller's own; ParseScale
// reads it back to the last bit.
func (s Scale) Metadata() map[string]string {
	m := map[string]string{keyScale: s.Kind}
	switch s.Kind {
	case "":
		m[keyScale] = ScaleNone
	case ScaleMeanNorm:
		m[keyFactor] = strconv.FormatFloat(s.Factor, 'g', -1, 64)
	}
	return m
}

// ParseScale reads a scale from the metadata of weights. Weights that name
// none have none.
func ParseScale(meta map[string]string) (Scale, error) {
	s := Scale{Kind: meta[keyScale], Factor: 1}
	switch s.Kind {
	case "":
		s.Kind = ScaleNone
	case ScaleNone, ScaleRowNorm:
	case ScaleMeanNorm:
		c, err := strconv.ParseFloat(meta[keyFactor], 64)
		if err != nil || !(c > 0) || math.IsInf(c, 0) {
			return s, fmt.Errorf("metadata %s is %q, want a positive number", keyFactor, meta[keyFactor])
		}
		s.Factor = c
	default:
		return s, fmt.Errorf("metadata %s is %q, want %s, %s or %s", keyScale, s.Kind, ScaleNone, ScaleMeanNorm, ScaleRowNorm)
	}
	return s, nil
}

// Scaled is src with its batches scaled.
func Scaled(src activations.Source, s Scale) activations.Source {
	return &scaled{src: src, scale: s}
}

type scaled struct {
	src   activations.Source
	scale Scale
}

func (s *scaled) Next(b *activations.Batch) error {
	err := s.src.Next(b)
	if err == nil {
		s.scale.Apply(b)
	}
	return err
}
