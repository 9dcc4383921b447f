package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

// A Feature is what is known of one latent on the rows inspected. Activations
// are in the units the encoder works in.
type Feature struct {
	Latent      int         `json:"latent"`
	Fired       int64       `json:"fired"`     // rows on which it is not zero
	Frequency   float64     `json:"frequency"` // share of the rows
	Documents   int64       `json:"documents,omitempty"`
	Mean        float64     `json:"mean"` // over rows on which it fires
	Max         float64     `json:"max"`  // largest absolute activation
	DecoderNorm float64     `json:"decoder_norm"`
	Attribution *float64    `json:"attribution,omitempty"` // mean |f·<decoder row, gradient>| over all rows
	Match       *MatchScore `json:"match,omitempty"`       // of a search
	Token       string      `json:"token,omitempty"`       // that it fires on most, or label where there is no text
	Clarity     *float64    `json:"clarity,omitempty"`     // share of its Σf² that lies on that token

	Quantiles []Quantile  `json:"quantiles,omitempty"` // of the activations that are not zero
	Histogram *Series     `json:"histogram,omitempty"` // of the same
	Sampled   int         `json:"sampled"`             // activations that quantiles and histogram are of
	Top       []Example   `json:"top,omitempty"`       // largest activations
	Bins      []Bin       `json:"bins,omitempty"`      // from the highest to the lowest
	Nearest   []Neighbour `json:"nearest,omitempty"`
	Partners  []Partner   `json:"partners,omitempty"`

	Intervals  []Interval   `json:"intervals,omitempty"`  // from the highest to the lowest
	Correlated []Correlated `json:"correlated,omitempty"` // by falling correlation

	values []float32 // the activations sampled, ascending, when intervals are asked for
}

// An Interval is a part of the range from 0 to the largest activation, with
// rows drawn at random from it.
type Interval struct {
	Low      float64   `json:"low"`
	High     float64   `json:"high"`
	Share    float64   `json:"share"` // of all rows
	Examples []Example `json:"examples"`
}

// MatchScore says how well a latent picks out the rows that a search found.
type MatchScore struct {
	Score     float64 `json:"score"`     // harmonic mean of the other two
	Recall    float64 `json:"recall"`    // share of the rows found on which it fires
	Precision float64 `json:"precision"` // share of its activity that lies on them
}

// A Quantile is a value below which a share Q of the activations lies.
type Quantile struct {
	Q     float64 `json:"q"`
	Value float64 `json:"value"`
}

// A Bin is the activations between two quantiles and one of them, drawn at
// random.
type Bin struct {
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Example Example `json:"example"`
}

// An Example is a row in its context. Tokens and Values are those of the rows
// around it in its document; Tokens[At] is its own. Both are nil when the dump
// has no text.
type Example struct {
	Row    int64     `json:"row"` // of the dump
	Doc    *int64    `json:"doc,omitempty"`
	Pos    *int32    `json:"pos,omitempty"`
	Label  string    `json:"label,omitempty"`
	Value  float32   `json:"value"`
	Tokens []string  `json:"tokens,omitempty"`
	Values []float32 `json:"values,omitempty"`
	At     int       `json:"at"`
}

// describe turns what was gathered into features.
func (in *inspector) describe(v *survey, c *collector) (*Inspection, error) {
	out := &in.out
	out.SAE.Latents, out.SAE.D, out.Dump.Rows = in.s.F, in.s.D, v.use.rows
	out.Docs, out.Longest = v.use.doc, v.use.longest
	out.By, out.Features = in.o.By, make([]Feature, len(c.chosen))
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	c.flush()
	for i, latent := range c.chosen {
		in.figures(&out.Features[i], latent, v)
		in.sample(&out.Features[i], c.sample[i].sorted(), c.top[i].sorted())
	}
	in.relations(c)
	if c.active.mask != 0 {
		in.warn("latents that fire along are counted on %d of %d rows, drawn at random", c.active.rows(), v.use.rows)
	}
	return out, in.emit(out.Features)
}

