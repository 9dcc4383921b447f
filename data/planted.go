package data

import (
	"fmt"
	"slices"
	"strings"
)

// Planted are the settings of synthetic rows with a dictionary that is known:
//
//	x = Σ over the active features i of coefficient_i · feature_i + noise
//
// The zero value is not valid; start from DefaultPlanted.
type Planted struct {
	Rows    int64  `yaml:"rows" range:"[1,)" doc:"rows to write"`
	D       int    `yaml:"d" range:"[1,65536]" doc:"width of a row"`
	Latents int    `yaml:"latents" range:"[1,16777216]" doc:"features of the true dictionary"`
	Active  int    `yaml:"active" range:"[1,)" doc:"features active in a row"`
	Seed    uint64 `yaml:"seed" doc:"seed of the dictionary and of the rows"`

	Noise        float64 `yaml:"noise" range:"[0,)" doc:"root mean square of the normal noise, as a share of that of the rows without it"`
	Counts       string  `yaml:"counts" oneof:"fixed|uniform" doc:"each row has exactly active features, or a number of its own from 1 to 2*active-1"`
	Coefficients string  `yaml:"coefficients" oneof:"uniform|constant|exponential|half-normal" doc:"distribution of an active feature's coefficient, with mean 1; uniform is over 0.5 to 1.5"`
	Exponent     float64 `yaml:"exponent" range:"[0,10]" doc:"power law of how often features are drawn: feature i (from 1) by the weight i^-exponent; 0 draws all alike"`

	Dictionary   string  `yaml:"dictionary" oneof:"random|orthogonal" doc:"features are random unit vectors, or orthonormal, which needs latents <= d"`
	Coherence    float64 `yaml:"coherence" range:"[0,1)" doc:"mean cosine between features, from a direction that all of them share"`
	MaxCoherence float64 `yaml:"max_coherence" range:"[0,1]" doc:"largest |cosine| between two features; 0 leaves them as drawn"`

	Groups       int     `yaml:"groups" range:"[0,)" doc:"topics that features are divided into; each document has one, written as the label of its rows"`
	GroupShare   float64 `yaml:"group_share" range:"[0,1]" doc:"share of a row's draws that come from the features of its topic only"`
	Children     int     `yaml:"children" range:"[0,)" doc:"children of each parent feature; a child is active only together with its parent; 0 has no parents"`
	ParentCosine float64 `yaml:"parent_cosine" range:"[0,1)" doc:"cosine of a child with its parent before coherence is added; 0 leaves it as drawn"`
	DocRows      int     `yaml:"doc_rows" range:"[1,)" doc:"rows of a document"`
	Half         bool    `yaml:"half" doc:"store the rows in float16"`
}

// DefaultPlanted is a dictionary that a good autoencoder recovers.
func DefaultPlanted() Planted {
	return Planted{
		Rows: 100_000, D: 128, Latents: 512, Active: 8, Noise: 0.01,
		Counts: "fixed", Coefficients: "uniform", Dictionary: "random", GroupShare: 0.5, DocRows: 128,
	}
}

// Validate names the first setting that cannot be met, and what to do.
func (p Planted) Validate() error {
	for _, check := range []struct {
		bad bool
		msg string
	}{
		{p.Rows < 1 || p.D < 1 || p.Latents < 1 || p.Active < 1 || p.DocRows < 1,
			"rows, d, latents, active and doc_rows must be 1 or more"},
		{p.maxActive() > p.Latents, fmt.Sprintf("active %d with counts %s needs at least %d latents, there are %d", p.Active, p.Counts, p.maxActive(), p.Latents)},
		{!within(p.Noise, 0, 1e6) || !within(p.Exponent, 0, 10), "noise must be 0 or more and exponent from 0 to 10"},
		{!within(p.Coherence, 0, 0.999999) || !within(p.ParentCosine, 0, 0.999999), "coherence and parent_cosine must be at least 0 and below 1"},
		{!within(p.MaxCoherence, 0, 1) || !within(p.GroupShare, 0, 1), "max_coherence and group_share must lie between 0 and 1"},
		{p.Groups < 0 || p.Children < 0, "groups and children must be 0 or more"},
		{p.Groups > p.trees(), fmt.Sprintf("groups %d is more than the %d features or families there are", p.Groups, p.trees())},
		{p.ParentCosine > 0 && p.Children == 0, "parent_cosine needs children"},
		{p.MaxCoherence > 0 && (p.Coherence > 0 || p.ParentCosine > 0), "max_coherence cannot be kept together with coherence or parent_cosine; give one of them"},
		{p.Dictionary == "orthogonal" && p.Latents > p.freeD(), fmt.Sprintf("an orthogonal dictionary has at most %d features here (the direction of coherence takes one), latents is %d", p.freeD(), p.Latents)},
		{p.Coherence > 0 && p.D < 2, "coherence needs d of 2 or more"},
		{p.ParentCosine > 0 && p.freeD() < 2, "parent_cosine needs a larger d"},
	} {
		if check.bad {
			return fmt.Errorf("synth: %s", check.msg)
		}
	}
	return p.validateNames()
}

func (p Planted) validateNames() error {
	for _, x := range []struct {
		key, value string
		allowed    []string
	}{
		{"counts", p.Counts, []string{"fixed", "uniform"}},
		{"coefficients", p.Coefficients, []string{"uniform", "constant", "exponential", "half-normal"}},
		{"dictionary", p.Dictionary, []string{"random", "orthogonal"}},
	} {
		if !slices.Contains(x.allowed, x.value) {
			return fmt.Errorf("synth: %s is %q, want one of %s", x.key, x.value, strings.Join(x.allowed, ", "))
		}
	}
	return nil
}

// within is false for NaN.
func within(x, lo, hi float64) bool { return x >= lo && x <= hi }

// maxActive is the most features that a row may have.
func (p Planted) maxActive() int {
	if p.Counts == "uniform" {
		return 2*p.Active - 1
	}
	return p.Active
}

// freeD is the dimensions left to what features do not share.
func (p Planted) freeD() int {
	if p.Coherence > 0 {
		return p.D - 1
	}
	return p.D
}

// trees is the number of families, each a parent and its children.
func (p Planted) trees() int {
	c := max(p.Children, 0) // Validate asks before it has refused a negative number
	return (p.Latents + c) / (c + 1)
}

// parent is the parent of feature i, -1 for none: a family stands together,
// its parent first.
func (p Planted) parent(i int) int {
	if p.Children == 0 || i%(p.Children+1) == 0 {
		return -1
	}
	return i - i%(p.Children+1)
}

// group is the topic of feature i. Neighbouring families are of different
// topics, so that each topic has frequent and rare features.
func (p Planted) group(i int) int { return i / (p.Children + 1) % p.Groups }
