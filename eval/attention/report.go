package attention

import (
	"context"
	"fmt"

	"github.com/saectl/saectl/internal/section"
)

// A Report is the JSON of saectl heads. Shares of latents are those of Shares,
// attributions those of Attribution, in pre-activation units.
type Report struct {
	SAE         string            `json:"sae"`
	Dump        string            `json:"dump"`
	Rows        int64             `json:"rows"`
	Heads       int               `json:"heads"`
	HeadDim     int               `json:"head_dim"`
	KVHeads     int               `json:"kv_heads"`
	Latents     int               `json:"latents"`
	Live        int               `json:"live_latents"`
	Identity    *Identity         `json:"identity,omitempty"`
	ByHead      []Head            `json:"by_head"`
	Features    []Feature         `json:"features"`
	Shares      []float64         `json:"head_share"`                  // [F,H] row by row
	Output      []float64         `json:"head_share_output,omitempty"` // [F,H] through W_O
	Condition   *Condition        `json:"condition,omitempty"`
	Definitions []section.Formula `json:"definitions"`
	Warnings    []string          `json:"warnings"`
}

// An Identity is how well attributions and constants add up to the latents'
// own values, on all rows with patterns.
type Identity struct {
	Rows      int64   `json:"rows"`
	Documents int     `json:"documents"`
	Entries   int64   `json:"entries"` // active latents of those rows
	Worst     float64 `json:"worst"`   // largest |Σ DFA + const - f| of a row over its largest |f|
	WorstRow  int64   `json:"worst_row"`
	Mean      float64 `json:"mean"`
	Beyond    int64   `json:"rows_beyond_1e-4"`
	Output    float64 `json:"worst_row_of_z"` // largest ‖z - ΣA·v‖/‖z‖
}

// A Head is what one head does for the latents.
type Head struct {
	Head         int     `json:"head"`
	Main         int     `json:"main_of"`           // live latents of which it has the largest share
	MainShare    float64 `json:"main_of_share"`     // of all live latents
	OneHead      int     `json:"one_head"`          // live latents of which it has more than half
	MeanShare    float64 `json:"mean_share"`        // over live latents
	MeanOutput   float64 `json:"mean_output_share"` // through W_O, 0 without it
	Attribution  float64 `json:"attribution_share"` // of Σ|DFA| over active latents; 0 without patterns
	FromSelf     float64 `json:"from_self"`         // of the head's own Σ|DFA|, by source: the position itself,
	FromPrevious float64 `json:"from_previous"`     // the one before it
	FromFirst    float64 `json:"from_first"`        // and position 0
	Top          []int   `json:"top_latents"`       // live latents with the largest share
	TopShares    []Share `json:"top_latent_shares"`
}

// A Share is a latent's share in a head.
type Share struct {
	Latent int     `json:"latent"`
	Share  float64 `json:"share"`
}

const paper = "Kissane et al. 2024, arXiv 2406.17759"

func formulas() []section.Formula {
	return section.Formulas([][3]string{
		{"head_share", "‖d_h‖ / Σ_h' ‖d_h'‖, d_h the part of the latent's decoder row that head h wrote", paper + ", weight-based head attribution"},
		{"head_share_output", "‖d_h·W_O[h]‖ / Σ_h' ‖d_h'·W_O[h']‖", "the same in the residual stream"},
		{"dfa", "A_h(t,s)·<v_h(s), w_h>, w_h the part of the latent's encoder row that reads head h; with the constant b_enc - <b_dec,w> they add up to the latent's value", paper + ", direct feature attribution"},
		{"value_bias", "Σ_h <b_V,h, w_h>: the part of every sum of attributions that the bias of the values brings", "derived: the patterns of a head add up to 1"},
		{"from_residual", "Σ_h A_h(t,s)·g_r(s)·<d_r·W_V,h, w_h> / σ(s), pattern and layer norm frozen", "a step of recursive attribution, weighted by the patterns"},
		{"logit_weights", "Σ_h d_h·W_O[h]·W_U, without layer norm and bias", paper},
		{"specificity", "of the rows on which the latent fires, the share on which the condition holds; sensitivity: of the rows on which it holds, the share on which the latent fires", paper + ", induction feature study"},
	})
}

