package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/saectl/saectl/sae"
)

// A form is settings with their fields by key, in the order of a config.
// Setting a field changes the settings.
type form struct {
	*Settings
	fields   []field
	sections []string
	given    map[string]rank // layer that set a key; 0 for none
}

// A rank is the place of a layer: the defaults are 0, a config or preset is
// above them, the command line is the highest.
type rank int

// A field is one setting: what it may be and where its value is kept.
type field struct {
	key     string // in full, such as topk.k
	section string // "" at the top
	value   reflect.Value
	limits  limits
	choices []string // of text, nil for any
	needs   []need
	doc     string
}

// A need is a condition on another setting.
type need struct {
	key    string
	values []string // one of these as YAML; nil for any but zero
}

// newForm is the form of a variant's defaults.
func newForm(variant string, reg sae.Registry) (*form, error) {
	return defaults(variant, reg).form()
}

// form reads the tags of all settings. An error is a mistake in a tag.
func (s *Settings) form() (*form, error) {
	f := &form{Settings: s, given: map[string]rank{}}
	if err := f.add("", reflect.ValueOf(s).Elem()); err != nil {
		return nil, err
	}
	return f, nil
}

// add lists the settings of a struct, and of the structs in it as sections.
func (f *form) add(section string, v reflect.Value) error {
	for _, sf := range reflect.VisibleFields(v.Type()) {
		name := sf.Tag.Get("yaml")
		switch value := v.FieldByIndex(sf.Index); {
		case section == "" && sf.Type == reflect.TypeFor[sae.Variant]():
			p := reflect.ValueOf(f.Section)
			if p.Kind() != reflect.Pointer || p.Elem().Kind() != reflect.Struct {
				return fmt.Errorf("the settings of the variant %s are a %T; want a pointer to a struct", f.Variant, f.Section)
			}
			if err := f.addSection(f.Variant, p.Elem()); err != nil {
				return err
			}
		case section == "" && sf.Type.Kind() == reflect.Struct:
			if err := f.addSection(name, value); err != nil {
				return err
			}
		case sf.IsExported() && !sf.Anonymous && name != "-":
			if err := f.addField(section, name, sf, value); err != nil {
				return fmt.Errorf("%s, field %s: %w", v.Type(), sf.Name, err)
			}
		}
	}
	return nil
}

func (f *form) addSection(name string, v reflect.Value) error {
	if name == "" {
		return fmt.Errorf("a section of settings has no name")
	}
	f.sections = append(f.sections, name)
	return f.add(name, v)
}

func (f *form) addField(section, name string, sf reflect.StructField, value reflect.Value) (err error) {
	x := field{key: join(section, name), section: section, value: value, doc: sf.Tag.Get("doc")}
	if name == "" || x.doc == "" {
		return fmt.Errorf("no tag yaml, or none doc")
	}
	if x.kind() == "" {
		return fmt.Errorf("no config can hold a %s", value.Type())
	}
	if x.limits, err = parseLimits(sf.Tag.Get("range")); err != nil {
		return err
	}
	if list := sf.Tag.Get("oneof"); list != "" {
		x.choices = strings.Split(list, "|")
	}
	if list := sf.Tag.Get("needs"); list != "" {
		if x.needs, err = f.parseNeeds(section, list); err != nil {
			return err
		}
	}
	f.fields = append(f.fields, x)
	return nil
}

// parseNeeds takes earlier keys only, so that needs cannot go round.
func (f *form) parseNeeds(section, list string) (needs []need, err error) {
	for one := range strings.SplitSeq(list, ",") {
		key, values, hasValues := strings.Cut(one, "=")
		n := need{key: join(section, key)}
		if hasValues {
			n.values = strings.Split(values, "|")
		}
		if f.find(n.key) == nil {
			return nil, fmt.Errorf("needs %s, which is no earlier key of its section", n.key)
		}
		needs = append(needs, n)
	}
	return needs, nil
}

func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

// find is the field of a key, or nil.
func (f *form) find(key string) *field {
	i := slices.IndexFunc(f.fields, func(x field) bool { return x.key == key })
	if i < 0 {
		return nil
	}
	return &f.fields[i]
}

func (f *form) keys() (keys []string) {
	for _, x := range f.fields {
		keys = append(keys, x.key)
	}
	return keys
}

// unmet is the first need of x that keeps it from having an effect, or nil.
func (f *form) unmet(x field) *need {
	for _, n := range x.needs {
		y := f.find(n.key)
		if deeper := f.unmet(*y); deeper != nil {
			return deeper
		}
		if n.values == nil && y.value.IsZero() || n.values != nil && !slices.Contains(n.values, y.text()) {
			return &n
		}
	}
	return nil
}

// active reports whether x has an effect.
func (f *form) active(x field) bool {
	switch x.key {
	case "train.rows":
		return f.Train.Steps == 0
	case "train.steps":
		return f.Train.Steps > 0
	}
	return f.unmet(x) == nil
}
