package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A candidate is one key of the plain twin.
type candidate struct {
	key, score float32
	row, index int
}

func compareCandidates(a, b candidate) int {
	switch {
	case a.key != b.key:
		if a.key > b.key {
			return -1
		}
		return 1
	case a.row != b.row:
		return a.row - b.row
	}
	return a.index - b.index
}

// A selection is the input of one Select.
type selection struct {
	x, w, bias []float32
	B, D, F    int
	rule       Rule
}

// plain is the twin of Select: all scores by Dot, then a full sort.
func (z selection) plain(s *set) *Support {
	var rows [][]candidate
	for b := range z.B {
		rows = append(rows, z.row(s, b))
	}
	return z.support(rows)
}

// row lists what row b may keep, the best first for TopK.
func (z selection) row(s *set, b int) (list []candidate) {
	for f := range z.F {
		if _, in := slices.BinarySearch(z.rule.Subset, int32(f)); z.rule.Subset != nil && !in {
			continue
		}
		score, boost := s.dot(z.x[b*z.D:(b+1)*z.D], z.w[f*z.D:]), float32(0)
		if z.bias != nil {
			score += z.bias[f]
		}
		if up := z.rule.Boost; up != nil {
			boost = s.dot(up.X[b*z.D:(b+1)*z.D], up.W[f*z.D:])
		}
		if key := z.rule.key(score, boost, f); key > z.rule.floor() {
			list = append(list, candidate{key, score, b, f})
		}
	}
	switch z.rule.Kind {
	case TopK:
		slices.SortFunc(list, compareCandidates)
		return list[:min(z.rule.K, len(list))]
	case GroupMax:
		return z.groups(list)
	}
	return list
}

func (z selection) groups(list []candidate) (best []candidate) {
	if z.rule.K == 0 {
		return nil
	}
	slices.SortFunc(list, compareCandidates)
	taken := map[int]bool{}
	for _, c := range list {
		if g := c.index / (z.F / z.rule.K); g < z.rule.K && !taken[g] {
			taken[g] = true
			best = append(best, c)
		}
	}
	return best
}

func (z selection) support(rows [][]candidate) *Support {
	if z.rule.Kind == BatchTopK {
		all := slices.Concat(rows...)
		slices.SortFunc(all, compareCandidates)
		rows = make([][]candidate, z.B)
		keep := z.rule.K * z.B
		if z.rule.Total > 0 && keep > 0 {
			keep = z.rule.Total
		}
		for _, c := range all[:min(keep, len(all))] {
			rows[c.row] = append(rows[c.row], c)
		}
	}
	out := &Support{RowPtr: []int32{0}}
	for _, list := range rows {
		slices.SortFunc(list, func(a, b candidate) int { return a.index - b.index })
		for _, c := range list {
			out.Index, out.Score = append(out.Index, int32(c.index)), append(out.Score, c.score)
		}
		out.RowPtr = append(out.RowPtr, int32(len(out.Index)))
	}
	return out
}

// differ names the first difference of two supports, bits of scores included.
func differ(got, want *Support) string {
	for i := range len(want.RowPtr) - 1 {
		g, w := got.Index[got.RowPtr[i]:got.RowPtr[i+1]], want.Index[want.RowPtr[i]:want.RowPtr[i+1]]
		if !slices.Equal(g, w) {
			return fmt.Sprintf("row %d keeps %d latents, want %d: %v, want %v", i, len(g), len(w), g[:min(40, len(g))], w[:min(40, len(w))])
		}
	}
	for i := range want.Index {
		if math.Float32bits(got.Score[i]) != math.Float32bits(want.Score[i]) {
			return fmt.Sprintf("entry %d, latent %d, scores %g, want %g", i, want.Index[i], got.Score[i], want.Score[i])
		}
	}
	return ""
}

