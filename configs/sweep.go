package configs

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/saectl/saectl/sae"
)

// A Point is one setting of a sweep.
type Point struct {
	Values   []Value // of the keys that are swept and that its variant has, in the order of the sweep
	Settings *Settings
	Warnings []string
}

// A Value is a key with what a point sets it to, as YAML.
type Value struct{ Key, Text string }

// maxPoints is far above any sweep that one machine trains; more is a mistake
// in a list.
const maxPoints = 10_000

// An axis is a key that takes several values.
type axis struct {
	key    string
	values []assignment
	where  string
}

// Sweep settles the settings of every point of a grid: of lists in place of
// values in the config file, and of key=a,b,c in grid, which stands above the
// file. A value that holds a comma is written as a list, key=[a,b]. The last
// key varies fastest.
//
// Where the variant is swept, a key of one of its values counts for that
// variant alone. Points that come out equal are one.
func Sweep(l Layers, grid []string, reg sae.Registry) ([]Point, error) {
	top, err := l.top()
	if err != nil {
		return nil, err
	}
	src, err := l.source()
	if err != nil {
		return nil, err
	}
	axes, err := sweptKeys(top, src, grid)
	if err != nil {
		return nil, err
	}
	swept, err := sweptVariants(append(axes, listsOf(src.layer)...), reg)
	if err != nil {
		return nil, err
	}
	src.list = slices.DeleteFunc(slices.Clone(src.list), func(a assignment) bool { // the lists that make way
		return a.isList() && !slices.ContainsFunc(axes, func(x axis) bool { return x.where == a.where && x.key == a.key })
	})
	s := sweep{top: top, src: src, axes: axes, variants: swept, reg: reg}
	return s.points()
}

// sweptKeys are the axes of the file, but for those that the command line
// sets, and then those of the grid.
func sweptKeys(top layer, src source, grid []string) (axes []axis, err error) {
	over, err := parseGrid(grid)
	if err != nil {
		return nil, err
	}
	for _, a := range over {
		if b, set := top.find(a.key); set {
			return nil, fmt.Errorf("%s: %s is given by %s too; remove one of them", a.where, plain(a.key), b.where)
		}
	}
	for _, x := range listsOf(src.layer) {
		_, set := top.find(x.key)
		if !set && !slices.ContainsFunc(over, func(b axis) bool { return x.key == b.key }) {
			axes = append(axes, x)
		}
	}
	axes = append(axes, over...)
	return axes, checkAxes(axes)
}

// listsOf are the keys of a file that have lists.
func listsOf(l layer) (axes []axis) {
	for _, a := range l.list {
		if !a.isList() {
			continue
		}
		axes = append(axes, axisOf(a.key, a.where, a.value))
	}
	return axes
}

// axisOf is a key that takes the values of a list.
func axisOf(key, where string, list *yaml.Node) axis {
	x := axis{key: key, where: where}
	for _, v := range list.Content {
		x.values = append(x.values, assignment{key: key, value: v, where: where})
	}
	return x
}

// isList reports whether the value is a list, which is a swept key's.
func (a assignment) isList() bool { return a.value != nil && a.value.Kind == yaml.SequenceNode }

func checkAxes(axes []axis) error {
	points := 1
	for _, x := range axes {
		switch {
		case x.key == "dump" || x.key == "out":
			return fmt.Errorf("%s: %s cannot be swept; a sweep is over one dump, into one folder", x.where, x.key)
		case len(x.values) == 0:
			return fmt.Errorf("%s: %s has no values; give some, such as %s=1,2", x.where, plain(x.key), plain(x.key))
		}
		if points *= len(x.values); points > maxPoints {
			return fmt.Errorf("%s: the sweep has over %d points; give fewer values", x.where, maxPoints)
		}
	}
	return nil
}

