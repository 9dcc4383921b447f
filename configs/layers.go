package configs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/saectl/saectl/sae"
)

// top is the layer of the command line.
func (l Layers) top() (top layer, err error) {
	for _, s := range l.Set {
		a, err := parseSet(s)
		if err != nil {
			return top, err
		}
		if _, twice := top.find(a.key); twice {
			return top, a.wrap(fmt.Errorf("%s is given twice", plain(a.key)))
		}
		top.list = append(top.list, a)
	}
	for _, a := range []assignment{{key: "dump", text: l.Dump, where: "--dump"}, {key: "out", text: l.Out, where: "--out"}} {
		if a.text == "" {
			continue
		}
		if b, twice := top.find(a.key); twice && b.text != a.text {
			return top, a.wrap(fmt.Errorf("--set %s=%s says something else; give one of them", a.key, b.text))
		} else if !twice {
			top.list = append(top.list, a)
		}
	}
	return top, nil
}

// NamesDump reports whether the command line names a dump. Where it does not,
// and no config is given either, a run starts from the preset sample.
func (l Layers) NamesDump() bool {
	return l.Dump != "" || slices.ContainsFunc(l.Set, func(s string) bool { return strings.HasPrefix(s, "dump=") })
}

// A source is what lies below the command line.
type source struct {
	layer
	preset string // its name, "" for a file
	none   bool   // nothing was named
}

func (l Layers) source() (s source, err error) {
	switch {
	case l.Base != nil:
		s.layer, err = parseYAML("config.yaml of the run", l.Base)
		s.shipped = true // by the run, not typed for this one
		return s, err
	case l.File != "":
		return readConfig(l.File)
	case l.Preset != "":
		return presetSource(l.Preset)
	}
	return source{none: true}, nil
}

func presetSource(name string) (source, error) {
	l, err := parsePreset(name)
	return source{layer: l, preset: name}, err
}

// readConfig reads a file, or the preset of that name when there is none. A
// folder of that name, such as that of a variant's source, does not count.
func readConfig(path string) (s source, err error) {
	st, err := os.Stat(path)
	isPreset := slices.Contains(Presets(), path)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case isPreset && (missing || err == nil && st.IsDir()):
		return presetSource(path)
	case missing:
		return s, fmt.Errorf("--config %s: there is no such file, and no preset of that name (%s); the nearest is %s", path, strings.Join(Presets(), ", "), nearest(path, Presets()))
	case err != nil:
		return s, fmt.Errorf("--config: %w", err)
	case st.IsDir():
		return s, fmt.Errorf("--config %s: that is a folder; give a YAML file or a preset (%s)", path, strings.Join(Presets(), ", "))
	}
	file, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("--config: %w", err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return s, fmt.Errorf("--config: %w", err)
	}
	s.layer, err = parseYAML(path, b)
	return s, err
}

// under gives the layers below the command line of a run with this variant.
//
// Settings in the sections of other variants are dropped when the command line
// chose another variant than the source, but not unread. A preset then makes
// way: to its namesake for the variant, such as sample-batchtopk, or else, key
// by key, to the variant's own preset.
func (s source) under(variant string, reg sae.Registry) ([]layer, error) {
	if s.none {
		return presetLayers(variant)
	}
	own, err := chooseVariant(reg, s.layer)
	if err != nil || own == variant {
		return []layer{s.layer}, err
	}
	if s.preset == "" {
		l, err := s.without(variant, reg)
		return []layer{l}, err
	}
	if namesake, err := presetLayers(s.preset + "-" + variant); namesake != nil || err != nil {
		return namesake, err
	}
	l, err := s.without(variant, reg)
	if err != nil {
		return nil, err
	}
	over, err := presetLayers(variant)
	return append([]layer{l}, over...), err
}

// without drops the sections of other variants, after a look at each key.
func (l layer) without(variant string, reg sae.Registry) (layer, error) {
	kept := layer{shipped: l.shipped}
	others := map[string]*form{}
	for _, a := range l.list {
		section, _, inside := strings.Cut(a.key, ".")
		if _, isVariant := reg[section]; !isVariant || section == variant {
			kept.list = append(kept.list, a)
			continue
		}
		if others[section] == nil {
			f, err := newForm(section, reg)
			if err != nil {
				return kept, err
			}
			others[section] = f
		}
		if !inside && a.isSection() {
			continue
		}
		if err := others[section].apply(layer{list: []assignment{a}}, 1, reg); err != nil {
			return kept, err
		}
	}
	return kept, nil
}
