package attention

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// scene is a random sequence and a latent's encoder row.
func scene(l Layout, s int) (Sequence, []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	normal := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	q := Sequence{S: s, V: normal(s * l.KVHeads * l.HeadDim), Pattern: make([]float32, l.Heads*s*s)}
	for h := range l.Heads {
		for t := range s {
			sum := float32(0)
			row := q.attention(h, t)
			for i := range t + 1 {
				row[i] = r.Float32()
				sum += row[i]
			}
			for i := range row {
				row[i] /= sum
			}
		}
	}
	return q, normal(l.D())
}

func TestLayoutRefuses(t *testing.T) {
	for _, x := range [][3]int{{10, 3, 0}, {12, 4, 3}, {12, 0, 0}, {12, -1, 0}, {12, 4, -2}} {
		if _, err := NewLayout(x[0], x[1], x[2]); err == nil {
			t.Errorf("rows of %d values, %d heads, %d key-value heads are taken", x[0], x[1], x[2])
		}
	}
}

func TestPermutedHeads(t *testing.T) {
	l, err := NewLayout(12, 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, row := scene(l, 2)
	order := []int{2, 0, 3, 1}
	var permuted []float32
	for _, h := range order {
		permuted = append(permuted, l.head(row, h)...)
	}
	before, after := l.Shares(row, 1), l.Shares(permuted, 1)
	for i, h := range order {
		if math.Abs(after[i]-before[h]) > 1e-12 {
			t.Errorf("share of head %d moved to %d is %v, was %v", h, i, after[i], before[h])
		}
	}
}

// Heads that share values see them as copies of their own.
func TestGroupedQueriesAreCopies(t *testing.T) {
	grouped, _ := NewLayout(12, 4, 2)
	plain, _ := NewLayout(12, 4, 4)
	q, w := scene(grouped, 5)
	copied := Sequence{S: q.S, Pattern: q.Pattern}
	for s := range q.S {
		for h := range grouped.Heads {
			copied.V = append(copied.V, grouped.value(q, s, h)...)
		}
	}
	for at := range q.S {
		a, b := grouped.Attribute(q, w, at), plain.Attribute(copied, w, at)
		if !slices.Equal(a.Table, b.Table) || !slices.Equal(grouped.Z(q, at), plain.Z(copied, at)) {
			t.Errorf("position %d: shared values give %v, copies %v", at, a.Table, b.Table)
		}
	}
}

// A constant c on all rows, taken off the encoder's bias, changes no
// pre-activation.
func TestConstantOnRows(t *testing.T) {
	l, _ := NewLayout(6, 2, 0)
	q, w := scene(l, 3)
	c := []float32{1, -2, 0.5, 3, 0, 1}
	shift := dot(c, w)
	z := l.Z(q, 2)
	before, after := 0.0, 0.0
	for i, v := range z {
		before += v * float64(w[i])
		after += (v + float64(c[i])) * float64(w[i])
	}
	constant := Constants(w, []float32{0.25}, nil, 1)[0]
	moved := Constants(w, []float32{float32(0.25 - shift)}, nil, 1)[0]
	if math.Abs(before+constant-after-moved) > 1e-6 {
		t.Errorf("the pre-activation moved from %v to %v", before+constant, after+moved)
	}
}

func TestStrongest(t *testing.T) {
	var s strongest
	for row, v := range []float32{1, 3, 2, 3, 0.5, 9} {
		s.add(3, int64(row), v)
	}
	if want := (strongest{{5, 9}, {1, 3}, {3, 3}}); !slices.Equal(s, want) {
		t.Errorf("the strongest are %v, want %v", s, want)
	}
}

// check asks the lengths of q to fit l.
func (l Layout) check(q Sequence) error {
	if len(q.Pattern) != l.Heads*q.S*q.S || len(q.V) != q.S*l.KVHeads*l.HeadDim {
		return fmt.Errorf("attention: %d numbers of patterns and %d of values are not those of %d positions, %d heads and %d key-value heads of %d",
			len(q.Pattern), len(q.V), q.S, l.Heads, l.KVHeads, l.HeadDim)
	}
	return nil
}
