package circuit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/roc"
)

// Options of Run.
type Options struct {
	Settings
	Train    []int // examples to fit on; each number is tried
	Examples []int // examples of each class to score heads by; each is tried, 0 for all
	EdgeK    []int // entries of the edge list to keep; nil for ⌊H²/2⌋, the code's
	Seeds    int   // trials of each
	Seed     uint64
	Balanced bool   // fit on as many positive examples as others
	Truth    []bool // [H] the heads of the circuit, or nil
	Threads  int
}

// Run fits an autoencoder for each number of training examples and each seed,
// encodes all examples with it and scores the heads.
func Run(ctx context.Context, x *Examples, o Options) (*Report, error) {
	if err := o.check(x); err != nil {
		return nil, err
	}
	pool := kernel.NewPool(o.Threads)
	defer pool.Close()
	r := newReport(x, o)
	for i, n := range o.Train {
		tables := make([]*scoreTable, len(o.Examples))
		for k, of := range o.Examples {
			tables[k] = newScoreTable(x, o, n, of)
		}
		for trial := range o.Seeds {
			seed := o.Seed + uint64(trial)
			codes, about, err := fit(ctx, x, o, n, seed, pool)
			if err != nil {
				return nil, err
			}
			for k, of := range o.Examples {
				tables[k].add(sample(codes, of, seed), about)
			}
			if i == 0 && trial == 0 {
				r.Codes = codes
			}
		}
		for k, t := range tables {
			r.Results = append(r.Results, t.result())
			r.doubt(r.Results[len(r.Results)-1])
			if i == 0 && k == 0 {
				r.ByHead = t.ranking(x, o.Truth)
			}
		}
	}
	return r, nil
}

func (o Options) check(x *Examples) error {
	if err := o.Settings.Validate(); err != nil {
		return err
	}
	least := math.MaxInt
	for _, class := range []bool{true, false} {
		n := 0
		for _, is := range x.Positive {
			if is == class {
				n++
			}
		}
		least = min(least, n)
	}
	for _, n := range o.Train {
		if n < 1 || n > x.Len() || o.Balanced && (n+1)/2 > least {
			return fmt.Errorf("circuit: cannot fit on %d examples of %d, of which the rarer class has %d", n, x.Len(), least)
		}
	}
	for _, n := range o.Examples {
		if n < 0 || n > least {
			return fmt.Errorf("circuit: cannot score by %d examples of each class; one has %d (0 takes all)", n, least)
		}
	}
	for _, k := range o.EdgeK {
		if k < 1 || k > 2*x.Heads*x.Heads {
			return fmt.Errorf("circuit: the edge list keeps %d entries; give 1 to %d, two for each pair of %d heads", k, 2*x.Heads*x.Heads, x.Heads)
		}
	}
	if len(o.Train) == 0 || len(o.Examples) == 0 || o.Seeds < 1 {
		return fmt.Errorf("circuit: there is nothing to try: give numbers of examples and one seed or more")
	}
	return nil
}

// fitted is what is known of one fit.
type fitted struct{ mse, l1, zero float64 }

// fit draws n examples, fits on them and encodes all.
func fit(ctx context.Context, x *Examples, o Options, n int, seed uint64, pool *kernel.Pool) (Codes, fitted, error) {
	list := shuffled(x.Len(), seed, streamTrain)
	if o.Balanced {
		list = balanced(list, x.Positive, n)
	}
	rows, err := x.Vectors(slices.Sorted(slices.Values(list[:n])))
	if err != nil {
		return Codes{}, fitted{}, err
	}
	m := NewDiscrete(x.D, o.Settings, seed, pool)
	loss, err := m.Fit(ctx, rows)
	if err != nil {
		return Codes{}, fitted{}, err
	}
	codes, err := x.Encode(ctx, m)
	zero := 0
	for _, z := range codes.Zero {
		if z {
			zero++
		}
	}
	return codes, fitted{loss.MSE, loss.L1, float64(zero) / float64(max(1, len(codes.Zero)))}, err
}

// shuffled are 0 to n-1 in a random order.
func shuffled(n int, seed, stream uint64) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	key := func(i int) uint64 { return data.Bits(seed, stream, uint64(i)) }
	slices.SortFunc(list, func(a, b int) int { return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a, b)) })
	return list
}

// balanced moves half of n positive examples and as many others to the front.
func balanced(list []int, positive []bool, n int) []int {
	var front, rest []int
	left := map[bool]int{true: n / 2, false: n - n/2}
	for _, e := range list {
		if left[positive[e]] > 0 {
			left[positive[e]]--
			front = append(front, e)
		} else {
			rest = append(rest, e)
		}
	}
	return append(front, rest...)
}

// sample keeps n examples of each class, drawn at random; all for 0.
func sample(c Codes, n int, seed uint64) Codes {
	if n == 0 {
		return c
	}
	out := Codes{Heads: c.Heads, Latents: c.Latents}
	left := map[bool]int{true: n, false: n}
	for _, e := range shuffled(c.Examples(), seed, streamExamples) {
		if is := c.Positive[e]; left[is] > 0 {
			left[is]--
			out.Code = append(out.Code, c.Code[e*c.Heads:(e+1)*c.Heads]...)
			out.Positive = append(out.Positive, is)
		}
	}
	return out
}

// scoreTable collects the trials of one setting.
type scoreTable struct {
	perLayer, heads int
	truth           []bool
	edgeK           []int
	train, examples int
	names           []string
	curves          map[string][]roc.Curve
	sums            map[string][]float64 // [H] Σ of scores
	codes           []float64            // [H] Σ of distinct codes
	fits            []fitted
}

func newScoreTable(x *Examples, o Options, train, examples int) *scoreTable {
	t := &scoreTable{
		perLayer: x.PerLayer, heads: x.Heads, truth: o.Truth, edgeK: o.EdgeK, train: train, examples: examples,
		curves: map[string][]roc.Curve{}, sums: map[string][]float64{}, codes: make([]float64, x.Heads),
	}
	if t.edgeK == nil {
		t.edgeK = []int{max(1, x.Heads*x.Heads/2)}
	}
	return t
}

// add scores the heads of one trial in every way.
func (t *scoreTable) add(c Codes, about fitted) {
	t.fits = append(t.fits, about)
	raw, normalised := c.NodeScores()
	t.score("node", raw)
	t.score("node normalised", normalised)
	if t.perLayer < t.heads {
		t.score("node across layers", AcrossLayers(raw, t.perLayer))
	}
	edges, edgesNormalised := c.EdgeScores()
	for _, k := range t.edgeK {
		t.score(fmt.Sprint("edge K=", k), Participation(edges, t.heads, k))
		t.score(fmt.Sprint("edge normalised K=", k), Participation(edgesNormalised, t.heads, k))
	}
	for h := range t.heads {
		positive, negative := c.column(h)
		t.codes[h] += float64(len(distinct(append(positive, negative...))))
	}
}

func (t *scoreTable) score(name string, score []float64) {
	if t.sums[name] == nil {
		t.names = append(t.names, name)
		t.sums[name] = make([]float64, t.heads)
	}
	for h, v := range score {
		t.sums[name][h] += v
	}
	if t.truth != nil {
		t.curves[name] = append(t.curves[name], roc.OfLabels(score, t.truth))
	}
}