// parseGrid reads key=a,b,c and key=[a,b].
func parseGrid(grid []string) (axes []axis, err error) {
	for _, s := range grid {
		key, text, ok := strings.Cut(s, "=")
		x := axis{key: key, where: "--grid"}
		switch {
		case !ok || key == "" || text == "":
			return nil, fmt.Errorf("--grid: %q is not key=value,value, such as topk.k=16,32", cut(s))
		case slices.ContainsFunc(axes, func(a axis) bool { return a.key == key }):
			return nil, fmt.Errorf("--grid: %s is given twice", plain(key))
		case strings.HasPrefix(text, "["):
			var doc yaml.Node
			if yaml.Load([]byte(text), &doc) != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.SequenceNode {
				return nil, fmt.Errorf("--grid: %q is no list, such as [a,b]", cut(text))
			}
			x = axisOf(key, x.where, doc.Content[0])
		default:
			for v := range strings.SplitSeq(text, ",") {
				if v == "" {
					return nil, fmt.Errorf("--grid: %q has an empty value; remove a comma", cut(s))
				}
				x.values = append(x.values, assignment{key: key, text: v, where: x.where})
			}
		}
		axes = append(axes, x)
	}
	return axes, nil
}

// sweep is what Sweep goes over.
type sweep struct {
	top  layer
	src  source
	axes []axis
	reg  sae.Registry

	variants map[string]bool // that the sweep names
}

func (s *sweep) points() (all []Point, err error) {
	at := make([]int, len(s.axes))
	seen := map[string]bool{}
	for more := true; more; more = s.advance(at) {
		p, err := s.point(at)
		if err != nil {
			return nil, err
		}
		if key := string(p.Settings.YAML()); !seen[key] {
			seen[key], all = true, append(all, p)
		}
	}
	return all, nil
}

// advance moves to the next point, and is false after the last.
func (s *sweep) advance(at []int) bool {
	for i := len(at) - 1; i >= 0; i-- {
		if at[i]++; at[i] < len(s.axes[i].values) {
			return true
		}
		at[i] = 0
	}
	return false
}

// point resolves one choice of values.
func (s *sweep) point(at []int) (p Point, err error) {
	top, src := layer{list: slices.Clone(s.top.list)}, s.src
	src.list = slices.Clone(src.list)
	for i, x := range s.axes {
		a := x.values[at[i]]
		if j := slices.IndexFunc(src.list, func(b assignment) bool { return b.key == x.key }); j >= 0 && x.where == src.list[j].where {
			src.list[j] = a
		} else {
			top.list = append(top.list, a)
		}
	}
	variant, err := chooseVariant(s.reg, top, src.layer)
	if err != nil {
		return p, err
	}
	top.list = slices.DeleteFunc(top.list, s.others(variant))
	src.list = slices.DeleteFunc(src.list, s.others(variant))
	below, err := src.under(variant, s.reg)
	if err != nil {
		return p, err
	}
	if p.Settings, p.Warnings, err = resolve(append(below, top), variant, s.reg); err == nil {
		p.Values = s.values(p.Settings)
	}
	return p, err
}

// sweptVariants are the variants that axes name.
func sweptVariants(axes []axis, reg sae.Registry) (map[string]bool, error) {
	swept := map[string]bool{}
	for _, x := range axes {
		if x.key != "variant" {
			continue
		}
		for _, a := range x.values {
			name, err := chooseVariant(reg, layer{list: []assignment{a}})
			if err != nil {
				return nil, err
			}
			swept[name] = true
		}
	}
	return swept, nil
}

// others tells the keys of the variants that the sweep has beside this one.
func (s *sweep) others(variant string) func(assignment) bool {
	return func(a assignment) bool {
		section, _, _ := strings.Cut(a.key, ".")
		return section != variant && s.variants[section]
	}
}

// values are the settings of the swept keys that have an effect.
func (s *sweep) values(c *Settings) (values []Value) {
	active := c.active()
	for _, x := range s.axes {
		if y := fieldOf(active, x.key); y != nil {
			values = append(values, Value{x.key, y.text()})
		}
	}
	return values
}
