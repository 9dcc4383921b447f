package labels

import (
	"fmt"
	"sort"

	"github.com/saectl/saectl/internal/roc"
	"github.com/saectl/saectl/internal/section"
)

// A Report is what labels and rows from elsewhere say of an autoencoder, for
// the JSON report of eval.
type Report struct {
	Pool     string    `json:"pool,omitempty"`
	Train    int       `json:"train_rows,omitempty"`
	Test     int       `json:"test_rows"`
	Probes   []Probes  `json:"probes,omitempty"`
	OOD      []OOD     `json:"ood,omitempty"`
	Ontology *Ontology `json:"ontology,omitempty"`
}

// Probes are probes on K features of the codes and of the rows: K = 0 for all.
type Probes struct {
	K            int     `json:"k"`
	Codes        Score   `json:"codes"`
	Raw          Score   `json:"raw"`
	Truncated    float64 `json:"truncated"`     // accuracy of a softmax on the K largest latents of each row
	TruncatedRaw float64 `json:"truncated_raw"` // and on the K largest values
}

// An OOD is how well scores tell the test rows from one set of others.
type OOD struct {
	Name   string     `json:"name"`
	Rows   int        `json:"rows"`
	Scores []OODScore `json:"scores"`
}

// An OODScore is one score on latents and on rows.
type OODScore struct {
	section.Formula
	Codes Detection  `json:"codes"`
	Raw   *Detection `json:"raw,omitempty"`
}

// A Detection is how well a score does, test rows as positives.
type Detection struct {
	AUROC float64 `json:"auroc"`
	FPR95 float64 `json:"fpr95"`
	AUPR  float64 `json:"aupr"`
}

// DetectionOf compares scores of test rows and of others.
func DetectionOf(id, ood []float64) Detection {
	c := roc.New(id, ood)
	return Detection{c.AUROC, c.FPR95, c.AUPR}
}

// Section is the report for people.
func (r *Report) Section() *section.Section {
	s := &section.Section{Title: "Labels"}
	rows := fmt.Sprintf("%d", r.Test)
	if r.Train > 0 {
		rows += fmt.Sprintf(", probes fitted on %d", r.Train)
	}
	s.Facts = append(s.Facts, section.Fact{Name: "rows", Value: rows})
	if r.Pool != "" {
		s.Facts = append(s.Facts, section.Fact{Name: "pooled", Value: "rows of a document, by " + r.Pool})
	}
	if r.Probes != nil {
		s.Tables = append(s.Tables, r.probeTable())
		s.Notes = append(s.Notes,
			"one against rest: mean over classes of a logistic regression (L2, C = 1, bias free) on the k features of largest |mean on the class - mean off it| (k-sparse probing, Gurnee et al. 2023); all: softmax regression on all features",
			"largest k of each row: softmax regression on codes of which only the k largest of each row are kept, in training and test (Jacquier et al., Beyond the Hard Budget)")
	}
	for i := range r.OOD {
		s.Tables = append(s.Tables, r.OOD[i].table())
	}
	if r.OOD != nil {
		s.Notes = append(s.Notes, "AUROC: half credit for ties; FPR95: share of the other rows at or above the ceil(0.05 n)-th smallest of the n test scores; AUPR: test rows positive, by steps. Statistics are of the training rows of the probes.")
		for _, x := range r.OOD[0].Scores {
			s.Notes = append(s.Notes, x.Note())
		}
	}
	if r.Ontology != nil {
		s.Tables = append(s.Tables, r.Ontology.tables()...)
		s.Notes = append(s.Notes, fmt.Sprintf("height: longest way down from the lowest node above the classes of a latent's %d rows of largest activation (tolerant: above %.0f %% of them) to a class; coverage: share of the nodes below the root at which classes meet that are such a node of some latent; depth: nodes that two rows' ways from the root share, mean over pairs, rounded (Olson et al. 2025, arXiv 2505.15970, name height and coverage, the formulas are ours; depth: Pach et al. 2025, arXiv 2504.02821); chance: as many random sets of %d rows", ontologyRows, 100*tolerant, ontologyRows))
	}
	return s
}

