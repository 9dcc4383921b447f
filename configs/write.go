package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/saectl/saectl/sae"
)

// YAML is the settings as Parse reads them: every key that has an effect, each
// below what it means. Equal settings give equal bytes.
func (s *Settings) YAML() []byte {
	var b strings.Builder
	section, indent := "", ""
	for _, x := range s.active() {
		if x.section != section {
			section, indent = x.section, "  "
			fmt.Fprintf(&b, "\n%s:\n", section)
		}
		fmt.Fprintf(&b, "%s# %s\n%s%s: %s\n", indent, x.comment(), indent, leaf(x.key), x.text())
	}
	return []byte(b.String())
}

// active lists the fields that have an effect. Settings that Resolve did not
// make may be malformed, and have none.
func (s *Settings) active() []field {
	f, err := s.form()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.fields), func(x field) bool { return !f.active(x) })
}

func (x field) comment() string {
	if x.choices != nil {
		return fmt.Sprintf("%s [%s]", x.doc, strings.Join(x.choices, "|"))
	}
	return x.doc
}

// SectionLine is the variant's own settings that are on, on one line.
func (s *Settings) SectionLine() string {
	var parts []string
	for _, x := range s.active() {
		if x.section == s.Variant && !x.value.IsZero() {
			parts = append(parts, leaf(x.key)+" "+x.text())
		}
	}
	return strings.Join(parts, ", ")
}

// A Change is a setting that two runs differ in, with values as YAML.
type Change struct{ Key, Old, New string }

func (c Change) String() string { return fmt.Sprintf("%s is %s, was %s", c.Key, c.New, c.Old) }

// Diff lists the settings that differ, in the order of a config. A setting
// that has an effect in one only is "not set" in the other. Variants that
// differ are one change, not one for each of their settings.
func Diff(old, now *Settings) (changes []Change) {
	a, b := old.active(), now.active()
	for _, x := range a {
		y := fieldOf(b, x.key)
		switch {
		case y == nil && (x.section != old.Variant || old.Variant == now.Variant):
			changes = append(changes, Change{x.key, x.text(), "not set"})
		case y != nil && x.text() != y.text():
			changes = append(changes, Change{x.key, x.text(), y.text()})
		}
	}
	for _, y := range b {
		if fieldOf(a, y.key) == nil && (y.section != now.Variant || old.Variant == now.Variant) {
			changes = append(changes, Change{y.key, "not set", y.text()})
		}
	}
	return changes
}

func fieldOf(fields []field, key string) *field {
	f := form{fields: fields}
	return f.find(key)
}

// A Key describes a setting, for help and completion.
type Key struct {
	Name    string   // such as topk.k
	Type    string   // in words
	Default string   // as YAML, before any preset
	Limits  string   // in words, "" for none
	Choices []string // of text, nil for any
	Needs   string   // keys without which it has no effect, "" for none
	Doc     string
}

// Keys lists every setting of every variant, in the order of a config and by
// variant. A variant whose tags are malformed is left out; Resolve says why.
func Keys(reg sae.Registry) (all []Key) {
	variants := slices.Sorted(maps.Keys(reg))
	for i, v := range variants {
		f, err := newForm(v, reg)
		if err != nil {
			continue
		}
		for _, x := range f.fields {
			if i > 0 && x.section != v {
				continue
			}
			k := x.describe()
			if x.key == "variant" {
				k.Default, k.Choices = defaultVariant, variants
			}
			all = append(all, k)
		}
	}
	return all
}

func (x field) describe() Key {
	var needs []string
	for _, n := range x.needs {
		if n.values != nil {
			n.key += "=" + strings.Join(n.values, "|")
		}
		needs = append(needs, n.key)
	}
	return Key{
		Name: x.key, Type: x.kind(), Default: x.text(), Limits: x.limits.text(), Choices: x.choices,
		Needs: strings.Join(needs, ","), Doc: x.doc,
	}
}