func (a *analysis) report(ctx context.Context) (*Report, error) {
	l := a.s.Layout
	r := &Report{
		Dump: a.s.Dump.Name(), Rows: a.s.Rows.Len(), Heads: l.Heads, HeadDim: l.HeadDim, KVHeads: l.KVHeads,
		Latents: a.s.F, Shares: a.shares, Definitions: formulas(), Warnings: []string{}, Features: []Feature{},
	}
	for _, n := range a.fired {
		if n > 0 {
			r.Live++
		}
	}
	if w := a.s.Weights; w != nil && w.WO != nil {
		r.Output = l.OutputShares(a.s.Weight("decoder.weight"), w.WO, a.s.F)
	}
	a.reportIdentity(r)
	a.reportHeads(r)
	if a.s.Condition != nil {
		r.Condition = a.condition()
	}
	chosen := a.o.Latents
	if chosen == nil {
		chosen = firstOfEach(r.ByHead)
	}
	for _, latent := range chosen {
		f, err := a.feature(ctx, latent)
		if err != nil {
			return nil, err
		}
		r.Features = append(r.Features, f)
	}
	return r, nil
}

func (a *analysis) reportIdentity(r *Report) {
	p := a.patterns
	if p == nil {
		return
	}
	if p.rows == 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s holds no document of these rows, so nothing is attributed", a.s.Patterns.Path))
		return
	}
	r.Identity = &Identity{
		Rows: p.rows, Documents: a.s.Patterns.Documents(), Entries: p.entries, Worst: p.worst, WorstRow: p.worstRow,
		Mean: p.sum / float64(p.rows), Beyond: p.beyond, Output: p.worstZ,
	}
	if p.worst > IdentityGoal {
		r.Warnings = append(r.Warnings, fmt.Sprintf("on %d of %d rows the attributions miss the latents' values by more than %g; the patterns are in float16, or of another layer or model", p.beyond, p.rows, IdentityGoal))
	}
}

func (a *analysis) reportHeads(r *Report) {
	heads := a.s.Layout.Heads
	r.ByHead = make([]Head, heads)
	live := float64(max(r.Live, 1))
	for j, n := range a.fired {
		if n == 0 {
			continue
		}
		row := a.shares[j*heads : (j+1)*heads]
		r.ByHead[MainHead(row)].Main++
		for h, v := range row {
			r.ByHead[h].MeanShare += v / live
			if v > 0.5 {
				r.ByHead[h].OneHead++
			}
			if r.Output != nil {
				r.ByHead[h].MeanOutput += r.Output[j*heads+h] / live
			}
		}
	}
	total := 0.0
	if a.patterns != nil {
		for _, h := range a.patterns.heads {
			total += h.all
		}
	}
	top := TopLatents(a.shares, heads, a.o.PerHead, func(j int) bool { return a.fired[j] > 0 })
	for h := range r.ByHead {
		x := &r.ByHead[h]
		x.Head, x.MainShare, x.Top = h, float64(x.Main)/live, top[h]
		for _, j := range top[h] {
			x.TopShares = append(x.TopShares, Share{j, a.shares[j*heads+h]})
		}
		if total > 0 && a.patterns.heads[h].all > 0 {
			s := a.patterns.heads[h]
			x.Attribution = s.all / total
			x.FromSelf, x.FromPrevious, x.FromFirst = s.self/s.all, s.previous/s.all, s.first/s.all
		}
	}
}

// firstOfEach are the latents that stand first for a head, each once.
func firstOfEach(heads []Head) []int {
	var list []int
	seen := map[int]bool{}
	for _, h := range heads {
		if len(h.Top) > 0 && !seen[h.Top[0]] {
			seen[h.Top[0]] = true
			list = append(list, h.Top[0])
		}
	}
	return list
}

// A Condition is how latents go with a condition on the rows.
type Condition struct {
	Text    string           `json:"text"`
	Rows    int64            `json:"rows"` // on which it holds
	Latents []ConditionScore `json:"latents"`
}

// A ConditionScore is a latent as a detector of the condition.
type ConditionScore struct {
	Latent      int     `json:"latent"`
	Specificity float64 `json:"specificity"` // of the rows on which it fires, the share on which the condition holds
	Sensitivity float64 `json:"sensitivity"` // of the rows on which it holds, the share on which the latent fires
	F1          float64 `json:"f1"`          // their harmonic mean
	MassShare   float64 `json:"mass_share"`  // of Σ f, the share on rows on which it holds
}
