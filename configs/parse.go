package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile is far above any config; a larger file is something else.
const maxFile = 1 << 20

// An assignment is one key with its value and where it stands. A section is
// an assignment of its own, before those of its keys.
type assignment struct {
	key   string
	value *yaml.Node // nil on the command line
	text  string     // there, the value as typed
	where string     // file:line, or the flag
}

func (a assignment) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", a.where, err)
}

// isSection reports whether the value is one that a section has.
func (a assignment) isSection() bool {
	return a.value != nil && (a.value.Kind == yaml.MappingNode || a.value.Kind == yaml.ScalarNode && a.value.ShortTag() == "!!null")
}

// A layer is the assignments of one source, in order.
type layer struct {
	list    []assignment
	shipped bool // a preset, so nobody typed it for this run
}

func (l layer) find(key string) (assignment, bool) {
	for _, a := range l.list {
		if a.key == key {
			return a, true
		}
	}
	return assignment{}, false
}

// parseYAML reads keys and sections of keys. It expands no alias, and what it
// allocates is bounded by the size of b.
func parseYAML(name string, b []byte) (l layer, err error) {
	if len(b) > maxFile {
		return l, fmt.Errorf("%s: over 1 MB, too large for a config", name)
	}
	loader, err := yaml.NewLoader(bytes.NewReader(b))
	if err != nil {
		return l, err
	}
	var doc yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		return l, nil // nothing but comments
	} else if err != nil {
		return l, syntaxError(name, err)
	}
	var more yaml.Node
	if err := loader.Load(&more); err == nil {
		return l, fmt.Errorf("%s:%d: a config is one document; remove what follows the ---", name, more.Line)
	} else if !errors.Is(err, io.EOF) {
		return l, syntaxError(name, err)
	}
	switch root := doc.Content[0]; {
	case root.Kind == yaml.MappingNode:
		l.list, err = flatten(name, "", root)
	case root.Kind != yaml.ScalarNode || root.ShortTag() != "!!null":
		err = fmt.Errorf("%s:%d: want keys with values, such as variant: topk", name, root.Line)
	}
	return l, err
}

// syntaxError puts an error of the YAML reader into this package's words.
func syntaxError(name string, err error) error {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: no valid YAML: %w", name, err)
	}
	place, context := name, ""
	if e.Mark.Line > 0 {
		place = fmt.Sprintf("%s:%d", name, e.Mark.Line)
	}
	if e.ContextMsg != "" {
		context = fmt.Sprintf(" (%s that begins in line %d)", e.ContextMsg, e.ContextMark.Line)
	}
	return fmt.Errorf("%s: no valid YAML: %s%s", place, e.Message, context)
}

// flatten lists the keys of a mapping, one section deep.
func flatten(name, section string, m *yaml.Node) (all []assignment, err error) {
	first := map[string]int{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		a := assignment{key: join(section, k.Value), value: v, where: fmt.Sprintf("%s:%d", name, k.Line)}
		if k.Kind == yaml.AliasNode || k.Anchor != "" || v.Kind == yaml.AliasNode || v.Anchor != "" {
			return nil, a.wrap(errors.New("anchors and aliases are not read; write the value out"))
		}
		if k.Kind != yaml.ScalarNode {
			return nil, a.wrap(errors.New("a key is a name, not a list or a section"))
		}
		if line, twice := first[k.Value]; twice {
			return nil, a.wrap(fmt.Errorf("%s is given twice, first in line %d", plain(a.key), line))
		}
		first[k.Value] = k.Line
		if above, below, dotted := strings.Cut(k.Value, "."); dotted && section == "" {
			return nil, a.wrap(fmt.Errorf("%s: in a file a key stands in its section; write %s below %s", plain(k.Value), plain(below), plain(above+":")))
		}
		all = append(all, a)
		if section != "" || v.Kind != yaml.MappingNode {
			continue
		}
		inner, err := flatten(name, k.Value, v)
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	return all, nil
}

// parseSet reads key=value as typed on the command line.
func parseSet(s string) (assignment, error) {
	key, text, ok := strings.Cut(s, "=")
	a := assignment{key: key, text: text, where: "--set"}
	if !ok || key == "" {
		return a, a.wrap(fmt.Errorf("%s is not key=value, such as topk.k=16", strconv.Quote(cut(s))))
	}
	return a, nil
}

// node is the value for a field. On the command line text is text, whatever
// it looks like.
func (a assignment) node(x *field) *yaml.Node {
	if a.value != nil {
		return a.value
	}
	text := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: a.text}
	if x.kind() == "text" {
		return text
	}
	if a.text == "" {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	var doc yaml.Node
	if len(a.text) > maxFile || yaml.Load([]byte(a.text), &doc) != nil || len(doc.Content) != 1 || doc.Content[0].Kind == yaml.AliasNode {
		return text
	}
	return doc.Content[0]
}

// plain is a name as a message shows it, in quotes when it has odd characters.
func plain(key string) string {
	odd := func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '\\'
	}
	if key == "" || len(key) > 60 || strings.ContainsFunc(key, odd) {
		return strconv.Quote(cut(key))
	}
	return key
}
