package configs

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile is far above any config; a larger file is something else.
const maxFile = 1 << 20

// An assignment is one key with its value and where it stands.
type assignment struct {
	key   string
	value *yaml.Node
	where string
}

func (a assignment) wrap(err error) error { return fmt.Errorf("%s: %w", a.where, err) }

// A layer is the assignments of one source, all of one rank.
type layer []assignment

func (l layer) find(key string) (assignment, bool) {
	for _, a := range l {
		if a.key == key {
			return a, true
		}
	}
	return assignment{}, false
}

// parseYAML reads sections of keys. Positions are name:line.
func parseYAML(name string, b []byte) (layer, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: %d bytes are too many for a config (at most %d)", name, len(b), maxFile)
	}
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil // nothing but comments
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a config is one document; remove what follows ---", name)
	}
	root := &doc
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		root = doc.Content[0]
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: want keys and sections, such as 'variant: topk'", name, root.Line)
	}
	return flatten(name, "", root)
}

// flatten lists the keys of a mapping, one section deep.
func flatten(name, section string, m *yaml.Node) (all layer, err error) {
	seen := map[string]int{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		where := fmt.Sprintf("%s:%d", name, k.Line)
		if k.Kind != yaml.ScalarNode || v.Kind == yaml.AliasNode || v.Anchor != "" {
			return nil, fmt.Errorf("%s: write each key and value out; anchors and aliases are not read", where)
		}
		if line, twice := seen[k.Value]; twice {
			return nil, fmt.Errorf("%s: %s%s is given twice, first in line %d", where, section, k.Value, line)
		}
		seen[k.Value] = k.Line
		if v.Kind == yaml.MappingNode && section == "" {
			inner, err := flatten(name, k.Value+".", v)
			if err != nil {
				return nil, err
			}
			all = append(all, inner...)
			continue
		}
		all = append(all, assignment{section + k.Value, v, where})
	}
	return all, nil
}

// parseSet reads key=value as typed on the command line.
func parseSet(s string) (assignment, error) {
	key, text, ok := strings.Cut(s, "=")
	where := "--set " + s
	if !ok || key == "" {
		return assignment{}, fmt.Errorf("%s: want key=value, such as topk.k=16", where)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) != 1 {
		return textAssignment(key, text, where), nil // such as data.where=pos>0, or nothing
	}
	n := doc.Content[0]
	if n.Kind != yaml.ScalarNode && n.Kind != yaml.SequenceNode || n.ShortTag() == "!!null" {
		return textAssignment(key, text, where), nil
	}
	return assignment{key, n, where}, nil
}

// textAssignment is a value that is text whatever it looks like.
func textAssignment(key, text, where string) assignment {
	return assignment{key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, where}
}
