package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/saectl/saectl/internal/kernel"
)

// The orders in which Inspect can rank latents.
const (
	ByClarity     = "clarity"
	ByFrequency   = "frequency"
	ByActivation  = "activation"
	ByAttribution = "attribution"
)

// ParseLatents reads a list of latents and ranges, such as "3,17,40-52", of a
// dictionary with f latents. Order is kept, repeats are dropped.
func ParseLatents(list string, f int) ([]int, error) {
	var out []int
	seen := map[int]bool{}
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		from, to, isRange := strings.Cut(part, "-")
		lo, err := strconv.Atoi(strings.TrimSpace(from))
		hi := lo
		if err == nil && isRange {
			hi, err = strconv.Atoi(strings.TrimSpace(to))
		}
		switch {
		case err != nil || lo < 0:
			return nil, fmt.Errorf("%q is no latent or range of latents; write a list such as 3,17,40-52", part)
		case hi < lo:
			return nil, fmt.Errorf("the range %s runs backwards; write %d-%d", part, hi, lo)
		case hi >= f:
			return nil, fmt.Errorf("there is no latent %d: the dictionary has %d, numbered from 0", hi, f)
		}
		for latent := lo; latent <= hi; latent++ {
			if !seen[latent] {
				seen[latent] = true
				out = append(out, latent)
			}
		}
	}
	return out, nil
}

// choose gives the latents that o asks for, from what a pass over the rows
// found. Latents that never fire come only when they are asked for by number.
func (o InspectOptions) choose(v *survey, s Subject) ([]int, error) {
	pool := o.Latents
	if pool == nil {
		for f, fired := range v.use.fired {
			if fired > 0 {
				pool = append(pool, f)
			}
		}
	}
	score, err := o.score(v, s, pool)
	if err != nil {
		return nil, err
	}
	if score != nil {
		pool = slices.Clone(pool)
		slices.SortStableFunc(pool, func(a, b int) int { return cmp.Compare(score(b), score(a)) })
		if o.Search != "" { // what never fires on the text is no answer
			pool = slices.DeleteFunc(pool, func(f int) bool { return v.found[f].rows == 0 })
		}
	}
	if o.Count > 0 && len(pool) > o.Count {
		pool = pool[:o.Count]
	}
	return pool, nil
}

// score is what latents are ranked by, largest first; nil keeps their order.
func (o InspectOptions) score(v *survey, s Subject, pool []int) (func(f int) float64, error) {
	switch {
	case o.Search != "":
		return v.matchScore, nil
	case o.Similar != nil:
		return similarity(s, *o.Similar)
	case o.By == ByClarity && v.clarity == nil:
		return nil, fmt.Errorf("the dump has neither text nor labels, which clarity needs; rank by %s or %s", ByFrequency, ByActivation)
	case o.By == ByClarity:
		rank := v.clarity.ranks(v.use, pool)
		return func(f int) float64 { return rank[f] }, nil
	case o.By == ByFrequency:
		return func(f int) float64 { return float64(v.use.fired[f]) }, nil
	case o.By == ByActivation:
		return func(f int) float64 { return float64(v.use.largest[f]) }, nil
	case o.By == ByAttribution && v.attribution == nil:
		return nil, fmt.Errorf("the dump has no gradient column, which attribution needs; rank by %s or %s", ByFrequency, ByActivation)
	case o.By == ByAttribution:
		return func(f int) float64 { return v.attribution[f] }, nil
	case o.By == "":
		return nil, nil
	}
	return nil, fmt.Errorf("latents cannot be ranked by %q; give %s, %s, %s or %s", o.By, ByClarity, ByFrequency, ByActivation, ByAttribution)
}

// chooses says whether a pass over the rows must come first to know which
// latents to describe: else all of Latents are, and are put in order later.
func (o InspectOptions) chooses() bool {
	return o.Latents == nil || o.Search != "" || o.Count > 0 && o.Count < len(o.Latents)
}

// similarity is the decoder cosine of latents to latent f, itself first.
func similarity(s Subject, f int) (func(g int) float64, error) {
	w, d := s.Weight("decoder.weight"), s.width()
	switch {
	case f < 0 || f >= s.F:
		return nil, fmt.Errorf("there is no latent %d: the dictionary has %d, numbered from 0", f, s.F)
	case len(w) != s.F*d:
		return nil, fmt.Errorf("the variant has no decoder rows to compare latents by")
	}
	own := w[f*d : (f+1)*d]
	return func(g int) float64 {
		if g == f {
			return math.Inf(1)
		}
		row := w[g*d : (g+1)*d]
		return kernel.DotF64(own, row) / max(norm(row), 1e-300)
	}, nil
}
