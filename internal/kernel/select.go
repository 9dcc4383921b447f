package kernel

import (
	"fmt"
	"math"
	"slices"
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
)

// A Rule says which scores are kept. A score that is not greater than 0 (with
// Abs: that is 0) is never kept, nor is NaN. Ties go to the lower row, then to
// the lower latent.
type Rule struct {
	Kind      RuleKind
	K         int
	Threshold float32 // keep what is strictly greater
	Abs       bool    // rank by absolute value; Support.Score stays signed
	Subset    []int32 // ascending latents to choose among; nil for all F
}

// A Selector chooses active latents. It owns its buffers and keeps them. One
// call at a time.
type Selector struct {
	pool *Pool

	x, w, bias []float32
	d, f       int
	rule       Rule
	perRow     [][]pick // [B] what each row keeps
}

// pick is a latent that a row may keep. key is the score, or its absolute
// value when the rule ranks by that.
type pick struct {
	key, score float32
	row, index int32
}

// NewSelector makes a Selector that runs on pool.
func NewSelector(pool *Pool) *Selector {
	return &Selector{pool: pool}
}

// Select fills dst with the latents that r keeps for x [B,D] scored against
// w [F,D] and bias [F] (nil for none), growing its slices when they are too
// small. The error names a size that does not fit the slices.
func (s *Selector) Select(dst *Support, x, w, bias []float32, B, D, F int, r Rule) error {
	if err := checkSelect(x, w, bias, B, D, F, r); err != nil {
		return err
	}
	s.x, s.w, s.bias, s.d, s.f, s.rule = x, w, bias, D, F, r
	if len(s.perRow) < B {
		s.perRow = append(s.perRow, make([][]pick, B-len(s.perRow))...)
	}
	s.pool.Run(B, s)
	if r.Kind == BatchTopK {
		s.thinBatch(B)
	}
	s.gather(dst, B)
	s.x, s.w, s.bias, s.rule.Subset = nil, nil, nil, nil
	return nil
}

func checkSelect(x, w, bias []float32, B, D, F int, r Rule) error {
	switch {
	case B < 0 || D < 1 || F < 0:
		return fmt.Errorf("select: sizes B %d, D %d, F %d are out of range", B, D, F)
	case len(x) < B*D:
		return fmt.Errorf("select: x holds %d numbers, [%d,%d] needs %d", len(x), B, D, B*D)
	case len(w) < F*D:
		return fmt.Errorf("select: w holds %d numbers, [%d,%d] needs %d", len(w), F, D, F*D)
	case bias != nil && len(bias) < F:
		return fmt.Errorf("select: bias holds %d numbers, [%d] needs %d", len(bias), F, F)
	case r.Kind < TopK || r.Kind > Threshold:
		return fmt.Errorf("select: rule kind %d is unknown", r.Kind)
	case r.K < 0:
		return fmt.Errorf("select: K is %d; it must not be negative", r.K)
	}
	last := int32(-1)
	for i, f := range r.Subset {
		if f <= last || int(f) >= F {
			return fmt.Errorf("select: subset entry %d is latent %d; entries must ascend within [0,%d)", i, f, F)
		}
		last = f
	}
	return nil
}

// Do scores one row and keeps what its rule may keep.
func (s *Selector) Do(worker, row int) {
	n := s.f
	if s.rule.Subset != nil {
		n = len(s.rule.Subset)
	}
	x := s.x[row*s.d : (row+1)*s.d]
	picks := s.perRow[row][:0]
	for i := range n {
		f := i
		if s.rule.Subset != nil {
			f = int(s.rule.Subset[i])
		}
		score := Dot(x, s.w[f*s.d:(f+1)*s.d])
		if s.bias != nil {
			score += s.bias[f]
		}
		if key, ok := s.rule.admit(score); ok {
			picks = append(picks, pick{key, score, int32(row), int32(f)})
		}
	}
	if s.rule.Kind == TopK {
		picks = keepLargest(picks, s.rule.K)
	}
	s.perRow[row] = picks
}

// admit gives the key a score ranks by, and whether it may be kept at all.
func (r *Rule) admit(score float32) (key float32, ok bool) {
	key = score
	if r.Abs {
		key = float32(math.Abs(float64(score)))
	}
	return key, key > 0 && (r.Kind != Threshold || key > r.Threshold)
}

// comparePicks orders by falling key, then by row and latent.
func comparePicks(a, b pick) int {
	switch {
	case a.key != b.key:
		if a.key > b.key {
			return -1
		}
		return 1
	case a.row != b.row:
		return int(a.row) - int(b.row)
	}
	return int(a.index) - int(b.index)
}

func keepLargest(picks []pick, k int) []pick {
	if len(picks) <= k {
		return picks
	}
	slices.SortFunc(picks, comparePicks)
	return picks[:k]
}

func (s *Selector) thinBatch(B int) {
	var all []pick
	for _, picks := range s.perRow[:B] {
		all = append(all, picks...)
	}
	all = keepLargest(all, s.rule.K*B)
	for i := range B {
		s.perRow[i] = s.perRow[i][:0]
	}
	for _, p := range all {
		s.perRow[p.row] = append(s.perRow[p.row], p)
	}
}

func (s *Selector) gather(dst *Support, B int) {
	dst.RowPtr = append(dst.RowPtr[:0], 0)
	dst.Index, dst.Score = dst.Index[:0], dst.Score[:0]
	for _, picks := range s.perRow[:B] {
		slices.SortFunc(picks, func(a, b pick) int { return int(a.index) - int(b.index) })
		for _, p := range picks {
			dst.Index = append(dst.Index, p.index)
			dst.Score = append(dst.Score, p.score)
		}
		dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
	}
}
