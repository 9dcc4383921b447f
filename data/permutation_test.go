package data

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// seen fails the test unless p visits every row once.
func seen(t interface{ Fatalf(string, ...any) }, p permutation, n int64) {
	hit := make([]bool, n)
	for i := range n {
		row := p.at(i)
		if row < 0 || row >= n || hit[row] {
			t.Fatalf("n %d: place %d is row %d, out of range or seen before", n, i, row)
		}
		hit[row] = true
	}
}

func TestPermutationIsOneToOne(t *testing.T) {
	for n := int64(1); n <= 5000; n++ {
		seen(t, newPermutation(n, 3, 0), n)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 20000).Draw(t, "n")
		seen(t, newPermutation(n, rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "epoch")), n)
	})
}

// Large permutations cannot be walked; their network can be undone.
func TestPermutationLarge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(5000, 1<<40).Draw(t, "n")
		p := newPermutation(n, rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "epoch"))
		if p.a*p.b < p.n || p.a*p.b-p.n >= p.a {
			t.Fatalf("n %d: %d x %d pairs", n, p.a, p.b)
		}
		for range 50 {
			i := rapid.Int64Range(0, n-1).Draw(t, "place")
			row := p.at(i)
			if row < 0 || row >= n {
				t.Fatalf("n %d: place %d is row %d", n, i, row)
			}
			if back := p.undo(uint64(row)); back != uint64(i) {
				t.Fatalf("n %d: place %d is row %d, whose place is %d", n, i, row, back)
			}
		}
	})
}

// undo is the place of a row.
func (p *permutation) undo(row uint64) uint64 {
	for {
		l, r := row/p.b, row%p.b
		for i := permutationRounds - 2; i >= 0; i -= 2 {
			r = (r + p.b - addMod(0, mix(l^p.keys[i+1]), p.b)) % p.b
			l = (l + p.a - addMod(0, mix(r^p.keys[i]), p.a)) % p.a
		}
		if row = l*p.b + r; row < p.n {
			return row
		}
	}
}

// All orders of a few rows come up equally often over seeds and epochs.
func TestPermutationSmallIsUniform(t *testing.T) {
	for _, n := range []int64{2, 3, 4, 5} {
		count := map[[5]int64]int{}
		const draws = 60000
		for s := range uint64(draws) {
			var order [5]int64
			p := newPermutation(n, s%100, s/100)
			for i := range n {
				order[i] = p.at(i)
			}
			count[order]++
		}
		orders := 1
		for i := 2; i <= int(n); i++ {
			orders *= i
		}
		want, chi2 := float64(draws)/float64(orders), 0.0
		for _, c := range count {
			chi2 += (float64(c) - want) * (float64(c) - want) / want
		}
		chi2 += float64(orders-len(count)) * want
		df := float64(orders - 1)
		if limit := df + 5*math.Sqrt(2*df); len(count) != orders || chi2 > limit {
			t.Errorf("n %d: %d of %d orders, chi-square %.1f above %.1f", n, len(count), orders, chi2, limit)
		}
	}
}

// Rows that are neighbours in the dump, or at any other fixed distance, are as
// far apart in the permutation as any two rows.
func TestPermutationParts(t *testing.T) {
	const n = 100_003
	p := newPermutation(n, 11, 2)
	for _, lag := range []int64{1, 2, 64, 316, 317, 4096, 50_000} {
		var near int
		var sum float64
		for i := range int64(n) - lag {
			gap := p.at(i+lag) - p.at(i)
			sum += math.Abs(float64(gap))
			if gap >= -100 && gap <= 100 {
				near++
			}
		}
		m := float64(n - lag)
		// |difference| of two uniform rows: mean n/3, standard deviation n/sqrt(18).
		if z := (sum/m - n/3.0) / (n / math.Sqrt(18*m)); math.Abs(z) > 6 {
			t.Errorf("lag %d: mean distance %.0f is %.1f standard errors from n/3", lag, sum/m, z)
		}
		want := m * 200 / n
		if math.Abs(float64(near)-want) > 6*math.Sqrt(want) {
			t.Errorf("lag %d: %d pairs stay within 100 rows, want about %.0f", lag, near, want)
		}
	}
}

// The share of rows of the first tenth that land in each tenth.
func TestPermutationMixesEverywhere(t *testing.T) {
	const n, parts = 200_000, 10
	for epoch := range uint64(3) {
		p := newPermutation(n, 0, epoch)
		var count [parts][parts]int
		for i := range int64(n) {
			count[i*parts/n][p.at(i)*parts/n]++
		}
		for i := range count {
			for j, c := range count[i] {
				want := float64(n) / parts / parts
				if math.Abs(float64(c)-want) > 5*math.Sqrt(want) {
					t.Errorf("epoch %d: %d rows of tenth %d land in tenth %d, want about %.0f", epoch, c, i, j, want)
				}
			}
		}
	}
}

// Two epochs, and two seeds, share no more places than chance gives them.
func TestPermutationDiffersByEpochAndSeed(t *testing.T) {
	const n = 50_000
	base := newPermutation(n, 5, 0)
	for name, other := range map[string]permutation{"epoch 1": newPermutation(n, 5, 1), "seed 6": newPermutation(n, 6, 0)} {
		same := 0
		for i := range int64(n) {
			if base.at(i) == other.at(i) {
				same++
			}
		}
		if same > 10 { // Poisson with mean 1
			t.Errorf("%s: %d of %d rows stay at their place", name, same, n)
		}
	}
}

func BenchmarkPermutation(b *testing.B) {
	p := newPermutation(100_000_000, 1, 1)
	var sum int64
	for i := range b.N {
		sum += p.at(int64(i % 100_000_000))
	}
	_ = sum
}
