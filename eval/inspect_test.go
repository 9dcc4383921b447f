package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

// text is a Reader in memory: X[i] of width 2 holds how strongly latents 0 and
// 1 fire on row i.
type text struct {
	b      activations.Batch
	tokens []string
}

func (d *text) Name() string                   { return "text" }
func (d *text) Rows() int64                    { return int64(d.b.N) }
func (d *text) D() int                         { return d.b.D }
func (d *text) HasToken() bool                 { return d.tokens != nil }
func (d *text) Metadata() activations.Metadata { return nil }

func (d *text) Has(c activations.Columns) bool {
	return (c&activations.Gradient == 0 || d.b.Gradient != nil) && c&activations.Label == 0
}

func (d *text) Tokens(rows []int64) (out []string, err error) {
	for _, r := range rows {
		out = append(out, d.tokens[r])
	}
	return out, nil
}

func (d *text) Read(b *activations.Batch, rows []int64, cols activations.Columns) error {
	*b = activations.Batch{N: len(rows), D: d.b.D, Row: slices.Clone(rows)}
	for _, r := range rows {
		b.X = append(b.X, d.b.X[int(r)*b.D:int(r+1)*b.D]...)
		if d.b.Gradient != nil {
			b.Gradient = append(b.Gradient, d.b.Gradient[int(r)*b.D:int(r+1)*b.D]...)
		}
	}
	return d.columns(b, rows)
}

func (d *text) ReadColumns(b *activations.Batch, rows []int64, cols activations.Columns) error {
	*b = activations.Batch{N: len(rows), D: d.b.D, Row: slices.Clone(rows)}
	return d.columns(b, rows)
}

func (d *text) columns(b *activations.Batch, rows []int64) error {
	for _, r := range rows {
		b.Doc, b.Pos, b.Label = append(b.Doc, d.b.Doc[r]), append(b.Pos, d.b.Pos[r]), append(b.Label, -1)
	}
	return nil
}

// speech is two documents: "a cat sat" and "the cat ran", a token a row.
// Latent 0 fires on what ends "cat" and weakly on "sat"; latent 1 everywhere;
// latent 2 never.
func speech() (*text, Subject) {
	d := &text{tokens: []string{"a", " c", "at", " sat", "the", " cat", " ran"}}
	d.b = activations.Batch{N: 7, D: 2, Doc: []int64{0, 0, 0, 0, 1, 1, 1}, Pos: []int32{0, 1, 2, 3, 0, 1, 2}}
	d.b.X = []float32{0, 1, 0, 1, 3, 1, 1, 1, 0, 1, 5, 1, 0, 1}
	for range 7 {
		d.b.Gradient = append(d.b.Gradient, 0, -2)
	}
	m := &formula{f: 3, weights: map[string][]float32{"decoder.weight": {1, 0, 0, 1, 1, 1}}}
	m.code = func(x []float32) (index []int32, value []float32) {
		for j, v := range x {
			if v != 0 {
				index, value = append(index, int32(j)), append(value, v)
			}
		}
		return index, value
	}
	m.decode = func(dst, x []float32, _ []int32, _ []float32) { copy(dst, x) }
	return d, Subject{Model: m, Dims: sae.Dims{D: 2, F: 3, B: 3}}
}

