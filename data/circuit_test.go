package data

import (
	"testing"

	"github.com/saectl/saectl/activations"
)

// Positive and negative twins write the same but for the heads of the circuit.
func TestCircuitTwins(t *testing.T) {
	c := DefaultCircuit()
	c.Examples, c.Noise = 20, 0
	g, err := NewCircuitGenerator(c)
	if err != nil {
		t.Fatal(err)
	}
	heads, count := len(g.planted), 0
	for _, is := range g.planted {
		if is {
			count++
		}
	}
	if count != c.Planted || g.Rows() != int64(2*20*heads) {
		t.Fatalf("%d planted heads, %d rows", count, g.Rows())
	}
	var positive, negative activations.Batch
	for _, row := range []int64{-1, g.Rows()} {
		if err := g.Read(&positive, []int64{row}, 0); err == nil {
			t.Errorf("row %d is made", row)
		}
	}
	for row := range int64(20 * heads) {
		if err := g.Read(&positive, []int64{row}, 0); err != nil {
			t.Fatal(err)
		}
		if err := g.Read(&negative, []int64{row + int64(20*heads)}, 0); err != nil {
			t.Fatal(err)
		}
		same := true
		for j, v := range positive.X {
			same = same && v == negative.X[j]
		}
		if head := int(row) % heads; same == g.planted[head] || positive.Label[0] != 1 || negative.Label[0] != 0 || int(positive.Pos[0]) != head {
			t.Fatalf("row %d: head %d, in the circuit %v, writes the same on both: %v", row, head, g.planted[head], same)
		}
	}
}

func TestCircuitRefusals(t *testing.T) {
	for name, change := range map[string]func(c *Circuit){
		"all planted": func(c *Circuit) { c.Planted = 64 }, "no share": func(c *Circuit) { c.Share = 0 }, "no heads": func(c *Circuit) { c.Heads = 0 },
		"huge": func(c *Circuit) { c.D, c.Base = 65536, 65536 }, "noise": func(c *Circuit) { c.Noise = -1 },
	} {
		c := DefaultCircuit()
		change(&c)
		if _, err := NewCircuitGenerator(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
