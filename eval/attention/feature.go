package attention

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/activations"
)

// A Feature is a latent as the heads make it.
type Feature struct {
	Latent      int           `json:"latent"`
	Fired       int64         `json:"fired"`
	MainHead    int           `json:"main_head"`
	Shares      []float64     `json:"head_share"`            // [H]
	Attribution []float64     `json:"attribution,omitempty"` // [H] mean over the rows on which it fires
	Constant    *float64      `json:"constant,omitempty"`    // what no head writes
	ValueBias   *float64      `json:"value_bias,omitempty"`
	Examples    []Example     `json:"examples"`
	LogitsUp    []LogitWeight `json:"logits_up,omitempty"`
	LogitsDown  []LogitWeight `json:"logits_down,omitempty"`
}

// A LogitWeight is how far a latent raises a token.
type LogitWeight struct {
	Token  int     `json:"token_id"`
	Weight float64 `json:"weight"`
}

// An Example is a row on which a latent is strong, with where that comes
// from.
type Example struct {
	Row      int64     `json:"row"`
	Doc      *int64    `json:"doc,omitempty"`
	Pos      *int32    `json:"pos,omitempty"`
	Value    float32   `json:"value"`
	Tokens   []string  `json:"tokens,omitempty"`    // up to and with the row's own
	ByHead   []float64 `json:"by_head,omitempty"`   // [H]
	BySource []float64 `json:"by_source,omitempty"` // [t+1]
	Source   *int      `json:"source,omitempty"`    // position with the largest
	Window   []string  `json:"window,omitempty"`    // tokens around the source, five on each side
	WindowAt int       `json:"window_at"`           // the source's place among them
	Residual []Cause   `json:"residual,omitempty"`  // latents of the residual stream at the source
}

// A Cause is a latent of the residual stream and what it brings.
type Cause struct {
	Latent      int     `json:"latent"`
	Activation  float32 `json:"activation"`
	Attribution float64 `json:"attribution"`
}

const (
	windowTokens = 5
	logitTokens  = 20
	causes       = 10
)

func (a *analysis) feature(ctx context.Context, latent int) (Feature, error) {
	heads := a.s.Layout.Heads
	f := Feature{Latent: latent, Fired: a.fired[latent], Shares: a.shares[latent*heads : (latent+1)*heads], Examples: []Example{}}
	f.MainHead = MainHead(f.Shares)
	if p := a.patterns; p != nil && p.fired[latent] > 0 {
		f.Constant = &a.constant[latent]
		for h := range heads {
			f.Attribution = append(f.Attribution, p.byLatent[latent*heads+h]/float64(p.fired[latent]))
		}
	}
	if w := a.s.Weights; w != nil {
		a.weights(&f, w)
	}
	through := a.through(latent)
	for _, m := range a.top[latent] {
		if err := ctx.Err(); err != nil {
			return f, err
		}
		e, err := a.example(latent, m, through)
		if err != nil {
			return f, err
		}
		f.Examples = append(f.Examples, e)
	}
	return f, nil
}

// weights fills in what the model's weights say.
func (a *analysis) weights(f *Feature, w *Weights) {
	l, d := a.s.Layout, a.s.Layout.D()
	if w.BV != nil && a.encoder != nil {
		bias := l.ValueBias(a.encoder[f.Latent*d:(f.Latent+1)*d], w.BV, 1)[0]
		f.ValueBias = &bias
	}
	if w.WU == nil {
		return
	}
	logits := l.LogitWeights(a.s.Weight("decoder.weight")[f.Latent*d:(f.Latent+1)*d], w.WO, w.WU)
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(logits[y], logits[x]) })
	for i := range min(logitTokens, len(order)) {
		up, down := order[i], order[len(order)-1-i]
		f.LogitsUp = append(f.LogitsUp, LogitWeight{up, logits[up]})
		f.LogitsDown = append(f.LogitsDown, LogitWeight{down, logits[down]})
	}
}

// through is Layout.Through of a latent with examples to explain by latents of
// the residual stream, else nil.
func (a *analysis) through(latent int) []float64 {
	res, l := a.s.Residual, a.s.Layout
	if res == nil || a.patterns == nil || len(a.top[latent]) == 0 {
		return nil
	}
	w := a.encoder[latent*l.D() : (latent+1)*l.D()]
	return l.Through(Residual{Latents: res.F, Decoder: res.Weight("decoder.weight")}, a.s.Weights.WV, w)
}