func inspect(t *testing.T, o InspectOptions) *Inspection {
	t.Helper()
	d, s := speech()
	x, err := inspectError(d, s, o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func inspectError(d *text, s Subject, o InspectOptions) (*Inspection, error) {
	return Inspect(context.Background(), s, d, activations.AllRows(7), 3, o)
}

func TestInspectOneLatent(t *testing.T) {
	o := DefaultInspect()
	o.Latents, o.Top, o.Bins, o.Before, o.After = []int{0}, 2, 3, 2, 1
	f := inspect(t, o).Features[0]
	if f.Fired != 3 || f.Documents != 2 || f.Max != 5 || f.Mean != 3 || math.Abs(f.Frequency-3.0/7) > 1e-15 {
		t.Errorf("figures are %+v", f)
	}
	if *f.Attribution != 0 {
		t.Errorf("attribution is %v, want 0: the decoder row and the gradient are at right angles", *f.Attribution)
	}
	if q := f.Quantiles[2]; q.Q != 0.5 || q.Value != 3 {
		t.Errorf("the median is %+v, want 3", q)
	}
	top := f.Top[0]
	if top.Row != 5 || top.Value != 5 || *top.Doc != 1 || *top.Pos != 1 || top.At != 1 {
		t.Errorf("the largest activation is %+v", top)
	}
	if want := []string{"the", " cat", " ran"}; !reflect.DeepEqual(top.Tokens, want) || !reflect.DeepEqual(top.Values, []float32{0, 5, 0}) {
		t.Errorf("its context is %q %v, want %q", top.Tokens, top.Values, want)
	}
	if second := f.Top[1]; second.Row != 2 || !reflect.DeepEqual(second.Tokens, []string{"a", " c", "at", " sat"}) || !reflect.DeepEqual(second.Values, []float32{0, 0, 3, 1}) {
		t.Errorf("the second is %+v", second)
	}
	if len(f.Bins) != 3 || f.Bins[0].Example.Row != 5 || f.Bins[2].Example.Value != 1 {
		t.Errorf("bins are %+v", f.Bins)
	}
	root := math.Sqrt(0.5)
	if n := f.Nearest; len(n) != 2 || n[0].Latent != 2 || math.Abs(n[0].Cosine-root) > 1e-7 || n[1] != (Neighbour{1, 0}) {
		t.Errorf("neighbours are %+v", n)
	}
	if p := f.Partners; len(p) != 1 || p[0] != (Partner{Latent: 1, Share: 1, Jaccard: 3.0 / 7}) {
		t.Errorf("partners are %+v", p)
	}
}

func TestInspectRanks(t *testing.T) {
	for _, c := range []struct {
		by     string
		count  int
		latent []int
	}{{ByFrequency, 0, []int{1, 0}}, {ByActivation, 0, []int{0, 1}}, {ByActivation, 1, []int{0}}, {ByAttribution, 0, []int{1, 0}}, {"", 0, []int{0, 1}}} {
		x := inspect(t, InspectOptions{By: c.by, Count: c.count})
		var got []int
		for _, f := range x.Features {
			got = append(got, f.Latent)
		}
		if !reflect.DeepEqual(got, c.latent) {
			t.Errorf("by %q: %v, want %v", c.by, got, c.latent)
		}
	}
	zero := 0
	x := inspect(t, InspectOptions{Latents: []int{1, 2, 0}, Similar: &zero})
	if f := x.Features; f[0].Latent != 0 || f[1].Latent != 2 || f[2].Latent != 1 {
		t.Errorf("by similarity to latent 0 come %d, %d and %d", f[0].Latent, f[1].Latent, f[2].Latent)
	}
	// Latent 1 adds 1·<(0,1),(0,-2)> = -2 to the loss of every row.
	if a := *inspect(t, InspectOptions{Latents: []int{1}}).Features[0].Attribution; a != 2 {
		t.Errorf("attribution is %v, want 2", a)
	}
}

func TestInspectSearch(t *testing.T) {
	x := inspect(t, InspectOptions{Search: "cat"})
	if x.Search.Rows != 2 {
		t.Errorf("cat is complete on %d rows, want 2, one of them over two tokens", x.Search.Rows)
	}
	if f := x.Features[0]; f.Latent != 0 || f.Match.Recall != 1 || math.Abs(f.Match.Precision-8.0/9) > 1e-15 {
		t.Errorf("the best match is %+v", f)
	}
	for query, want := range map[string]int64{"Cat": 0, "at": 3, "sat the": 0, "a c": 1, "t": 4, "cat ran": 1} {
		if got := inspect(t, InspectOptions{Search: query}).Search.Rows; got != want {
			t.Errorf("%q is complete on %d rows, want %d", query, got, want)
		}
	}
}

func TestInspectText(t *testing.T) {
	o := DefaultInspect()
	o.Latents = []int{0, 2}
	var b strings.Builder
	if err := inspect(t, o).WriteText(&b, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"latent 0  « cat» 71 % of its activity;  fires on 3 rows (42.9 %) in 2 documents, mean 3, largest 5", "the« cat» ran", "doc 1:1", "nearest    2 (0.71)", "latent 2  never fires"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("there is colour where none was asked for")
	}
	if _, err := json.Marshal(inspect(t, o)); err != nil {
		t.Error(err)
	}
}

func TestPrintable(t *testing.T) {
	if got := Printable("a\tb\n\x1b[2Jc\u202e"); got != "a→b↵<001B>[2Jc<202E>" {
		t.Errorf("got %q", got)
	}
}

func TestParseLatents(t *testing.T) {
	got, err := ParseLatents("3, 17,40-42,3", 43)
	if want := []int{3, 17, 40, 41, 42}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for list, want := range map[string]string{"": "no latent", "x": `"x"`, "5-3": "backwards", "43": "there is no latent 43", "1-": "no latent", "-1": "no latent"} {
		if _, err := ParseLatents(list, 43); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want a message with %s", list, err, want)
		}
	}
}

// TestInspectBatches wants the same from any size of batch.
func TestInspectBatches(t *testing.T) {
	d, s := speech()
	var first string
	for _, batch := range []int{1, 2, 3, 7} {
		x, err := Inspect(context.Background(), s, d, activations.AllRows(7), batch, InspectOptions{Search: "cat", Top: 3, Bins: 2, Before: 3, Nearest: 2})
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := json.Marshal(x)
		if first == "" {
			first = string(raw)
		}
		if string(raw) != first {
			t.Errorf("batches of %d give\n%s\nothers\n%s", batch, raw, first)
		}
	}
}

func TestCodeRowsHalve(t *testing.T) {
	a := codeRows{bare: true}
	for i := range 64 {
		a.add(uint32(i), []int32{int32(i), 64}, []float32{1, 1})
	}
	a.halve()
	a.halve()
	if a.rows() != 16 || a.start[16] != 32 {
		t.Fatalf("%d rows are left, with %d entries", a.rows(), a.start[a.rows()])
	}
	for i := range 16 {
		if got := a.index[a.start[i]:a.start[i+1]]; len(got) != 2 || got[0] != int32(4*i) || got[1] != 64 {
			t.Errorf("row %d holds %v, want [%d 64]", i, got, 4*i)
		}
	}
	a.add(3, []int32{1}, []float32{1})
	a.add(8, []int32{1}, []float32{0})
	if a.rows() != 17 {
		t.Errorf("%s", fmt.Sprint("rows after the halving are not drawn like those before: ", a.rows()))
	}
}
