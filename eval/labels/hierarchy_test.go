package labels

import (
	"math"
	"strings"
	"testing"
)

const zoo = `# child parent
dog	mammal
cat	mammal
wolf	dog
mammal	animal
eel	fish
fish	animal
eel	animal food
animal food	food
food	animal
`

func zooOf(t *testing.T, classes ...string) *Hierarchy {
	t.Helper()
	h, err := ReadHierarchy(strings.NewReader(zoo), "zoo", classes)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestLowestCommonHypernym(t *testing.T) {
	h := zooOf(t, "dog", "cat", "wolf", "eel")
	for _, c := range []struct {
		classes []int
		rho     float64
		node    string
		height  int
	}{
		{[]int{1, 1, 1}, 1, "cat", 0}, // one class is its own, with height 0
		{[]int{0, 0}, 1, "dog", 1},    // a class with a class below
		{[]int{0, 2}, 1, "dog", 1},
		{[]int{1, 2}, 1, "mammal", 2},
		{[]int{0, 3}, 1, "animal", 3},
		{[]int{1, 1, 1, 1, 3}, 0.8, "cat", 0}, // a stray is forgiven
		{[]int{1, 1, 1, 3}, 0.8, "animal", 3},
	} {
		at := h.Lowest(c.classes, c.rho)
		if h.Names[at] != c.node || h.Height(at) != c.height {
			t.Errorf("classes %v: %s of height %d, want %s of %d", c.classes, h.Names[at], h.Height(at), c.node, c.height)
		}
	}
	if d := h.PairDepth([]int{2, 2, 2}); d != 4 { // animal, mammal, dog, wolf
		t.Errorf("the ways of one class share %v nodes, want its length of 4", d)
	}
	if d := h.PairDepth([]int{0, 1, 3}); math.Abs(d-(2+1+1)/3.) > 1e-12 {
		t.Errorf("dog, cat and eel share %v nodes on average", d)
	}
}

// One latent for each node at which classes meet covers all.
func TestCoverageOfAnOracle(t *testing.T) {
	h := zooOf(t, "dog", "cat", "wolf", "eel")
	var nodes []int
	for i, meets := range h.meets {
		if meets {
			nodes = append(nodes, i)
		}
	}
	if got := h.Coverage(nodes); got != 1 || len(nodes) != 3 { // animal, mammal, dog
		t.Errorf("an oracle of %d nodes covers %v", len(nodes), got)
	}
	if got := h.Coverage([]int{h.Lowest([]int{0, 1}, 1), h.root, h.Lowest([]int{3}, 1)}); got != 0.5 {
		t.Errorf("mammal alone covers %v of mammal and dog", got)
	}
}

func TestOntologyAgainstChance(t *testing.T) {
	h, err := ReadHierarchy(strings.NewReader("a x\nb x\nc y\nd y\nx all\ny all\n"), "x", []string{"a", "b", "c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSet(4, 1)
	for i := range 400 {
		class := i % 4
		// Latent 0 fires on a, 1 on a and b, 2 on all, 3 too seldom.
		var index []int32
		for f, fires := range []bool{class == 0, class < 2, true, i < 8} {
			if fires {
				index = append(index, int32(f))
			}
		}
		s.Add(index, []float32{1, 1, 1, 1}[:len(index)], []float32{1}, class, 0, 1)
	}
	o, err := NewOntology(h, s)
	if err != nil {
		t.Fatal(err)
	}
	want := []OntologyNode{{0, "a", 0, "a", 3}, {1, "x", 1, "x", 2}, {2, "all", 2, "all", 2}}
	if len(o.Of) != 3 || o.Of[0] != want[0] || o.Of[1].LCH != "x" || o.Of[2].LCH != "all" {
		t.Errorf("latents stand at %+v", o.Of)
	}
	if o.Found.Height != 1 || o.Found.Coverage != 0.5 || o.Chance.Height != 2 || o.Chance.Coverage != 0 || o.Found.Depth <= o.Chance.Depth {
		t.Errorf("found %+v, chance %+v", o.Found, o.Chance)
	}
}

func TestHierarchyRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a b\nb a\nc b": "no root", "c r\na b\nb a": "its own ancestor", "a": "line 1", "a,b,c": "line 1", "x y": "class 0",
	} {
		if _, err := ReadHierarchy(strings.NewReader(text), "file", []string{"a"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	h, err := ReadHierarchy(strings.NewReader("a,x\nb,y\n"), "file", []string{"a", "b"})
	if err != nil || h.label(h.Lowest([]int{0, 1}, 1)) != "(root)" || h.PairDepth([]int{0, 1}) != 0 {
		t.Errorf("two trees: %v", err)
	}
}
