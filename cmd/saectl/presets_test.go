package main

import (
	"testing"

	"github.com/saectl/saectl/configs"
)

// TestPresetsResolve asks every shipped config for a run of a variant that
// exists, and every variant for a run from its name alone.
func TestPresetsResolve(t *testing.T) {
	for _, name := range configs.Presets() {
		s, warnings, err := configs.Resolve(configs.Layers{Preset: name, Dump: "sample"}, variants())
		if err != nil || len(warnings) > 0 {
			t.Errorf("preset %s: error %v, warnings %v", name, err, warnings)
			continue
		}
		if variants()[name] != nil && s.Variant != name {
			t.Errorf("the preset %s trains %s", name, s.Variant)
		}
	}
	for name := range variants() {
		s, _, err := configs.Resolve(configs.Layers{Set: []string{"variant=" + name}, Dump: "sample"}, variants())
		if err != nil || s.Variant != name {
			t.Errorf("variant %s: error %v", name, err)
		}
	}
}
