package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/saectl/saectl/sae"
)

// Layers are where settings come from, the lowest first. At most one of
// Preset, File and Base is the base; without one it is the preset of the
// variant's own name, where there is one.
type Layers struct {
	Preset string
	File   string   // a path, or the name of a preset when no such file exists
	Base   []byte   // the config.yaml of a run
	Set    []string // key=value
	Dump   string   // --dump; "" leaves it
	Out    string   // --out; "" leaves it
}

// Resolve settles the settings. Warnings are doubts that do not stop a run.
func Resolve(l Layers, reg sae.Registry) (*Settings, []string, error) {
	top, err := l.top()
	if err != nil {
		return nil, nil, err
	}
	base, isConfig, err := l.base(top)
	if err != nil {
		return nil, nil, err
	}
	variant, err := chooseVariant(base, top, reg)
	if err != nil {
		return nil, nil, err
	}
	if given, ok := base.find("variant"); ok && isConfig && given.value.Value != variant {
		base = base.without(given.value.Value) // --set variant=X drops the section of the config's own
	}
	f := newForm(variant, reg)
	if err := f.apply([]layer{base, top}, reg); err != nil {
		return nil, nil, err
	}
	return f.settings(), f.warnings(), nil
}

// Parse reads the config.yaml of a run back.
func Parse(name string, b []byte, reg sae.Registry) (*Settings, error) {
	l, err := parseYAML(name, b)
	if err != nil {
		return nil, err
	}
	variant, err := chooseVariant(l, nil, reg)
	if err != nil {
		return nil, err
	}
	f := newForm(variant, reg)
	if err := f.apply([]layer{l}, reg); err != nil {
		return nil, err
	}
	return f.settings(), nil
}

// top is the layer of the command line.
func (l Layers) top() (layer, error) {
	var all layer
	for _, s := range l.Set {
		a, err := parseSet(s)
		if err != nil {
			return nil, err
		}
		if first, twice := all.find(a.key); twice {
			return nil, fmt.Errorf("%s: %s is set twice (%s)", a.where, a.key, first.where)
		}
		all = append(all, a)
	}
	for _, x := range []struct{ key, value string }{{"dump", l.Dump}, {"out", l.Out}} {
		if x.value == "" {
			continue
		}
		if first, twice := all.find(x.key); twice {
			return nil, fmt.Errorf("%s: --%s says it too; give one of them", first.where, x.key)
		}
		all = append(all, textAssignment(x.key, x.value, "--"+x.key))
	}
	return all, nil
}

// base is the layer below the command line, and whether it was asked for by
// name rather than being a variant's own defaults.
func (l Layers) base(top layer) (base layer, isConfig bool, err error) {
	switch {
	case l.Base != nil:
		base, err = parseYAML("config.yaml", l.Base)
		return base, true, err
	case l.File != "":
		base, err = readConfig(l.File)
		return base, true, err
	case l.Preset != "":
		base, err = parsePreset(l.Preset)
		return base, true, err
	}
	name := "topk"
	if v, ok := top.find("variant"); ok {
		name = v.value.Value
	}
	if !slices.Contains(Presets(), name) {
		return nil, false, nil
	}
	base, err = parsePreset(name)
	return base, false, err
}

// readConfig reads a file, or the preset of that name when there is none.
func readConfig(path string) (layer, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if slices.Contains(Presets(), path) {
			return parsePreset(path)
		}
		return nil, fmt.Errorf("--config %s: no such file, and no preset of that name (%s)%s", path, strings.Join(Presets(), ", "), didYouMean(path, Presets()))
	}
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	if st.IsDir() || st.Size() > maxFile {
		return nil, fmt.Errorf("--config %s: a folder, or too large for a config; give a YAML file", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	return parseYAML(path, b)
}

func chooseVariant(base, top layer, reg sae.Registry) (string, error) {
	for _, l := range []layer{top, base} {
		a, ok := l.find("variant")
		if !ok {
			continue
		}
		if _, known := reg[a.value.Value]; !known {
			names := slices.Sorted(maps.Keys(reg))
			return "", a.wrap(fmt.Errorf("variant %q is unknown; there are %s%s", a.value.Value, strings.Join(names, ", "), didYouMean(a.value.Value, names)))
		}
		return a.value.Value, nil
	}
	return "topk", nil
}

// without is l but for a section.
func (l layer) without(section string) layer {
	return slices.DeleteFunc(slices.Clone(l), func(a assignment) bool { return strings.HasPrefix(a.key, section+".") })
}

// apply sets the layers in order. rows and steps say the same thing: the
// higher layer's word stands.
func (f *form) apply(layers []layer, reg sae.Registry) error {
	rank := map[string]int{}
	for i, l := range layers {
		if err := f.applyOne(l, reg); err != nil {
			return err
		}
		for _, a := range l {
			rank[a.key] = i + 1
		}
	}
	for _, l := range layers {
		for _, a := range l {
			if err := f.effective(a, rank); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *form) applyOne(l layer, reg sae.Registry) error {
	rows, hasRows := l.find("train.rows")
	steps, hasSteps := l.find("train.steps")
	if hasRows && hasSteps && steps.value.Value != "0" && rows.value.Value != "0" {
		return steps.wrap(fmt.Errorf("train.steps and train.rows (%s) say the same thing; give one of them", rows.where))
	}
	for _, a := range l {
		x, ok := f.find(a.key)
		if !ok {
			return a.wrap(f.unknown(a.key, reg))
		}
		if err := x.set(a.value); err != nil {
			return a.wrap(err)
		}
	}
	if hasRows && !hasSteps {
		f.train.Steps = 0
	}
	if hasSteps && !hasRows && f.train.Steps > 0 {
		f.train.Rows = 0
	}
	return nil
}

// unknown says why a key is none: another variant's, a section, or a slip.
func (f *form) unknown(key string, reg sae.Registry) error {
	section, _, _ := strings.Cut(key, ".")
	if _, other := reg[section]; other && section != f.top.Variant {
		return fmt.Errorf("%s is a setting of the variant %s, this run trains %s", key, section, f.top.Variant)
	}
	var keys []string
	for _, x := range f.fields {
		keys = append(keys, x.key)
		if x.section == key {
			return fmt.Errorf("%s is a section; put its keys under it, indented", key)
		}
	}
	return fmt.Errorf("%s is not a setting%s", key, didYouMean(key, keys))
}

// effective refuses a setting whose feature is off, unless a higher layer
// turned the feature off.
func (f *form) effective(a assignment, rank map[string]int) error {
	x, ok := f.find(a.key)
	if !ok || f.active(x) {
		return nil
	}
	need := strings.TrimPrefix(x.section+"."+x.tag.Get("needs"), ".")
	if rank[need] > rank[a.key] {
		return nil
	}
	off, _ := f.find(need)
	return a.wrap(fmt.Errorf("%s has no effect while %s is %s; leave it out, or set %s", a.key, need, off.text(), need))
}

func (f *form) warnings() (all []string) {
	steps := f.train.TotalSteps()
	if f.optimizer.Warmup > steps && steps > 0 {
		all = append(all, fmt.Sprintf("optimizer.warmup is %d steps, the run has %d: the rate never reaches optimizer.lr", f.optimizer.Warmup, steps))
	}
	if f.train.SaveEvery > steps && steps > 0 {
		all = append(all, fmt.Sprintf("train.save_every is %d steps, the run has %d: only its end is saved", f.train.SaveEvery, steps))
	}
	return all
}