// example reads a row again and says where the latent's activation on it comes
// from; through is that of the latent.
func (a *analysis) example(latent int, m mark, through []float64) (e Example, err error) {
	e = Example{Row: m.row, Value: m.value}
	var b activations.Batch
	if err := a.s.Dump.Read(&b, []int64{m.row}, a.s.columns()); err != nil {
		return e, err
	}
	if b.Doc != nil {
		e.Doc = &b.Doc[0]
	}
	if b.Pos != nil {
		e.Pos = &b.Pos[0]
	}
	back := int64(0) // rows of the document before this one
	if e.Doc != nil && e.Pos != nil {
		back = min(int64(*e.Pos), m.row)
	}
	if a.s.Dump.HasToken() {
		if e.Tokens, err = a.s.Dump.Tokens(rowsBetween(m.row-back, m.row)); err != nil {
			return e, err
		}
	}
	if a.patterns == nil {
		return e, nil
	}
	return e, a.sources(&e, latent, b.X, through)
}

// sources fills in the attribution of an example of row z.
func (a *analysis) sources(e *Example, latent int, z []float32, through []float64) error {
	l, t := a.s.Layout, int(*e.Pos)
	q, ok, err := a.s.Patterns.Sequence(*e.Doc)
	if err != nil || !ok {
		return err
	}
	w := a.encoder[latent*l.D() : (latent+1)*l.D()]
	from := l.Attribute(q, w, t)
	_, c := a.s.Scale.Affine(z)
	from.scale(c)
	e.ByHead, e.BySource = from.ByHead(), from.BySource()[:t+1]
	s := largest(e.BySource)
	e.Source = &s
	if len(e.Tokens) == t+1 {
		lo, hi := max(0, s-windowTokens), min(t, s+windowTokens)
		e.Window, e.WindowAt = e.Tokens[lo:hi+1], s-lo
	}
	if a.s.Residual == nil {
		return nil
	}
	return a.causes(e, q, through, c)
}

// causes splits what the example's source brings by the latents of the
// residual stream there, whose codes are of the row times a factor of its own.
func (a *analysis) causes(e *Example, q Sequence, through []float64, c float64) error {
	res, s := a.s.Residual, *e.Source
	row := e.Row - int64(int(*e.Pos)-s)
	var b activations.Batch
	if err := res.Dump.Read(&b, []int64{row}, activations.DocPos); err != nil {
		return err
	}
	if b.Doc == nil || b.Pos == nil || b.Doc[0] != *e.Doc || int(b.Pos[0]) != s {
		return fmt.Errorf("%s: row %d is not position %d of document %d; the dump of the residual stream must have the rows of %s, in their order", res.Dump.Name(), row, s, *e.Doc, a.s.Dump.Name())
	}
	codes, err := res.Encode(&b)
	if err != nil {
		return err
	}
	index, value := codes.Row(0)
	split := a.s.Layout.FromResidual(q, through, int(*e.Pos), s, index, value, a.s.Patterns.lnScale(*e.Doc, s))
	_, factor := res.Scale.Affine(b.X)
	for i, r := range index {
		e.Residual = append(e.Residual, Cause{int(r), value[i], split[i] * c / factor})
	}
	slices.SortStableFunc(e.Residual, func(x, y Cause) int { return cmp.Compare(math.Abs(y.Attribution), math.Abs(x.Attribution)) })
	e.Residual = e.Residual[:min(causes, len(e.Residual))]
	return nil
}

func rowsBetween(lo, hi int64) []int64 {
	var rows []int64
	for r := lo; r <= hi; r++ {
		rows = append(rows, r)
	}
	return rows
}

// conditionLatents are how many latents are listed of a condition.
const conditionLatents = 20

// condition ranks the latents as detectors of the condition.
func (a *analysis) condition() *Condition {
	c := &Condition{Text: a.s.ConditionText, Rows: a.held, Latents: []ConditionScore{}}
	for j, n := range a.fired {
		if a.truly[j] == 0 {
			continue
		}
		x := ConditionScore{Latent: j, Specificity: float64(a.truly[j]) / float64(n), Sensitivity: float64(a.truly[j]) / float64(a.held)}
		x.F1 = 2 * x.Specificity * x.Sensitivity / (x.Specificity + x.Sensitivity)
		if a.sum[j] != 0 {
			x.MassShare = a.trueSum[j] / a.sum[j]
		}
		c.Latents = append(c.Latents, x)
	}
	slices.SortStableFunc(c.Latents, func(x, y ConditionScore) int { return cmp.Compare(y.F1, x.F1) })
	chosen := map[int]bool{}
	for _, j := range a.o.Latents {
		chosen[j] = true
	}
	kept := []ConditionScore{}
	for i, x := range c.Latents {
		if i < conditionLatents || chosen[x.Latent] {
			kept = append(kept, x)
		}
	}
	c.Latents = kept
	return c
}
