package activations

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRows compares a set of runs with the plain list of its rows.
func TestRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var runs []Run
		var plain []int64
		for at, k := int64(0), rng.IntN(8); k > 0; k-- {
			at += rng.Int64N(4)
			run := Run{at, at + rng.Int64N(5)}
			runs = append(runs, run)
			for ; at < run.Hi; at++ {
				plain = append(plain, at)
			}
		}
		checkRows(t, MakeRows(runs...), plain)
		mixed := slices.Concat(runs, runs, []Run{{9, 3}})
		rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		checkRows(t, MakeRows(mixed...), plain)
		n := int64(len(plain))
		i := rng.Int64N(n + 1)
		j := i + rng.Int64N(n-i+1)
		checkRows(t, MakeRows(runs...).Slice(i, j), plain[i:j])
	}
	if r := AllRows(0); r.Len() != 0 || r.Contains(0) {
		t.Error("no rows hold one")
	}
}

func checkRows(t *testing.T, r Rows, plain []int64) {
	t.Helper()
	if r.Len() != int64(len(plain)) {
		t.Fatalf("%v has %d rows, want %v", r, r.Len(), plain)
	}
	var runs []int64
	last := int64(-2)
	for run := range r.Runs() {
		if run.Lo <= last || run.Lo >= run.Hi {
			t.Fatalf("run %v is empty or touches the one before", run)
		}
		for last = run.Lo; last < run.Hi; last++ {
			runs = append(runs, last)
		}
	}
	got := make([]int64, len(plain)+3)
	for from := range plain {
		n := r.Fill(got, int64(from))
		if !slices.Equal(got[:n], plain[from:]) || r.At(int64(from)) != plain[from] {
			t.Fatalf("from %d on %v and %d, want %v", from, got[:n], r.At(int64(from)), plain[from:])
		}
	}
	if !slices.Equal(runs, plain) || r.Fill(got, r.Len()) != 0 {
		t.Fatalf("runs give %v, want %v", runs, plain)
	}
	for row := range int64(40) {
		at, found := slices.BinarySearch(plain, row)
		if r.Contains(row) != found || r.below(row) != int64(at) {
			t.Fatalf("row %d: contained %v, %d below, in %v", row, r.Contains(row), r.below(row), plain)
		}
	}
}
