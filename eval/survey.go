package eval

import (
	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// survey is what one pass finds out about every latent.
type survey struct {
	use         *usage
	attribution []float64 // [F] Σ|f·<decoder row, gradient>|, nil without gradients
	found       []match   // [F] on the rows that complete the text searched for
	mass        []float64 // [F] Σ|f|
	hits        int64     // such rows
	finder      *finder   // nil without a search
	clarity     *clarity  // nil on a second pass, and for a dump without text and labels
	reader      Reader
	scale       subjectScale
}

// match is the activity of a latent on rows that a search found.
type match struct {
	rows int64
	mass float64 // Σ|f|
}

func newSurvey(s Subject, r Reader, f *finder, c *clarity) *survey {
	v := &survey{use: newUsage(s.F), finder: f, clarity: c, reader: r, scale: subjectScale{s: s}}
	if r.Has(activations.Gradient) {
		v.attribution = make([]float64, s.F)
	}
	if f != nil {
		v.found, v.mass = make([]match, s.F), make([]float64, s.F)
	}
	return v
}

// add takes in a batch.
func (v *survey) add(s *Sample) error {
	v.use.Add(s)
	if v.attribution != nil && s.Gradient != nil {
		v.scale.attributions(s, func(_ int, f int32, a float64) { v.attribution[f] += abs(a) })
	}
	var tokens []string
	if v.reader.HasToken() && (v.finder != nil || v.clarity != nil) {
		var err error
		if tokens, err = v.reader.Tokens(s.Row[:s.N]); err != nil {
			return err
		}
	}
	if v.clarity != nil {
		v.clarity.add(s, tokens)
	}
	if v.finder != nil {
		v.search(s, v.finder.rows(s, tokens))
	}
	return nil
}

// search takes in which rows of a batch hold what is searched for.
func (v *survey) search(s *Sample, hits []bool) {
	for i := range s.N {
		index, values := s.Codes.Row(i)
		if hits[i] {
			v.hits++
		}
		for e, f := range index {
			a := abs(float64(values[e]))
			v.mass[f] += a
			if hits[i] && a > 0 {
				v.found[f].rows++
				v.found[f].mass += a
			}
		}
	}
}

// matchScore says how well latent f picks out the rows found: the harmonic
// mean of the share of them on which it fires and of the share of its activity
// that lies on them.
func (v *survey) matchScore(f int) float64 {
	if v.hits == 0 || v.mass[f] == 0 {
		return 0
	}
	recall, precision := float64(v.found[f].rows)/float64(v.hits), v.found[f].mass/v.mass[f]
	if recall+precision == 0 {
		return 0
	}
	return 2 * recall * precision / (recall + precision)
}

// subjectScale computes attributions in the dump's units: a latent's share of
// x̂ is f·(decoder row) in the units the encoder works in, so the gradient is
// brought to those.
type subjectScale struct {
	s        Subject
	gradient []float32 // [N,D]
	x        []float32
	dots     []float32
}

// attributions calls do with row, latent and f·<decoder row, gradient>: to
// first order, what the latent adds to the model's loss on that row.
func (c *subjectScale) attributions(s *Sample, do func(row int, f int32, a float64)) {
	w := c.s.Weight("decoder.weight")
	if len(w) != c.s.F*s.D || s.Width != s.D {
		return
	}
	b := *s.Batch
	c.gradient = append(c.gradient[:0], s.Gradient[:s.N*s.D]...)
	c.x = append(c.x[:0], s.X[:s.N*s.D]...)
	b.X, b.Gradient, b.Target = c.x, c.gradient, nil
	c.s.Scale.Apply(&b)
	for i := range s.N {
		index, values := s.Codes.Row(i)
		c.dots = reuse.Slice(c.dots, len(index))
		kernel.Dots(c.dots, b.Gradient[i*s.D:(i+1)*s.D], w, index, nil)
		for e, f := range index {
			do(i, f, float64(values[e])*float64(c.dots[e]))
		}
	}
}
