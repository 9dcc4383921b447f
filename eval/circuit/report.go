package circuit

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/saectl/saectl/internal/roc"
	"github.com/saectl/saectl/internal/section"
)

// A Report is the JSON of saectl circuit.
type Report struct {
	Dump        string            `json:"dump"`
	Examples    int               `json:"examples"`
	Positive    int               `json:"positive"`
	Heads       int               `json:"heads"`
	PerLayer    int               `json:"heads_per_layer"`
	D           int               `json:"d"`
	Settings    Settings          `json:"settings"`
	Seeds       int               `json:"seeds"`
	Seed        uint64            `json:"seed"`
	Truth       []string          `json:"truth,omitempty"` // layer.head
	Results     []Result          `json:"results"`
	ByHead      []Head            `json:"by_head"` // of the first result, the likeliest first
	Definitions []section.Formula `json:"definitions"`
	Warnings    []string          `json:"warnings"`

	Codes Codes `json:"-"` // of the first trial
}

// A Result is one number of training examples and one of examples to score by.
type Result struct {
	Train    int     `json:"train"`
	Examples int     `json:"examples_per_class"` // 0 for all
	MSE      Stat    `json:"mse"`                // of the fit, on its own rows
	L1       Stat    `json:"l1"`
	Zero     Stat    `json:"all_zero_share"` // of heads on examples, without any latent
	Scores   []Score `json:"scores"`
}

// A Score is how well one way of ranking heads finds the circuit.
type Score struct {
	Name     string    `json:"name"`
	AUROC    Stat      `json:"roc_auc"`
	PR       Stat      `json:"pr_auc"`
	F1       Stat      `json:"true_f1_max"`
	Harmonic Stat      `json:"harmonic_tpr_tnr_max"`
	Each     []float64 `json:"roc_auc_of_each_seed"`
}

