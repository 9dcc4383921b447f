package kernel

import (
	"fmt"
	"math"
)

// A Support says which latents of each row are active, in compressed rows:
// row i owns entries RowPtr[i] to RowPtr[i+1].
type Support struct {
	RowPtr []int32   // [B+1]
	Index  []int32   // [nnz] latents, ascending within a row
	Score  []float32 // [nnz] Dot(x,w)+b, signed
}

// RuleKind names a way to choose.
type RuleKind int

// The rules of selection.
const (
	TopK      RuleKind = iota // the K largest of each row
	BatchTopK                 // the K·B largest of the batch
	Threshold                 // all above Rule.Threshold
	GroupMax                  // the largest of each of K groups of F/K neighbours
)

// A Rule says which latents are kept. What ranks a latent is its key: the
// score, times the factors below. A key that is not greater than 0 is never
// kept, nor is NaN. Ties go to the lower row, then to the lower latent.
type Rule struct {
	Kind      RuleKind
	K         int
	Total     int     // of BatchTopK: keep so many of the batch, in place of K·B, where K is not 0; 0 for K·B
	Threshold float32 // keep keys strictly greater
	Abs       bool    // rank by the absolute value of the score; Support.Score stays signed
	Subset    []int32 // ascending latents to choose among; nil for all F

	Weight []float32 // [F] factors of the keys, none negative; nil for none
	Boost  *Boost    // a further factor, of row and latent; nil for none
}

// A Boost multiplies the key of row b and latent f by 1 + Beta·|<X[b], W[f]>|,
// as g-SAE ranks by the gradient's part along the decoder (Olmo et al. 2024).
type Boost struct {
	X    []float32 // [B,D]
	W    []float32 // [F,D]
	Beta float32   // not negative
}

// plain reports whether the key is the score itself.
func (r *Rule) plain() bool { return !r.Abs && r.Weight == nil && r.Boost == nil }

// floor is the key that every kept one must exceed.
func (r *Rule) floor() float32 {
	if r.Kind == Threshold {
		return max(r.Threshold, 0) // NaN stays NaN, and keeps nothing
	}
	return 0
}

// bits are those of a score that rank it.
func (r *Rule) bits() uint32 {
	if r.Abs {
		return math.MaxInt32 // all but the sign
	}
	return math.MaxUint32
}

// key ranks a score of latent f whose second product is boost.
func (r *Rule) key(score, boost float32, f int) float32 {
	if r.Abs {
		score = float32(math.Abs(float64(score)))
	}
	if r.Weight != nil {
		score = float32(score * r.Weight[f])
	}
	if r.Boost != nil {
		score = float32(score * (1 + float32(r.Boost.Beta*float32(math.Abs(float64(boost))))))
	}
	return score
}

func (r *Rule) check(B, D, F int) error {
	switch {
	case r.Kind < TopK || r.Kind > GroupMax:
		return fmt.Errorf("select: rule kind %d is unknown", r.Kind)
	case r.Total < 0:
		return fmt.Errorf("select: the total is %d; it must not be negative", r.Total)
	case r.K < 0:
		return fmt.Errorf("select: K is %d; it must not be negative", r.K)
	case r.Kind == GroupMax && r.Subset != nil:
		return fmt.Errorf("select: groups cannot be taken of a subset")
	case r.Weight != nil && len(r.Weight) < F:
		return fmt.Errorf("select: weight holds %d numbers, [%d] needs %d", len(r.Weight), F, F)
	}
	for f, w := range r.Weight {
		if !(w >= 0) {
			return fmt.Errorf("select: the weight of latent %d is %g; it must not be negative", f, w)
		}
	}
	last := int32(-1)
	for i, f := range r.Subset {
		if f <= last || int(f) >= F {
			return fmt.Errorf("select: subset entry %d is latent %d; entries must ascend within [0,%d)", i, f, F)
		}
		last = f
	}
	return r.Boost.check(B, D, F)
}

func (b *Boost) check(B, D, F int) error {
	switch {
	case b == nil:
		return nil
	case !(b.Beta >= 0):
		return fmt.Errorf("select: the boost's beta is %g; it must not be negative", b.Beta)
	case len(b.X) < B*D:
		return fmt.Errorf("select: the boost's x holds %d numbers, [%d,%d] needs %d", len(b.X), B, D, B*D)
	case len(b.W) < F*D:
		return fmt.Errorf("select: the boost's w holds %d numbers, [%d,%d] needs %d", len(b.W), F, D, F*D)
	}
	return nil
}
