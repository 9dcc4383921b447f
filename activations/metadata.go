package activations

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Version of the dump format that this package writes and the newest it reads.
const Version = 1

// The metadata keys of the format.
const (
	KeyVersion       = "sae.version"
	KeyModel         = "sae.model"
	KeyHook          = "sae.hook"
	KeyDataset       = "sae.dataset"
	KeySplit         = "sae.split"
	KeyHeads         = "sae.heads"
	KeyHeadDim       = "sae.head_dim"
	KeyLossReduction = "sae.loss_reduction"
	KeyLabelNames    = "sae.label_names"
	KeyScale         = "sae.scale"
)

// Metadata is all schema metadata of a dump, known to the format or not.
type Metadata map[string]string

func knownKeys() []string {
	return []string{KeyVersion, KeyModel, KeyHook, KeyDataset, KeySplit, KeyHeads, KeyHeadDim,
		KeyLossReduction, KeyLabelNames, KeyScale}
}

// Model and Hook name where the rows come from; "" when the dump does not say.
func (m Metadata) Model() string { return m[KeyModel] }

// Hook is the TransformerLens name of the hook point.
func (m Metadata) Hook() string { return m[KeyHook] }

// Version is the format version; a dump that does not say is version 1.
func (m Metadata) Version() (int, error) {
	s, ok := m[KeyVersion]
	if !ok {
		return 1, nil
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < 1 {
		return 0, fmt.Errorf("%s is %q, want a whole number from 1 up", KeyVersion, s)
	}
	return v, nil
}

// Heads is how many heads a row concatenates and the width of each; 0, 0 when
// the dump does not say.
func (m Metadata) Heads() (heads, headDim int, err error) {
	if m[KeyHeads] == "" && m[KeyHeadDim] == "" {
		return 0, 0, nil
	}
	heads, err1 := strconv.Atoi(m[KeyHeads])
	headDim, err2 := strconv.Atoi(m[KeyHeadDim])
	if err1 != nil || err2 != nil || heads < 1 || headDim < 1 {
		return 0, 0, fmt.Errorf("%s is %q and %s is %q, want two positive whole numbers",
			KeyHeads, m[KeyHeads], KeyHeadDim, m[KeyHeadDim])
	}
	return heads, headDim, nil
}

// LossReduction is "sum", "mean" or, when the dump does not say, "".
func (m Metadata) LossReduction() (string, error) {
	s := m[KeyLossReduction]
	if s != "" && s != "sum" && s != "mean" {
		return "", fmt.Errorf("%s is %q, want sum or mean", KeyLossReduction, s)
	}
	return s, nil
}

// LabelNames are the names of labels 0, 1, ...; nil when the dump has none.
func (m Metadata) LabelNames() ([]string, error) {
	s, ok := m[KeyLabelNames]
	if !ok {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal([]byte(s), &names); err != nil {
		return nil, fmt.Errorf("%s is not a JSON list of strings: %w", KeyLabelNames, err)
	}
	return names, nil
}

// Scale is the factor that the stored activations were multiplied by; 1 when
// the dump does not say.
func (m Metadata) Scale() (float64, error) {
	s, ok := m[KeyScale]
	if !ok {
		return 1, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s is %q, want a positive number", KeyScale, s)
	}
	return v, nil
}

// Unknown lists, in order, the keys that start with "sae." and that the format
// does not name.
func (m Metadata) Unknown() []string {
	var keys []string
	for k := range m {
		if len(k) >= 4 && k[:4] == "sae." && !slices.Contains(knownKeys(), k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// sorted are the keys in order, so that what is made from a map repeats.
func (m Metadata) sorted() []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// check refuses a version from the future and values that have no meaning.
func (m Metadata) check() error {
	v, err := m.Version()
	if err != nil {
		return fmt.Errorf("%w; correct the metadata", err)
	}
	if v > Version {
		return fmt.Errorf("the dump is of format version %d, this program reads up to version %d; use a newer saectl", v, Version)
	}
	_, _, err1 := m.Heads()
	_, err2 := m.LossReduction()
	_, err3 := m.LabelNames()
	_, err4 := m.Scale()
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return fmt.Errorf("%w; correct the metadata", err)
		}
	}
	return nil
}
