package labels

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Hierarchy is a tree over the classes: of a node with several parents the
// one on the shortest way to the root counts, of equal ones the first by name.
// Where several nodes have no parent, a root without a name stands above them.
type Hierarchy struct {
	Names []string // of the nodes

	parent []int // -1 for the root
	depth  []int // 0 for the root
	height []int // longest way down to a class, 0 for one without classes below, -1 without any
	meets  []bool
	node   []int // of each class
	root   int
	bare   bool // the root is ours
}

// ReadHierarchy reads lines "child parent", the two parted by a tab, a comma or
// blanks; what follows # is left out. classes are the names of classes 0, 1, …,
// each of which must be in it. name is for messages.
func ReadHierarchy(r io.Reader, name string, classes []string) (*Hierarchy, error) {
	h, of := &Hierarchy{}, map[string]int{}
	node := func(name string) int {
		i, known := of[name]
		if !known {
			i = len(h.Names)
			of[name] = i
			h.Names = append(h.Names, name)
		}
		return i
	}
	var edges [][2]int // child, parent
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		parts := columns(text)
		if len(parts) != 2 || parts[0] == "" || parts[1] == "" {
			return nil, fmt.Errorf("%s: line %d is %q; give a child and its parent, parted by a tab or a comma", name, n, text[:min(len(text), 60)])
		}
		edges = append(edges, [2]int{node(parts[0]), node(parts[1])})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for c, class := range classes {
		i, known := of[class]
		if !known {
			return nil, fmt.Errorf("%s: class %d, %q, is in no line", name, c, class)
		}
		h.node = append(h.node, i)
	}
	if err := h.grow(edges); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	h.measure()
	return h, nil
}

// columns are the two columns of a line.
func columns(text string) []string {
	for _, mark := range []string{"\t", ","} {
		if strings.Contains(text, mark) {
			parts := strings.Split(text, mark)
			for i := range parts {
				parts[i] = strings.TrimSpace(parts[i])
			}
			return parts
		}
	}
	return strings.Fields(text)
}

// grow makes a tree of edges, level by level from the root.
func (h *Hierarchy) grow(edges [][2]int) error {
	children, hasParent := make([][]int, len(h.Names)), make([]bool, len(h.Names))
	for _, e := range edges {
		children[e[1]] = append(children[e[1]], e[0])
		hasParent[e[0]] = true
	}
	var level []int
	for i, has := range hasParent {
		if !has {
			level = append(level, i)
		}
	}
	if len(level) == 0 {
		return fmt.Errorf("every node has a parent, so that there is no root")
	}
	h.parent, h.depth = slices.Repeat([]int{-1}, len(h.Names)), slices.Repeat([]int{-1}, len(h.Names))
	h.root = level[0]
	if len(level) > 1 {
		h.root, h.bare = len(h.Names), true
		h.Names, h.parent, h.depth = append(h.Names, ""), append(h.parent, -1), append(h.depth, -1)
		children = append(children, level)
	}
	h.depth[h.root] = 0
	byName := func(a, b int) int { return strings.Compare(h.Names[a], h.Names[b]) }
	for level := []int{h.root}; len(level) > 0; {
		var next []int
		slices.SortFunc(level, byName)
		for _, p := range level {
			for _, c := range children[p] {
				if h.depth[c] < 0 {
					h.depth[c], h.parent[c] = h.depth[p]+1, p
					next = append(next, c)
				}
			}
		}
		level = next
	}
	for i, d := range h.depth {
		if d < 0 {
			return fmt.Errorf("%q is its own ancestor", h.Names[i])
		}
	}
	return nil
}

// measure finds heights, and which nodes some classes have as their lowest
// common one: those with classes under two children, and classes with others
// below.
func (h *Hierarchy) measure() {
	h.height, h.meets = slices.Repeat([]int{-1}, len(h.Names)), make([]bool, len(h.Names))
	branches := make([]map[int]bool, len(h.Names))
	for _, class := range h.node {
		h.height[class] = max(h.height[class], 0)
		for at, steps := class, 0; at != h.root; at, steps = h.parent[at], steps+1 {
			p := h.parent[at]
			h.height[p] = max(h.height[p], steps+1)
			if branches[p] == nil {
				branches[p] = map[int]bool{}
			}
			branches[p][at] = true
		}
	}
	for i, b := range branches {
		h.meets[i] = len(b) > 1 || len(b) == 1 && slices.Contains(h.node, i)
	}
}

// Lowest is the lowest node that is above, or the node of, a share rho of the
// classes given (one entry a row): 1 for the lowest common hypernym. Of nodes
// equally low the one with more rows counts, then the first.
func (h *Hierarchy) Lowest(classes []int, rho float64) int {
	count := map[int]int{}
	for _, c := range classes {
		for at := h.node[c]; at >= 0; at = h.parent[at] {
			count[at]++
		}
	}
	best := h.root
	for at, n := range count {
		if float64(n) < rho*float64(len(classes)) {
			continue
		}
		switch {
		case h.depth[at] != h.depth[best]:
			if h.depth[at] > h.depth[best] {
				best = at
			}
		case n > count[best] || n == count[best] && at < best:
			best = at
		}
	}
	return best
}

// Height is the longest way down from a node to a class, 0 for a class alone.
func (h *Hierarchy) Height(node int) int { return h.height[node] }

// PairDepth is the mean over pairs of the classes given (one entry a row) of
// the number of nodes that their ways from the root share. A root that we put
// above several does not count.
func (h *Hierarchy) PairDepth(classes []int) float64 {
	sum, pairs := 0, 0
	for i, a := range classes {
		for _, b := range classes[:i] {
			sum += h.shared(h.node[a], h.node[b])
			pairs++
		}
	}
	return float64(sum) / float64(pairs)
}

func (h *Hierarchy) shared(a, b int) int {
	for h.depth[a] > h.depth[b] {
		a = h.parent[a]
	}
	for h.depth[b] > h.depth[a] {
		b = h.parent[b]
	}
	for a != b {
		a, b = h.parent[a], h.parent[b]
	}
	if h.bare {
		return h.depth[a]
	}
	return h.depth[a] + 1
}

// Coverage is the share of the nodes below the root that some classes meet at
// which are among those given.
func (h *Hierarchy) Coverage(nodes []int) float64 {
	found, all := map[int]bool{}, 0
	for _, at := range nodes {
		if at != h.root && h.meets[at] {
			found[at] = true
		}
	}
	for at, meets := range h.meets {
		if meets && at != h.root {
			all++
		}
	}
	if all == 0 {
		return 0
	}
	return float64(len(found)) / float64(all)
}
