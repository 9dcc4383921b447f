package eval

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"unicode"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
)

// clarity finds out for each latent which token it fires on most and how much
// of its activity lies there, from a sample of bounded size: of each latent the
// rows of largest priority f²/u, u uniform on (0,1] and drawn by row. A row
// whose priority is over the least one kept, τ, stands for max(f², τ), which
// makes every sum of f² over some rows unbiased (priority sampling: Duffield,
// Lund and Thorup 2007). It is exact for a latent that fires on few rows.
type clarity struct {
	reader Reader
	labels []string // names of labels, for a dump without text
	number map[string]int32
	names  []string
	drawn  []best[draw] // [F] of largest priority
	tokens []int32      // of the rows of a batch
}

// A draw is a row in the sample of a latent.
type draw struct {
	priority, weight float64
	token            int32
}

// foremost ranks draws by priority, the largest first.
func foremost(a, b draw) int { return cmp.Compare(b.priority, a.priority) }

// Bounds on the rows drawn: of all latents together, and of one.
const (
	drawnTotal = 1 << 20
	drawnMost  = 64
	drawnLeast = 16
)

// newClarity is nil for a dump with neither text nor labels.
func newClarity(r Reader, f int) (*clarity, error) {
	c := &clarity{reader: r, number: map[string]int32{}, drawn: make([]best[draw], f)}
	keep := min(drawnMost, max(drawnLeast, drawnTotal/max(f, 1))) + 1
	for i := range c.drawn {
		c.drawn[i] = best[draw]{n: keep, compare: foremost}
	}
	switch {
	case r.HasToken():
		return c, nil
	case r.Has(activations.Label):
		var err error
		c.labels, err = r.Metadata().LabelNames()
		return c, err
	}
	return nil, nil
}

// add takes in a batch; texts are its tokens, nil for a dump without.
func (c *clarity) add(s *Sample, texts []string) {
	c.tokens = c.tokens[:0]
	for i := range s.N {
		c.tokens = append(c.tokens, c.token(s, i, texts))
	}
	for i := range s.N {
		if c.tokens[i] < 0 {
			continue
		}
		u := (float64(uint32(data.Bits(0, 0, uint64(s.rowNumber(i))))) + 1) / (1 << 32)
		index, values := s.Codes.Row(i)
		for e, f := range index {
			if w := float64(values[e]) * float64(values[e]); w > 0 {
				c.drawn[f].add(draw{w / u, w, c.tokens[i]})
			}
		}
	}
}

// token numbers what row i of the batch carries; -1 for a row without label.
func (c *clarity) token(s *Sample, i int, texts []string) int32 {
	name := ""
	switch {
	case texts != nil:
		name = texts[i]
	case s.Label == nil || s.Label[i] < 0:
		return -1
	case int(s.Label[i]) < len(c.labels):
		name = c.labels[s.Label[i]]
	default:
		name = strconv.Itoa(int(s.Label[i]))
	}
	n, ok := c.number[name]
	if !ok {
		n = int32(len(c.names))
		c.number[name] = n
		c.names = append(c.names, name)
	}
	return n
}

// of is the token that latent f fires on most, by Σf², and the share of Σf²
// over all rows that lies on its rows; "", NaN for a latent that never fires.
func (c *clarity) of(f int) (token string, share float64) {
	rows, least := c.drawn[f].heap, 0.0
	if len(rows) == 0 {
		return "", math.NaN()
	}
	if len(rows) == c.drawn[f].n {
		rows, least = rows[1:], rows[0].priority
	}
	sums, total := map[int32]float64{}, 0.0
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b draw) int { return cmp.Compare(a.weight, b.weight) })
	for _, d := range rows {
		w := max(d.weight, least)
		sums[d.token] += w
		total += w
	}
	best := int32(-1)
	for t, sum := range sums {
		if best < 0 || sum > sums[best] || sum == sums[best] && t < best {
			best = t
		}
	}
	return c.names[best], sums[best] / total
}

// fewDocuments is how many documents halve the rank of a latent: those that
// fire in one or two say little of what they stand for.
const fewDocuments = 4

// ranks are what latents are ranked by for people to read: the share on one
// token; less for a latent that fires in few documents (on few rows where there
// are none); half for a sign or a single letter, which every dictionary has; and
// divided by k for the k-th best latent of the same token, so that the first
// ones show different things.
func (c *clarity) ranks(u *usage, pool []int) []float64 {
	rank := make([]float64, len(c.drawn))
	byToken := map[string][]int{}
	for _, f := range pool {
		token, share := c.of(f)
		if math.IsNaN(share) {
			continue
		}
		seen := float64(u.fired[f])
		if u.doc > 0 {
			seen = float64(u.docs[f])
		}
		rank[f] = share * seen / (seen + fewDocuments)
		if !wordLike(token) {
			rank[f] /= 2
		}
		byToken[token] = append(byToken[token], f)
	}
	for _, same := range byToken {
		slices.SortStableFunc(same, func(a, b int) int { return cmp.Or(cmp.Compare(rank[b], rank[a]), cmp.Compare(a, b)) })
		for k, f := range same {
			rank[f] /= float64(k + 1)
		}
	}
	return rank
}

// wordLike reports whether a token holds two letters or more.
func wordLike(token string) bool {
	letters := 0
	for _, r := range token {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return letters > 1
}
