package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/saectl/saectl/sae"
)

// YAML is the settings as Parse reads them: every key that has an effect, in
// order.
func (s *Settings) YAML() []byte {
	var b strings.Builder
	f, section := s.form(), ""
	for _, x := range f.fields {
		if !f.active(x) {
			continue
		}
		if x.section != section {
			section = x.section
			fmt.Fprintf(&b, "\n%s:\n", section)
		}
		name, indent := strings.TrimPrefix(x.key, section+"."), "  "
		if section == "" {
			name, indent = x.key, ""
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, x.text())
	}
	return []byte(b.String())
}

// A Change is a setting that two runs differ in, with values as YAML.
type Change struct{ Key, Old, New string }

func (c Change) String() string { return fmt.Sprintf("%s is %s, was %s", c.Key, c.New, c.Old) }

// Diff lists the settings that differ and have an effect. A missing value is
// that of a setting only one of the two has.
func Diff(old, now *Settings) (changes []Change) {
	a, b := old.values(), now.values()
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if a[k] != b[k] {
			changes = append(changes, Change{k, missing(a[k]), missing(b[k])})
		}
	}
	return changes
}

func missing(s string) string {
	if s == "" {
		return "not set"
	}
	return s
}

func (s *Settings) values() map[string]string {
	f, all := s.form(), map[string]string{}
	for _, x := range f.fields {
		if f.active(x) {
			all[x.key] = x.text()
		}
	}
	return all
}

// A Key describes a setting, for help and completion.
type Key struct{ Name, Type, Default, Limits, Doc string }

// Keys lists every setting of every variant, sections in order.
func Keys(reg sae.Registry) (all []Key) {
	seen := map[string]bool{}
	for _, v := range slices.Sorted(maps.Keys(reg)) {
		for _, x := range newForm(v, reg).fields {
			if seen[x.key] {
				continue
			}
			seen[x.key] = true
			all = append(all, Key{x.key, x.kind(), x.text(), x.limits(), x.tag.Get("doc")})
		}
	}
	return all
}

func (f field) limits() string {
	if list := f.tag.Get("oneof"); list != "" {
		return "one of " + strings.ReplaceAll(list, "|", ", ")
	}
	if r := f.tag.Get("range"); r != "" {
		return rangeText(r)
	}
	return ""
}
