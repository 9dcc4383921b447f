package configs

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed presets/*.yaml
var presets embed.FS

// Presets lists the names of the shipped configs, in order.
func Presets() (names []string) {
	entries, err := fs.ReadDir(presets, "presets")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Preset is the text of a shipped config.
func Preset(name string) ([]byte, error) { return presets.ReadFile("presets/" + name + ".yaml") }

func parsePreset(name string) (layer, error) {
	b, err := Preset(name)
	if err != nil {
		return nil, err
	}
	return parseYAML("preset "+name, b)
}
