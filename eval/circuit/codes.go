package circuit

import (
	"cmp"
	"math"
	"slices"
)

// Codes are one number for each head on each example.
type Codes struct {
	Heads    int     // H
	Latents  int     // F; codes are below it
	Code     []int32 // [E,H]
	Positive []bool  // [E]
	Zero     []bool  // [E,H] no latent fires: the code is 0 for want of another; nil when not known
}

// Examples is E.
func (c Codes) Examples() int { return len(c.Positive) }

// column are the codes of a head, negative examples and positive ones apart.
func (c Codes) column(h int) (positive, negative []int32) {
	for e, is := range c.Positive {
		if is {
			positive = append(positive, c.Code[e*c.Heads+h])
		} else {
			negative = append(negative, c.Code[e*c.Heads+h])
		}
	}
	return positive, negative
}

// NodeScores are, for each head, how many codes it uses on positive examples
// only: raw |P \ N|, and as a share of the codes it uses at all, |P \ N| / |P ∪ N|,
// both [H].
func (c Codes) NodeScores() (raw, normalised []float64) {
	for h := range c.Heads {
		positive, negative := c.column(h)
		only, all := only(distinct(positive), distinct(negative))
		raw = append(raw, float64(only))
		normalised = append(normalised, share(only, all))
	}
	return raw, normalised
}

// distinct sorts x and drops what is there twice.
func distinct[T cmp.Ordered](x []T) []T {
	slices.Sort(x)
	return slices.Compact(x)
}

// only counts what is in a and not in b, and what is in either; both are
// ascending.
func only[T cmp.Ordered](a, b []T) (only, all int) {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case j == len(b) || i < len(a) && a[i] < b[j]:
			only++
			i++
		case i == len(a) || b[j] < a[i]:
			j++
		default:
			i, j = i+1, j+1
		}
		all++
	}
	return only, all
}

func share(part, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(part) / float64(of)
}

// EdgeScores are, for each two heads, how many pairs of codes they use on
// positive examples only, and that as a share of the pairs on positive examples
// and those on negative ones, counted apart, both [H,H], symmetric with a
// diagonal of 0.
func (c Codes) EdgeScores() (raw, normalised []float64) {
	raw, normalised = make([]float64, c.Heads*c.Heads), make([]float64, c.Heads*c.Heads)
	var positive, negative []uint64
	for a := range c.Heads {
		for b := a + 1; b < c.Heads; b++ {
			positive, negative = positive[:0], negative[:0]
			for e, is := range c.Positive {
				pair := uint64(uint32(c.Code[e*c.Heads+a]))<<32 | uint64(uint32(c.Code[e*c.Heads+b]))
				if is {
					positive = append(positive, pair)
				} else {
					negative = append(negative, pair)
				}
			}
			p, n := distinct(positive), distinct(negative)
			count, _ := only(p, n)
			for _, at := range []int{a*c.Heads + b, b*c.Heads + a} {
				raw[at], normalised[at] = float64(count), share(count, len(p)+len(n))
			}
		}
	}
	return raw, normalised
}

// Participation counts how often each head is among the first k heads that the
// ordered pairs name, strongest pair first and its first head first; of equal
// pairs the one with the lower place in edges [H,H] is first. It ranks heads, as
// the paper's edge level does, not edges.
func Participation(edges []float64, heads, k int) []float64 {
	order := make([]int, len(edges))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(edges[y], edges[x]) })
	count := make([]float64, heads)
	for i, pair := range order {
		if 2*i < k {
			count[pair/heads]++
		}
		if 2*i+1 < k {
			count[pair%heads]++
		}
	}
	return count
}

// Softmax is exp(x)/Σexp(x). It is monotone, so that it changes no ranking.
func Softmax(x []float64) []float64 {
	top, sum := slices.Max(x), 0.0
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Exp(v - top)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// AcrossLayers is the softmax over layers for each place of a head in its layer
// apart, [H] of scores [H]: the code's across_layer, which does change a
// ranking.
func AcrossLayers(scores []float64, perLayer int) []float64 {
	out, layers := make([]float64, len(scores)), len(scores)/perLayer
	column := make([]float64, layers)
	for h := range perLayer {
		for l := range layers {
			column[l] = scores[l*perLayer+h]
		}
		for l, v := range Softmax(column) {
			out[l*perLayer+h] = v
		}
	}
	return out
}
