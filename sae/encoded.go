package sae

import (
	"fmt"
	"slices"
)

// Encoded is the latents of N rows: row i keeps the latents Index[e] with
// values Value[e] for e from RowPtr[i] to RowPtr[i+1]. The slices belong to
// whoever made it and hold until its next batch.
type Encoded struct {
	N, F   int
	RowPtr []int32   // [N+1]
	Index  []int32   // [n] ascending in a row
	Value  []float32 // [n]
}

// Row returns the latents and values of row i.
func (e Encoded) Row(i int) (index []int32, value []float32) {
	lo, hi := e.RowPtr[i], e.RowPtr[i+1]
	return e.Index[lo:hi], e.Value[lo:hi]
}

func (g *Graph) encoded(n int) Encoded {
	s := g.out.Codes.Support
	v := float32s(g.m.value(g.out.Codes.Values))
	return Encoded{N: n, F: g.F, RowPtr: s.RowPtr()[:n+1], Index: s.Index(), Value: v[:s.Count()]}
}

// checkWeights refuses starting values that do not fit the parameters.
func (g *Graph) checkWeights() error {
	known := map[string]bool{}
	for _, p := range g.Params {
		known[p.Name] = true
		if n := len(g.Weights[p.Name]); n != p.Len() {
			return fmt.Errorf("sae: tensor %s holds %d numbers, %v needs %d", p.Name, n, p.shape(), p.Len())
		}
	}
	for name := range g.Weights {
		if !known[name] {
			return fmt.Errorf("sae: tensor %s is not a parameter of this variant", name)
		}
	}
	return nil
}

// L0 is the mean number of values of a row that are not zero; 0 without rows.
func (e Encoded) L0() float64 {
	n := 0
	for _, v := range e.Value {
		if v != 0 {
			n++
		}
	}
	return float64(n) / float64(max(e.N, 1))
}

// A Spread is the least of some numbers, their quartiles, interpolated, and
// the largest.
type Spread [5]float64

// L0Spread is the spread over rows of the number of values that are not zero;
// zeros without rows.
func (e Encoded) L0Spread() (s Spread) {
	if e.N == 0 {
		return s
	}
	rows := make([]int, e.N)
	for i := range rows {
		_, values := e.Row(i)
		for _, v := range values {
			if v != 0 {
				rows[i]++
			}
		}
	}
	slices.Sort(rows)
	for i := range s {
		at := float64(i) / 4 * float64(e.N-1)
		lo := int(at)
		a, b := rows[lo], rows[min(lo+1, e.N-1)]
		s[i] = float64(a) + float64(b-a)*(at-float64(lo))
	}
	return s
}
