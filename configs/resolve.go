package configs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/saectl/saectl/sae"
)

// defaultVariant is trained when nothing names another.
const defaultVariant = "topk"

// Layers are where settings come from, the lowest first. Of Base, File and
// Preset the first that is given counts; without any, a run starts from the
// preset of its variant's name, where there is one.
type Layers struct {
	Preset string   // such as sample, when neither a config nor a dump is named
	File   string   // path of a YAML file, or a preset's name where no such file exists
	Base   []byte   // config.yaml of the run that is resumed
	Set    []string // key=value each
	Dump   string   // the flag, "" for none
	Out    string
}

// Resolve settles the settings of a run. Warnings are doubts that do not stop
// it. An error names the key, where it stands (file:line, or the flag) and what
// would be right.
func Resolve(l Layers, reg sae.Registry) (*Settings, []string, error) {
	top, err := l.top()
	if err != nil {
		return nil, nil, err
	}
	src, err := l.source()
	if err != nil {
		return nil, nil, err
	}
	variant, err := chooseVariant(reg, top, src.layer)
	if err != nil {
		return nil, nil, err
	}
	below, err := src.under(variant, reg)
	if err != nil {
		return nil, nil, err
	}
	return resolve(append(below, top), variant, reg)
}

// Parse reads a config by itself, such as the config.yaml of a run: what YAML
// wrote gives the same settings again. Name stands in its errors.
func Parse(name string, b []byte, reg sae.Registry) (*Settings, error) {
	l, err := parseYAML(name, b)
	if err != nil {
		return nil, err
	}
	variant, err := chooseVariant(reg, l)
	if err != nil {
		return nil, err
	}
	s, _, err := resolve([]layer{l}, variant, reg)
	return s, err
}

func resolve(layers []layer, variant string, reg sae.Registry) (*Settings, []string, error) {
	f, err := newForm(variant, reg)
	if err != nil {
		return nil, nil, err
	}
	for i, l := range layers {
		if err := f.apply(l, rank(i+1), reg); err != nil {
			return nil, nil, err
		}
	}
	for _, l := range layers {
		if err := f.refuseIdle(l); err != nil {
			return nil, nil, err
		}
	}
	return f.Settings, f.warnings(layers), f.resetIdle(reg)
}

// chooseVariant is the variant that the first of the layers that names one
// names.
func chooseVariant(reg sae.Registry, layers ...layer) (string, error) {
	name := defaultVariant
	x := &field{key: "variant", value: reflect.ValueOf(&name).Elem(), choices: slices.Sorted(maps.Keys(reg))}
	for _, l := range layers {
		if a, ok := l.find(x.key); ok {
			err := x.set(a.node(x))
			return name, a.wrap(err)
		}
	}
	return name, x.check()
}

// apply sets the keys of a layer.
func (f *form) apply(l layer, r rank, reg sae.Registry) error {
	for _, a := range l.list {
		if a.isSection() && slices.Contains(f.sections, a.key) {
			continue
		}
		x := f.find(a.key)
		if x == nil {
			return a.wrap(f.unknown(a, reg))
		}
		if err := x.set(a.node(x)); err != nil {
			return a.wrap(err)
		}
		f.given[a.key] = r
	}
	return f.settleLength(l, r)
}

// settleLength lets the length that a layer gives, in rows or in steps, stand
// for that of lower layers. 0 gives none.
func (f *form) settleLength(l layer, r rank) error {
	rows := f.given["train.rows"] == r && f.Train.Rows > 0
	steps := f.given["train.steps"] == r && f.Train.Steps > 0
	switch {
	case rows && steps:
		a, _ := l.find("train.steps")
		b, _ := l.find("train.rows")
		return a.wrap(fmt.Errorf("train.steps and train.rows (%s) both give the length of the run; remove one of them", b.where))
	case rows:
		f.Train.Steps = 0
	case steps:
		f.Train.Rows = 0
	}
	return nil
}

// unknown says why an assignment has no field.
func (f *form) unknown(a assignment, reg sae.Registry) error {
	section, _, _ := strings.Cut(a.key, ".")
	valid := f.keys()
	if a.isSection() && !strings.Contains(a.key, ".") {
		valid = f.sections
	}
	near := nearest(a.key, valid)
	switch _, isVariant := reg[section]; {
	case isVariant && section != f.Variant && a.key == section:
		return fmt.Errorf("%s holds settings of the variant %s, and this run's variant is %s; the nearest valid name is %s", a.key, section, f.Variant, f.Variant)
	case isVariant && section != f.Variant:
		return fmt.Errorf("%s is a setting of the variant %s, and this run's variant is %s; the nearest valid name is %s", plain(a.key), section, f.Variant, near)
	case slices.Contains(f.sections, a.key):
		return fmt.Errorf("%s is a section; give one of its keys, such as %s", a.key, f.firstOf(a.key))
	}
	return fmt.Errorf("unknown key %s; the nearest valid name is %s", plain(a.key), near)
}

// firstOf is the first key of a section, or the section itself if it is empty.
func (f *form) firstOf(section string) string {
	for _, x := range f.fields {
		if x.section == section {
			return x.key
		}
	}
	return section
}