func (r *Report) probeTable() section.Table {
	t := section.Table{Title: "Classes read off few features", Help: "One class against the rest, means over classes, and the share of rows given their class.", Columns: []section.Column{
		{Name: "k", Kind: section.Text},
		{Name: "SAE accuracy", Kind: section.Share}, {Name: "raw accuracy", Kind: section.Share},
		{Name: "SAE AUROC", Kind: section.Number}, {Name: "raw AUROC", Kind: section.Number},
		{Name: "SAE, largest k of each row", Kind: section.Share}, {Name: "raw, largest k of each row", Kind: section.Share},
	}}
	for _, p := range r.Probes {
		k := fmt.Sprint(p.K)
		if p.K == 0 {
			t.Add("all", nil, nil, nil, nil, p.Truncated, p.TruncatedRaw)
			continue
		}
		t.Add(k, p.Codes.Accuracy, p.Raw.Accuracy, p.Codes.AUROC, p.Raw.AUROC, p.Truncated, p.TruncatedRaw)
	}
	return t
}

func (o *OOD) table() section.Table {
	t := section.Table{Title: fmt.Sprintf("Test rows against %s, %d rows", o.Name, o.Rows), Columns: []section.Column{
		{Name: "score", Kind: section.Text},
		{Name: "SAE AUROC", Kind: section.Number}, {Name: "FPR95", Kind: section.Share}, {Name: "AUPR", Kind: section.Number},
		{Name: "raw AUROC", Kind: section.Number}, {Name: "FPR95", Kind: section.Share}, {Name: "AUPR", Kind: section.Number},
	}}
	for _, s := range o.Scores {
		cells := []any{s.Name, s.Codes.AUROC, s.Codes.FPR95, s.Codes.AUPR, nil, nil, nil}
		if s.Raw != nil {
			cells[4], cells[5], cells[6] = s.Raw.AUROC, s.Raw.FPR95, s.Raw.AUPR
		}
		t.Add(cells...)
	}
	return t
}

// nodesShown is how many nodes are listed for people.
const nodesShown = 40

func (o *Ontology) tables() []section.Table {
	t := section.Table{Title: fmt.Sprintf("Hierarchy of classes: %d latents", o.Latents), Columns: []section.Column{
		{Name: "", Kind: section.Text}, {Name: "height", Kind: section.Number}, {Name: "median", Kind: section.Number},
		{Name: "tolerant", Kind: section.Number}, {Name: "coverage", Kind: section.Share}, {Name: "depth", Kind: section.Number},
	}}
	for i, f := range []OntologyFigures{o.Found, o.Chance} {
		t.Add([]string{"latents", "chance"}[i], f.Height, f.MedianHeight, f.TolerantHeight, f.Coverage, f.Depth)
	}
	heights := section.Table{Title: "Latents by height", Columns: []section.Column{{Name: "height", Kind: section.Number}, {Name: "latents", Kind: section.Number}, {Name: "chance", Kind: section.Number}}}
	for _, h := range o.Heights {
		heights.Add(h.Height, h.Found, h.Chance)
	}
	return []section.Table{t, heights, o.nodeTable()}
}

// nodeTable lists the nodes with their latents.
func (o *Ontology) nodeTable() section.Table {
	byNode := map[string][]OntologyNode{}
	for _, x := range o.Of {
		byNode[x.Tolerant] = append(byNode[x.Tolerant], x)
	}
	var names []string
	for name := range byNode {
		names = append(names, name)
	}
	sort.Slice(names, func(a, b int) bool {
		x, y := byNode[names[a]], byNode[names[b]]
		if len(x) != len(y) {
			return len(x) > len(y)
		}
		return names[a] < names[b]
	})
	t := section.Table{Title: "Nodes that latents stand for", Help: "By the tolerant rule; the most frequent nodes.", Columns: []section.Column{{Name: "node", Kind: section.Text}, {Name: "latents", Kind: section.Number}, {Name: "some of them", Kind: section.Latents}}}
	for _, name := range names[:min(nodesShown, len(names))] {
		list := ""
		for i, x := range byNode[name][:min(10, len(byNode[name]))] {
			if i > 0 {
				list += " "
			}
			list += fmt.Sprint(x.Latent)
		}
		t.Add(name, len(byNode[name]), list)
	}
	return t
}
