package configs

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed presets/*.yaml
var presets embed.FS

// Presets lists the names of the shipped configs, in order.
func Presets() (names []string) {
	files, _ := fs.Glob(presets, "presets/*.yaml") // only a bad pattern is an error
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, "presets/"), ".yaml"))
	}
	return names
}

// Preset is the text of a shipped config.
func Preset(name string) ([]byte, error) { return presets.ReadFile("presets/" + name + ".yaml") }

func parsePreset(name string) (layer, error) {
	b, err := Preset(name)
	if err != nil {
		return layer{}, err
	}
	l, err := parseYAML("preset "+name, b)
	l.shipped = true
	return l, err
}

// presetLayers is the preset as a layer, none when it is not shipped.
func presetLayers(name string) ([]layer, error) {
	if !slices.Contains(Presets(), name) {
		return nil, nil
	}
	l, err := parsePreset(name)
	return []layer{l}, err
}
