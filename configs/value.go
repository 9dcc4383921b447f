package configs

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/saectl/saectl/activations"
)

// kind is what a setting takes, in words; "" for a type that no config holds.
func (x field) kind() string {
	switch x.value.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	}
	return ""
}

// set takes a value from YAML.
func (x field) set(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.SequenceNode:
		return fmt.Errorf("%s is a list; want %s", x.key, x.kind())
	case n.Kind != yaml.ScalarNode:
		return fmt.Errorf("%s is a section of keys; want %s", x.key, x.kind())
	case n.ShortTag() == "!!null":
		return fmt.Errorf("%s has no value; want %s", x.key, x.kind())
	}
	if err := x.decode(n); err != nil {
		return err
	}
	return x.check()
}

func (x field) decode(n *yaml.Node) error {
	tag, into := n.ShortTag(), x.value.Addr().Interface()
	ok := false
	switch x.value.Kind() {
	case reflect.Bool:
		ok = tag == "!!bool" && n.Decode(into) == nil
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return x.decodeWhole(n)
	case reflect.Float64:
		ok = (tag == "!!int" || tag == "!!float") && n.Decode(into) == nil
	case reflect.String:
		ok = tag == "!!str" || x.choices != nil
		x.value.SetString(n.Value)
	}
	switch {
	case ok:
		return nil
	case x.value.Kind() == reflect.String:
		return fmt.Errorf("%s is %s; want text, in quotes where it looks like something else", x.key, shown(n))
	}
	return fmt.Errorf("%s is %s; want %s", x.key, shown(n), x.kind())
}

// decodeWhole takes integers, also those written as 1e6.
func (x field) decodeWhole(n *yaml.Node) error {
	if n.ShortTag() == "!!int" && n.Decode(x.value.Addr().Interface()) == nil {
		return nil
	}
	real, err := strconv.ParseFloat(n.Value, 64)
	if tag := n.ShortTag(); tag != "!!int" && tag != "!!float" || err != nil || real != math.Trunc(real) {
		return fmt.Errorf("%s is %s; want a whole number", x.key, shown(n))
	}
	const exact = 1 << 53
	switch i := int64(max(-exact, min(real, exact))); {
	case real < 0 && x.value.CanUint():
		return fmt.Errorf("%s is %s; it must be at least 0", x.key, shown(n))
	case math.Abs(real) > exact || x.value.CanInt() && x.value.OverflowInt(i):
		return fmt.Errorf("%s is %s, more than %d bits hold", x.key, shown(n), x.value.Type().Bits())
	case x.value.CanUint():
		x.value.SetUint(uint64(i))
	default:
		x.value.SetInt(i)
	}
	return nil
}

// check asks for the limits and choices that the tags name.
func (x field) check() error {
	if x.value.Kind() == reflect.String {
		return x.checkText(x.value.String())
	}
	v := x.number()
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%s is %v; want a number that is finite", x.key, v)
	}
	if !x.limits.hold(v) {
		return fmt.Errorf("%s is %s; it must be %s", x.key, x.text(), x.limits.text())
	}
	return nil
}

func (x field) checkText(s string) error {
	if x.choices != nil && !slices.Contains(x.choices, s) {
		return fmt.Errorf("%s is %s; it must be one of %s; the nearest is %s", x.key, strconv.Quote(cut(s)), strings.Join(x.choices, ", "), nearest(s, x.choices))
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return fmt.Errorf("%s is %s, which is not valid text (UTF-8)", x.key, strconv.Quote(cut(s)))
	}
	if x.key == "data.where" {
		if _, err := activations.ParseWhere(s); err != nil {
			return fmt.Errorf("%s: %w", x.key, err)
		}
	}
	return nil
}

// number is the value of a number, 0 of anything else.
func (x field) number() float64 {
	switch {
	case x.value.CanInt():
		return float64(x.value.Int())
	case x.value.CanUint():
		return float64(x.value.Uint())
	case x.value.CanFloat():
		return x.value.Float()
	}
	return 0
}

// text is the value as YAML.
func (x field) text() string {
	switch x.value.Kind() {
	case reflect.Float64:
		return floatText(x.value.Float())
	case reflect.String:
		return quoted(x.value.String())
	}
	return fmt.Sprint(x.value.Interface())
}

// floatText is v as YAML, with the point that readers of YAML 1.1, such as
// PyYAML, want before an exponent.
func floatText(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if strings.Contains(s, ".") {
		return s
	}
	return strings.Replace(s, "e", ".0e", 1)
}

// quoted is s as YAML, in quotes where it would read as something else. What
// Go's quotes escape, YAML's double quotes read back.
func quoted(s string) string {
	q := strconv.Quote(s)
	var doc yaml.Node
	if q[1:len(q)-1] != s || yaml.Load([]byte(s), &doc) != nil || len(doc.Content) != 1 {
		return q
	}
	if n := doc.Content[0]; n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Style == 0 && n.Value == s {
		return s
	}
	return q
}

// shown is a scalar as a message shows it: text in quotes.
func shown(n *yaml.Node) string {
	if n.ShortTag() == "!!str" {
		return strconv.Quote(cut(n.Value))
	}
	return cut(n.Value)
}

// cut keeps a message readable whatever was in the file.
func cut(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