func TestSelectTwin(t *testing.T) {
	pools := []*Pool{NewPool(1), NewPool(2), NewPool(3)}
	shapes := [][3]int{{1, 1, 1}, {3, 5, 7}, {7, 16, 64}, {20, 33, 130}, {2, 64, 333}, {300, 8, 70}}
	if testing.Short() {
		shapes = shapes[:4]
	}
	for _, s := range available() {
		selectors := []*Selector{NewSelector(pools[0]), NewSelector(pools[1]), NewSelector(pools[2])}
		if s.bytes != nil {
			selectors = append(selectors, NewSelector(pools[0]), NewSelector(pools[1]), NewSelector(pools[1]))
			selectors[3].always, selectors[4].always, selectors[5].always = true, true, true
			selectors[5].Fixed = true
		}
		for _, sel := range selectors {
			sel.set = s
		}
		for _, scene := range scenes {
			t.Run(s.name+"/"+scene.name, func(t *testing.T) {
				r := rand.New(rand.NewPCG(7, 8))
				for _, shape := range shapes {
					z := selection{B: shape[0], D: shape[1], F: shape[2]}
					z.x, z.w, z.bias = randomFloats(r, z.B*z.D), randomFloats(r, z.F*z.D), randomFloats(r, z.F)
					scene.make(r, &z)
					for _, z.rule = range ruleVariants(r, &z) {
						z.hold(t, s, selectors)
					}
				}
			})
		}
	}
	for _, p := range pools {
		p.Close()
	}
}

// hold runs Select with each selector and compares with the twin.
func (z selection) hold(t *testing.T, s *set, selectors []*Selector) {
	t.Helper()
	want := z.plain(s)
	for _, sel := range selectors {
		got := &Support{}
		if err := sel.Select(got, z.x, z.w, z.bias, z.B, z.D, z.F, z.rule); err != nil {
			t.Fatal(err)
		}
		if d := differ(got, want); d != "" {
			z.rule.Weight, z.rule.Boost = nil, nil
			t.Fatalf("B %d, D %d, F %d, threads %d, screened %v, %+v: %s", z.B, z.D, z.F, sel.pool.Threads(), sel.screened, z.rule, d)
		}
	}
}

func TestSelectRefuses(t *testing.T) {
	sel := NewSelector(NewPool(1))
	x, w := make([]float32, 6), make([]float32, 12)
	cases := map[string]Rule{
		"select: rule kind 9 is unknown":                                        {Kind: 9},
		"select: K is -1; it must not be negative":                              {K: -1},
		"select: subset entry 1 is latent 1; entries must ascend within [0,4)":  {K: 1, Subset: []int32{1, 1}},
		"select: weight holds 1 numbers, [4] needs 4":                           {K: 1, Weight: []float32{1}},
		"select: the weight of latent 2 is -3; it must not be negative":         {K: 1, Weight: []float32{1, 1, -3, 1}},
		"select: 5 groups of 4 latents":                                         {Kind: GroupMax, K: 5},
		"select: the boost's beta is NaN; it must not be negative":              {K: 1, Boost: &Boost{Beta: float32(math.NaN())}},
		"select: the boost's w holds 0 numbers, [4,3] needs 12":                 {K: 1, Boost: &Boost{X: x}},
		"select: groups cannot be taken of a subset":                            {Kind: GroupMax, K: 2, Subset: []int32{}},
		"select: the boost's x holds 1 numbers, [2,3] needs 6":                  {K: 1, Boost: &Boost{X: x[:1]}},
		"select: subset entry 0 is latent 7; entries must ascend within [0,4)":  {K: 1, Subset: []int32{7}},
		"select: subset entry 0 is latent -1; entries must ascend within [0,4)": {K: 1, Subset: []int32{-1}},
		"select: the weight of latent 0 is NaN; it must not be negative":        {K: 1, Weight: []float32{float32(math.NaN()), 1, 1, 1}},
		"select: the boost's beta is -1; it must not be negative":               {K: 1, Boost: &Boost{Beta: -1}},
		"select: the weight of latent 3 is -Inf; it must not be negative":       {K: 1, Weight: []float32{0, 1, 1, float32(math.Inf(-1))}},
	}
	for want, rule := range cases {
		if err := sel.Select(&Support{}, x, w, nil, 2, 3, 4, rule); err == nil || err.Error() != want {
			t.Errorf("%+v: error %v, want %s", rule, err, want)
		}
	}
	if err := sel.Select(&Support{}, x, w[:11], nil, 2, 3, 4, Rule{K: 1}); err == nil {
		t.Error("a short w is accepted")
	}
}

