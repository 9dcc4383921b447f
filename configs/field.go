package configs

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A field is one setting: its full key and where its value is kept.
type field struct {
	key, section string
	value        reflect.Value
	tag          reflect.StructTag
}

// fieldsOf lists the settings of a struct, given by pointer.
func fieldsOf(section string, ptr any) (all []field) {
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil // a variant without settings
	}
	v = v.Elem()
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		name, isSetting := sf.Tag.Lookup("yaml")
		if !isSetting || !sf.IsExported() {
			continue
		}
		key := name
		if section != "" {
			key = section + "." + name
		}
		all = append(all, field{key: key, section: section, value: v.Field(i), tag: sf.Tag})
	}
	return all
}

// kind is the type as messages write it.
func (f field) kind() string {
	switch f.value.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	default:
		return "text"
	}
}

// set takes a value from a YAML scalar.
func (f field) set(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		what := map[yaml.Kind]string{yaml.SequenceNode: "a list (lists are for saectl sweep)", yaml.MappingNode: "a section", yaml.ScalarNode: "empty"}[n.Kind]
		return fmt.Errorf("%s is %s; want %s", f.key, what, f.kind())
	}
	wrong := fmt.Errorf("%s is %q; want %s", f.key, n.Value, f.kind())
	switch tag := n.ShortTag(); f.value.Kind() {
	case reflect.Bool:
		if tag != "!!bool" || n.Decode(f.value.Addr().Interface()) != nil {
			return wrong
		}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		if !f.setWhole(n) {
			return wrong
		}
	case reflect.Float64:
		if tag != "!!int" && tag != "!!float" || n.Decode(f.value.Addr().Interface()) != nil {
			return wrong
		}
	case reflect.String:
		f.value.SetString(n.Value)
	default:
		return fmt.Errorf("%s has a type that no config can set (%s)", f.key, f.value.Type())
	}
	return f.check()
}

// setWhole takes an integer, also one that is written as 1e6.
func (f field) setWhole(n *yaml.Node) bool {
	switch n.ShortTag() {
	case "!!int":
		return n.Decode(f.value.Addr().Interface()) == nil
	case "!!float":
		x, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return false
		}
		if f.value.CanInt() {
			f.value.SetInt(int64(x))
			return true
		}
		f.value.SetUint(uint64(x))
		return x >= 0
	}
	return false
}

// check asks for the range and the choice that the tags name.
func (f field) check() error {
	if list, ok := f.tag.Lookup("oneof"); ok {
		choices := strings.Split(list, "|")
		if v := f.value.String(); !slices.Contains(choices, v) {
			return fmt.Errorf("%s is %q; want one of %s%s", f.key, v, strings.Join(choices, ", "), didYouMean(v, choices))
		}
	}
	if r, ok := f.tag.Lookup("range"); ok && !inRange(f.number(), r) {
		return fmt.Errorf("%s is %s; want %s %s", f.key, f.text(), f.kind(), rangeText(r))
	}
	return nil
}

func (f field) number() float64 {
	switch {
	case f.value.CanInt():
		return float64(f.value.Int())
	case f.value.CanUint():
		return float64(f.value.Uint())
	case f.value.CanFloat():
		return f.value.Float()
	}
	return math.NaN()
}

// bounds splits a range such as [1,) into its ends; a missing end is infinite.
func bounds(r string) (lo, hi float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	ends := strings.Split(r[1:len(r)-1], ",")
	if x, err := strconv.ParseFloat(ends[0], 64); err == nil {
		lo = x
	}
	if x, err := strconv.ParseFloat(ends[1], 64); err == nil {
		hi = x
	}
	return lo, hi
}

func inRange(x float64, r string) bool {
	lo, hi := bounds(r)
	return (x > lo || x == lo && r[0] == '[') && (x < hi || x == hi && r[len(r)-1] == ']') && !math.IsInf(x, 0)
}

func rangeText(r string) string {
	lo, hi := bounds(r)
	var parts []string
	if !math.IsInf(lo, -1) {
		parts = append(parts, map[bool]string{true: "of at least ", false: "above "}[r[0] == '[']+shortNumber(lo))
	}
	if !math.IsInf(hi, 1) {
		parts = append(parts, map[bool]string{true: "of at most ", false: "below "}[r[len(r)-1] == ']']+shortNumber(hi))
	}
	return strings.Join(parts, " and ")
}

func shortNumber(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// text is the value as YAML writes it.
func (f field) text() string {
	switch f.value.Kind() {
	case reflect.Float64:
		s := strconv.FormatFloat(f.value.Float(), 'g', -1, 64)
		if !strings.ContainsAny(s, ".") && strings.Contains(s, "e") {
			s = strings.Replace(s, "e", ".0e", 1) // YAML 1.1 readers want the point
		}
		return s
	case reflect.String:
		return quoted(f.value.String())
	}
	return fmt.Sprint(f.value.Interface())
}

// quoted is s as YAML text, in quotes only where it would read as something
// else.
func quoted(s string) string {
	b, err := yaml.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimRight(string(b), "\n")
}

// active reports whether the setting that this one needs is on.
func (f *form) active(x field) bool {
	need, ok := x.tag.Lookup("needs")
	if !ok {
		return true
	}
	y, found := f.find(strings.TrimPrefix(x.section+"."+need, "."))
	return found && !y.value.IsZero() && f.active(y)
}