// figures fills in what the survey counted.
func (in *inspector) figures(x *Feature, latent int, v *survey) {
	u := v.use
	*x = Feature{Latent: latent, Fired: u.fired[latent], Frequency: float64(u.fired[latent]) / float64(u.rows), Max: float64(u.largest[latent])}
	if u.fired[latent] > 0 {
		x.Mean = u.sum[latent] / float64(u.fired[latent])
	}
	if u.doc > 0 {
		x.Documents = u.docs[latent]
	}
	if v.attribution != nil {
		a := v.attribution[latent] / float64(u.rows)
		x.Attribution = &a
	}
	if v.clarity != nil && x.Fired > 0 {
		token, share := v.clarity.of(latent)
		x.Token, x.Clarity = token, &share
	}
	if v.hits > 0 && v.mass[latent] > 0 {
		x.Match = &MatchScore{Score: v.matchScore(latent), Recall: float64(v.found[latent].rows) / float64(v.hits), Precision: v.found[latent].mass / v.mass[latent]}
	}
}

// sample fills in quantiles, histogram and examples from a random sample of
// the activations and the largest ones.
func (in *inspector) sample(x *Feature, marks, top []mark) {
	for _, m := range top {
		x.Top = append(x.Top, Example{Row: m.row, Value: m.value})
	}
	x.Sampled = len(marks)
	if len(marks) == 0 {
		return
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(a.value, b.value) })
	values := make([]float32, len(marks))
	for i, m := range marks {
		values[i] = m.value
	}
	for _, q := range []float64{0, 0.25, 0.5, 0.75, 0.9, 0.99, 1} {
		x.Quantiles = append(x.Quantiles, Quantile{q, quantile(values, q)})
	}
	if in.o.Intervals > 0 {
		x.values = values
		in.intervals(x, marks)
	}
	h := valueHistogram(values)
	x.Histogram = &h
	for b := in.o.Bins - 1; b >= 0; b-- {
		lo, hi := b*len(marks)/in.o.Bins, (b+1)*len(marks)/in.o.Bins
		if lo == hi {
			continue
		}
		m := slices.MinFunc(marks[lo:hi], inOrder)
		x.Bins = append(x.Bins, Bin{Low: float64(values[lo]), High: float64(values[hi-1]), Example: Example{Row: m.row, Value: m.value}})
	}
}

// valueHistogram counts ascending values in 24 bins of equal width.
func valueHistogram(values []float32) Series {
	const bins = 24
	lo, hi := min(0, float64(values[0])), max(0, float64(values[len(values)-1]))
	s := Series{Definition: "share of the activations that are not zero, in bins with edges x", Y: make([]float64, bins)}
	for e := range bins + 1 {
		s.X = append(s.X, lo+(hi-lo)*float64(e)/bins)
	}
	for _, v := range values {
		bin := int(math.Floor((float64(v) - lo) / (hi - lo) * bins))
		s.Y[min(bins-1, max(0, bin))] += 1 / float64(len(values))
	}
	return s
}

// relations fills in neighbours and partners.
func (in *inspector) relations(c *collector) {
	n := in.o.Nearest
	if w := in.s.Weight("decoder.weight"); w != nil && n > 0 {
		d := in.s.width()
		for i, list := range nearest(in.pool, w, in.s.F, d, c.chosen, n) {
			in.out.Features[i].Nearest = list
			in.out.Features[i].DecoderNorm = norm(w[c.chosen[i]*d : (c.chosen[i]+1)*d])
		}
	}
	if n == 0 {
		return
	}
	rows := c.active.byLatent(in.s.F)
	if in.o.Correlated > 0 {
		in.correlate(c.active, rows, c.chosen)
	}
	together := make([][]int32, in.pool.Threads())
	in.pool.Run(len(c.chosen), kernel.TaskFunc(func(worker, i int) {
		if together[worker] == nil {
			together[worker] = make([]int32, in.s.F)
		}
		in.out.Features[i].Partners = c.active.partners(rows, c.chosen[i], n, together[worker])
	}))
}

// examples calls do with each example of each feature.
func examples(features []Feature, do func(f *Feature, e *Example)) {
	for i := range features {
		f := &features[i]
		for j := range f.Top {
			do(f, &f.Top[j])
		}
		for j := range f.Bins {
			do(f, &f.Bins[j].Example)
		}
		for j := range f.Intervals {
			for k := range f.Intervals[j].Examples {
				do(f, &f.Intervals[j].Examples[k])
			}
		}
	}
}

// columnsOfPlace are the columns that say where a row stands.
const columnsOfPlace = activations.Doc | activations.Pos | activations.Label