func TestSelectOfNothing(t *testing.T) {
	sel := NewSelector(NewPool(1))
	for _, kind := range []RuleKind{TopK, BatchTopK, Threshold, GroupMax} {
		for _, size := range [][2]int{{0, 4}, {3, 0}, {0, 0}} {
			dst := &Support{Index: []int32{7}}
			rule := Rule{Kind: kind, K: min(2, size[1])}
			if err := sel.Select(dst, make([]float32, 3*size[0]), make([]float32, 3*size[1]), nil, size[0], 3, size[1], rule); err != nil {
				t.Fatal(err)
			}
			if len(dst.RowPtr) != size[0]+1 || len(dst.Index) != 0 {
				t.Errorf("rule %d, B %d, F %d: rows %v, latents %v", kind, size[0], size[1], dst.RowPtr, dst.Index)
			}
		}
	}
}

func TestSelectAllocatesOnce(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	r := rand.New(rand.NewPCG(1, 9))
	x, w := randomFloats(r, 300*16), randomFloats(r, 1200*16)
	for _, kind := range []RuleKind{TopK, BatchTopK, Threshold, GroupMax} {
		for _, always := range []bool{false, true} {
			sel, dst := NewSelector(pool), &Support{}
			sel.always = always
			run := func() {
				if err := sel.Select(dst, x, w, nil, 300, 16, 1200, Rule{Kind: kind, K: 5, Threshold: 9}); err != nil {
					t.Fatal(err)
				}
			}
			run()
			if n := testing.AllocsPerRun(3, run); n > 0 {
				t.Errorf("rule %d, screened %v: a call allocates %g times", kind, sel.screened, n)
			}
		}
	}
}

func TestKthLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for _, s := range available() {
		for n := 1; n < 80; n++ {
			for range 20 {
				b := ranking{set: s}
				for range n {
					b.add((float32(r.IntN(1+r.IntN(2*n))) - 3) * 0x1p-130)
				}
				sorted := slices.Sorted(slices.Values(b.x))
				k := 1 + r.IntN(n)
				if got := b.kth(k); got != sorted[n-k] {
					t.Fatalf("%s: number %d of %v is %g, want %g", s.name, k, sorted, got, sorted[n-k])
				}
			}
		}
	}
}

// Items hold every row once, and no more rows than there is room for.
func TestDeal(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 7} {
		for _, tile := range []int{1, 3, 4, 12} {
			for _, rows := range []int{1, 2, 11, 12, 13, 192, 193, 384, 385, 1024, 4099} {
				p := pass{rows: rows}
				most, last := p.deal(tile, threads, itemRows), 0
				if most > itemRows {
					t.Fatalf("%d rows in tiles of %d for %d threads: an item has %d", rows, tile, threads, most)
				}
				for item := range p.items {
					lo, hi := p.begins(item), p.begins(item+1)
					if lo != last || hi <= lo || hi-lo > most || lo%tile != 0 {
						t.Fatalf("%d rows in tiles of %d for %d threads: item %d is [%d,%d), at most %d rows", rows, tile, threads, item, lo, hi, most)
					}
					last = hi
				}
				if last != rows {
					t.Fatalf("%d rows in tiles of %d for %d threads: the items end at %d", rows, tile, threads, last)
				}
			}
		}
	}
}