// A Stat is a mean over seeds and its standard deviation, with the number of
// seeds as divisor.
type Stat struct {
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`
}

// A Head is what the trials said of one head.
type Head struct {
	Layer   int                `json:"layer"`
	Head    int                `json:"head"`
	Circuit *bool              `json:"in_circuit,omitempty"`
	Codes   float64            `json:"codes"`  // mean number of distinct codes
	Scores  map[string]float64 `json:"scores"` // means over seeds
}

const paper = "O'Neill and Bui 2024, arXiv 2405.12522"

func formulas() []section.Formula {
	return section.Formulas([][3]string{
		{"code", "the latent that fires most on what a head wrote; ties and rows without any: 0", paper},
		{"node", "|P \\ N|, the codes of a head on positive examples that no negative example has; it grows with the variety of a head's codes", paper},
		{"node normalised", "|P \\ N| / |P ∪ N|", paper + ", ablation"},
		{"node across layers", "softmax of |P \\ N| over layers, for each place of a head in its layer apart", "the paper's code"},
		{"edge K", "how often a head is among the first K that the pairs of heads name, the pairs ranked by the pairs of codes that only positive examples have; normalised: divided by the pairs of codes on positive plus those on negative examples", paper + "; it ranks heads, not edges"},
		{"pr_auc", "Σ (change of recall)·precision over distinct thresholds", "average precision of scikit-learn"},
		{"true_f1_max", "most over thresholds of 2PR/(P + R); harmonic_tpr_tnr_max: of 2·TPR·TNR/(TPR + TNR), which the paper's code calls F1", paper},
	})
}

func newReport(x *Examples, o Options) *Report {
	r := &Report{
		Dump: x.dump.Name(), Examples: x.Len(), Heads: x.Heads, PerLayer: x.PerLayer, D: x.D,
		Settings: o.Settings, Seeds: o.Seeds, Seed: o.Seed, Definitions: formulas(), Warnings: []string{},
	}
	for _, is := range x.Positive {
		if is {
			r.Positive++
		}
	}
	for h, is := range o.Truth {
		if is {
			layer, head := x.place(h)
			r.Truth = append(r.Truth, fmt.Sprintf("%d.%d", layer, head))
		}
	}
	return r
}

// doubt warns of a fit that says little.
func (r *Report) doubt(x Result) {
	if x.Zero.Mean > 0.25 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("fitted on %d examples, no latent fires on %.0f %% of what heads wrote, and all of that has code 0: lambda %g is large beside the mean square of these rows", x.Train, 100*x.Zero.Mean, r.Settings.Lambda))
	}
}

func statOf(values []float64) (s Stat) {
	for _, v := range values {
		s.Mean += v / float64(len(values))
	}
	for _, v := range values {
		s.SD += (v - s.Mean) * (v - s.Mean) / float64(len(values))
	}
	s.SD = math.Sqrt(s.SD)
	return s
}

func (t *scoreTable) result() Result {
	over := func(of func(f fitted) float64) Stat {
		var values []float64
		for _, f := range t.fits {
			values = append(values, of(f))
		}
		return statOf(values)
	}
	r := Result{
		Train: t.train, Examples: t.examples, Scores: []Score{},
		MSE: over(func(f fitted) float64 { return f.mse }), L1: over(func(f fitted) float64 { return f.l1 }), Zero: over(func(f fitted) float64 { return f.zero }),
	}
	for _, name := range t.names {
		curves := t.curves[name]
		if curves == nil {
			continue
		}
		of := func(figure func(c roc.Curve) float64) (Stat, []float64) {
			var values []float64
			for _, c := range curves {
				values = append(values, figure(c))
			}
			return statOf(values), values
		}
		s := Score{Name: name}
		s.AUROC, s.Each = of(func(c roc.Curve) float64 { return c.AUROC })
		s.PR, _ = of(func(c roc.Curve) float64 { return c.AUPR })
		s.F1, _ = of(func(c roc.Curve) float64 { return c.F1 })
		s.Harmonic, _ = of(func(c roc.Curve) float64 { return c.Harmonic })
		r.Scores = append(r.Scores, s)
	}
	return r
}

// ranking lists the heads by their mean normalised node score, ties by the raw
// one and then by place.
func (t *scoreTable) ranking(x *Examples, truth []bool) []Head {
	n := float64(len(t.fits))
	list := make([]Head, t.heads)
	for h := range list {
		layer, head := x.place(h)
		list[h] = Head{Layer: layer, Head: head, Codes: t.codes[h] / n, Scores: map[string]float64{}}
		if truth != nil {
			list[h].Circuit = &truth[h]
		}
		for _, name := range t.names {
			list[h].Scores[name] = t.sums[name][h] / n
		}
	}
	slices.SortStableFunc(list, func(a, b Head) int {
		return cmp.Or(cmp.Compare(b.Scores["node normalised"], a.Scores["node normalised"]), cmp.Compare(b.Scores["node"], a.Scores["node"]))
	})
	return list
}

// Section is the report for people.
func (r *Report) Section() *section.Section {
	s := &section.Section{Title: "Circuit in " + r.Dump}
	fact := func(name, format string, args ...any) {
		s.Facts = append(s.Facts, section.Fact{Name: name, Value: fmt.Sprintf(format, args...)})
	}
	fact("examples", "%d, of which %d positive", r.Examples, r.Positive)
	fact("heads", "%d in %d layers, of %d values", r.Heads, r.Heads/r.PerLayer, r.D)
	fact("autoencoder", "%d latents, lambda %g, decoder at norm 1 by %s, %d steps on all training rows, lr %g", r.Settings.Latents, r.Settings.Lambda, r.Settings.Axis, r.Settings.Steps, r.Settings.Rate)
	fact("seeds", "%d, from %d", r.Seeds, r.Seed)
	if r.Truth != nil {
		fact("circuit", "%s", strings.Join(r.Truth, " "))
	}
	for _, result := range r.Results {
		s.Tables = append(s.Tables, result.table(r.Seeds))
	}
	s.Tables = append(s.Tables, r.headTable())
	for _, w := range r.Warnings {
		s.Notes = append(s.Notes, "warning: "+w)
	}
	for _, f := range r.Definitions {
		s.Notes = append(s.Notes, f.Note())
	}
	return s
}

func (r Result) table(seeds int) section.Table {
	of := "all examples"
	if r.Examples > 0 {
		of = fmt.Sprintf("%d examples of each class", r.Examples)
	}
	t := section.Table{
		Title: fmt.Sprintf("Fitted on %d examples, scored by %s: MSE %.3g, %.3g latents' sum, no latent on %.3g %% of heads", r.Train, of, r.MSE.Mean, r.L1.Mean, 100*r.Zero.Mean),
		Help:  fmt.Sprintf("Means over %d seeds and their standard deviations.", seeds),
		Columns: []section.Column{
			{Name: "ranking", Kind: section.Text}, {Name: "ROC-AUC", Kind: section.Number}, {Name: "sd", Kind: section.Number},
			{Name: "PR-AUC", Kind: section.Number}, {Name: "sd", Kind: section.Number}, {Name: "F1 max", Kind: section.Number}, {Name: "TPR-TNR max", Kind: section.Number},
		},
	}
	for _, s := range r.Scores {
		t.Add(s.Name, s.AUROC.Mean, s.AUROC.SD, s.PR.Mean, s.PR.SD, s.F1.Mean, s.Harmonic.Mean)
	}
	return t
}

// headRows is how many heads are listed for people.
const headRows = 40

func (r *Report) headTable() section.Table {
	t := section.Table{Title: fmt.Sprintf("The %d likeliest heads, by node normalised", min(headRows, len(r.ByHead))), Columns: []section.Column{
		{Name: "layer.head", Kind: section.Text}, {Name: "node normalised", Kind: section.Number}, {Name: "node", Kind: section.Number},
		{Name: "codes", Help: "Distinct codes on all examples", Kind: section.Number},
	}}
	if r.Truth != nil {
		t.Columns = append(t.Columns, section.Column{Name: "in the circuit", Kind: section.Text})
	}
	for _, h := range r.ByHead[:min(headRows, len(r.ByHead))] {
		cells := []any{fmt.Sprintf("%d.%d", h.Layer, h.Head), h.Scores["node normalised"], h.Scores["node"], h.Codes}
		if h.Circuit != nil {
			cells = append(cells, map[bool]string{true: "yes", false: ""}[*h.Circuit])
		}
		t.Add(cells...)
	}
	return t
}
